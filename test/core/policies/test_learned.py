"""A checkpoint as a policy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from muse_core.configs import BCRNNConfig, DiffusionConfig, TrainConfig, UnetConfig  # noqa: E402
from muse_core.policies.learned import LearnedPolicy  # noqa: E402
from muse_core.policies.policy import PlanningPolicy  # noqa: E402
from muse_core.spec import SpecError  # noqa: E402
from muse_core.trainers.setup import prepare  # noqa: E402


@pytest.fixture
def policy(tiny_dataset, tmp_path) -> LearnedPolicy:
    config = TrainConfig(
        dataset=str(tiny_dataset.path), horizon=4, threads=1, device="cpu", model=BCRNNConfig(hidden_size=16)
    )
    prepare(config).save(tmp_path / "model.pt")
    return LearnedPolicy.from_checkpoint(tmp_path / "model.pt")


def observations(policy: LearnedPolicy, count: int) -> list[dict[str, np.ndarray]]:
    return [policy.observation_spec.sample(np.random.default_rng(i)) for i in range(count)]


def run(policy: LearnedPolicy, count: int = 6) -> np.ndarray:
    policy.reset()
    return np.stack([policy.act(observation)["action"] for observation in observations(policy, count)])


def test_it_knows_what_it_needs_what_it_gives_and_how_often(policy):
    assert list(policy.observation_spec) == ["ee_position", "ee_orientation", "gripper_width", "image", "ego_image"]
    assert policy.action_spec["action"].shape == (7,)
    assert policy.rate_hz == 10.0


def test_actions_are_as_the_spec_says(policy):
    policy.action_spec.check(policy.act(observations(policy, 1)[0]))


def test_the_same_episode_gives_the_same_actions(policy):
    assert np.array_equal(run(policy), run(policy))


def test_it_remembers_within_an_episode_and_forgets_between_them(policy):
    first = run(policy, 2)
    policy.reset()
    again = policy.act(observations(policy, 2)[1])["action"]
    assert not np.array_equal(first[1], again)


def test_warming_up_leaves_no_trace(policy):
    expected = run(policy)
    policy.reset()
    policy.warm_up()
    got = np.stack([policy.act(o)["action"] for o in observations(policy, 6)])
    assert np.array_equal(expected, got)


def test_further_keys_are_ignored_and_read_only_arrays_taken(policy):
    plain = observations(policy, 1)[0]
    policy.reset()
    expected = policy.act(plain)["action"]
    observation = plain | {"wrench": np.zeros(6)}
    for array in observation.values():
        array.setflags(write=False)
    policy.reset()
    np.testing.assert_array_equal(policy.act(observation)["action"], expected)


def test_an_observation_that_is_not_as_described_is_named(policy):
    observation = observations(policy, 1)[0]
    del observation["image"]
    with pytest.raises(SpecError, match="missing image"):
        policy.act(observation)
    wrong = observations(policy, 1)[0] | {"image": np.zeros((8, 8, 3), np.uint8)}
    with pytest.raises(SpecError, match=r"'image': expected shape \(16, 16, 3\), got \(8, 8, 3\)"):
        policy.act(wrong)


def test_importing_the_library_does_not_import_torch():
    modules = "muse_core, muse_core.policies.learned, muse_core.checkpoints, muse_core.evaluation.evaluate"
    code = f"import {modules}, muse_core.trainers.train, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def chunked(tiny_dataset, tmp_path) -> LearnedPolicy:
    """A policy that plans 6 actions and carries out 3 of them."""
    small = UnetConfig(channels=(16, 32), groups=4, step_width=16, condition_width=16)
    model = DiffusionConfig(denoiser=small, observation_steps=1, execute=3, noise_steps=10, sampling_steps=2)
    config = TrainConfig(dataset=str(tiny_dataset.path), horizon=6, threads=1, device="cpu", model=model)
    prepare(config).save(tmp_path / "chunked.pt")
    return LearnedPolicy.from_checkpoint(tmp_path / "chunked.pt")


def test_observing_and_planning_in_turn_gives_the_actions_of_acting(chunked):
    acted = run(chunked, 6)
    chunked.reset()
    planned = []
    for step, observation in enumerate(observations(chunked, 6)):
        chunked.observe(observation)
        if step % chunked.execution.execute == 0:
            planned += [*chunked.plan()["action"][: chunked.execution.execute]]
    assert isinstance(chunked, PlanningPolicy) and np.array_equal(acted, np.stack(planned))


def test_replanning_forgets_the_plan_and_remembers_what_was_seen(chunked):
    first, second, *_ = observations(chunked, 2)
    chunked.reset()
    begun = chunked.act(first)["action"]
    chunked.replan()
    again = chunked.act(second)["action"]
    chunked.reset()
    chunked.observe(first)
    chunked.observe(second)
    assert np.array_equal(again, chunked.plan()["action"][0]) and not np.array_equal(begun, again)


def test_warming_up_tells_how_many_actions_it_plans_and_that_it_takes_time(policy, chunked):
    assert policy.warm_up().chunk == 1
    readiness = chunked.warm_up()
    assert readiness.chunk == 6 and readiness.inference_s > 0.0
