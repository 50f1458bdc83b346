"""Episodes side by side are those that run one after another, each seed once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.environments.point_mass import PointMass
from muse_core.environments.point_mass_expert import PointMassExpert
from muse_core.environments.vectorized import VectorizedEnvironment
from muse_core.evaluation.batched import run_episodes
from muse_core.evaluation.recorder import Recorder, episode_id, open_recording
from muse_core.evaluation.rollout import EpisodeResult, FrameCollector, run_episode
from muse_core.policies.batch import PolicyBatch
from muse_core.policies.replay import ReplayPolicy
from muse_core.policies.timeout import TimeoutPolicy

make = partial(PointMass, max_steps=40)  # some episodes are cut off, others arrive
NOISE = 0.2


@pytest.fixture(scope="module")
def environments():
    with VectorizedEnvironment(make, 3) as three:
        yield three


def experts(count: int = 3) -> PolicyBatch:
    return PolicyBatch([PointMassExpert(noise=NOISE) for _ in range(count)])


def alone(seeds, policy=None, presets=None) -> list[EpisodeResult]:
    environment, policy = make(), policy or PointMassExpert(noise=NOISE)
    presets = presets or [None] * len(seeds)
    return [run_episode(environment, policy, seed, (), preset) for seed, preset in zip(seeds, presets, strict=True)]


def without_times(results) -> list[EpisodeResult]:
    return sorted((replace(result, inference_ms=()) for result in results), key=lambda result: result.seed)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_each_seed_is_run_once_and_as_it_would_be_alone(environments, count: int):
    seeds = [100 + 7 * i for i in range(count)]
    expected = without_times(alone(seeds))
    found = list(run_episodes(environments, experts(), seeds))
    assert without_times(found) == expected and [result.seed for result in expected] == seeds
    assert all(len(result.inference_ms) == result.steps for result in found)


def test_both_ways_to_end_are_among_the_episodes(environments):
    ended = {result.ended for result in run_episodes(environments, experts(), range(100, 112))}
    assert ended == {"terminated", "truncated"}


def test_results_come_as_their_episodes_end(environments):
    found = list(run_episodes(environments, experts(), [1, 2, 3]))
    assert [result.steps for result in found] == sorted(result.steps for result in found)


def test_the_same_run_again_is_the_same(environments):
    first, second = (without_times(run_episodes(environments, experts(), range(5))) for _ in range(2))
    assert first == second


def test_presets_go_with_their_seeds(environments):
    seeds, presets = [1, 2, 3, 4], ["start_03", None, "start_20", "start_03"]
    found = without_times(run_episodes(environments, experts(), seeds, presets))
    assert found == without_times(alone(seeds, presets=presets))
    assert [result.preset for result in found] == presets
    with pytest.raises(ValueError, match="presets must be as many as seeds, 4, got 1"):
        list(run_episodes(environments, experts(), seeds, ["start_03"]))


def test_an_episode_ends_when_its_policy_says_so(environments):
    policy = PolicyBatch([TimeoutPolicy(PointMassExpert(), steps) for steps in (2, 5, 9)])
    found = {result.seed: result for result in run_episodes(environments, policy, [1, 2, 3])}
    assert [(found[seed].steps, found[seed].ended) for seed in (1, 2, 3)] == [
        (2, "policy"),
        (5, "policy"),
        (9, "policy"),
    ]


def test_a_recording_of_the_batch_is_that_of_each_alone_and_replays(environments, tmp_path):
    seeds = range(4)
    folders = []
    for name in ("alone", "batch"):
        folder = open_recording(tmp_path / name, make(), [episode_id(seed) for seed in seeds], {})
        folders.append(folder)
    for seed in seeds:
        run_episode(make(), PointMassExpert(noise=NOISE), seed, [Recorder(folders[0], {})])
    observers = {seed: [Recorder(folders[1], {})] for seed in seeds}
    recorded = without_times(run_episodes(environments, experts(), seeds, observers=observers))
    one, other = (EpisodeFolder.open(folder.path) for folder in folders)
    assert sorted(one.ids) == sorted(other.ids) == [episode_id(seed) for seed in seeds]
    for id_ in one.ids:
        for key, array in one.get_episode(id_).arrays.items():
            np.testing.assert_array_equal(array, other.get_episode(id_).arrays[key])
    assert [result.steps for result in recorded] == [len(other.get_episode(episode_id(seed))) for seed in seeds]


def test_replays_end_each_at_its_own_time(environments, tmp_path):
    seeds = range(5)
    folder = open_recording(tmp_path / "recorded", make(), [episode_id(seed) for seed in seeds], {})
    for seed in seeds:
        run_episode(make(), PointMassExpert(noise=NOISE), seed, [Recorder(folder, {})])
    replays = PolicyBatch([ReplayPolicy(folder) for _ in range(3)])
    replayed = without_times(run_episodes(environments, replays, seeds))
    assert replayed == without_times(alone(seeds, ReplayPolicy(folder)))
    assert "policy" in {result.ended for result in replayed}


def test_frames_are_those_of_the_episodes_own_environment(environments):
    collectors = {seed: FrameCollector() for seed in (5, 6)}
    results = run_episodes(environments, experts(), [4, 5, 6], observers={s: [c] for s, c in collectors.items()})
    steps = {result.seed: result.steps for result in results}
    for seed, collector in collectors.items():
        assert len(collector.frames) == steps[seed]
        single = make()
        single.reset(seed=seed)
        np.testing.assert_array_equal(collector.frames[0], single.render())


def test_no_seeds_are_no_episodes(environments):
    assert list(run_episodes(environments, experts(), [])) == []


def test_a_learned_policy_acts_for_the_whole_batch(environments):
    pytest.importorskip("torch")
    from muse_core.configs import BCRNNConfig, GoalConfig, TrainConfig
    from muse_core.policies.learned import LearnedPolicy
    from muse_core.policies.untrained import untrained_checkpoint
    from muse_core.spec import Spec

    spec = Spec({**make().observation_spec, **make().action_spec})
    goal = GoalConfig(keys=("position",))
    config = TrainConfig(observations=("position", "velocity"), goal=goal, model=BCRNNConfig(hidden_size=16))
    checkpoint = untrained_checkpoint(config, spec, None, 10.0)
    found = without_times(run_episodes(environments, LearnedPolicy(checkpoint, batch_size=3), range(5)))
    expected = without_times(alone(range(5), LearnedPolicy(checkpoint)))
    assert [(r.seed, r.success, r.steps, r.ended) for r in found] == [
        (r.seed, r.success, r.steps, r.ended) for r in expected
    ]
