"""What ends an episode, what seeds it, and what a recording of it holds."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.store import DatasetError
from muse_core.evaluation.recorder import Recorder, episode_id, open_recording, recording_spec
from muse_core.evaluation.rollout import run_episode
from muse_core.policies.random import RandomPolicy
from muse_core.policies.scripted import ScriptedPolicy
from muse_core.policies.timeout import TimeoutPolicy
from muse_core.spec import ArraySpec, Spec


class Line:
    """A position that the action moves; truncated after six steps. Its observation is one array, written over."""

    observation_spec = Spec({"x": ArraySpec((1,))})
    action_spec = Spec({"action": ArraySpec((1,), low=-1.0, high=1.0, role="action")})
    rate_hz = 5.0

    def __init__(self):
        self._x = np.zeros(1, np.float32)

    def reset(self, *, seed=None, options=None):
        self.options = options
        self._x[:], self._steps = seed, 0
        return {"x": self._x}, {}

    def step(self, action):
        self._x += action["action"]
        self._steps += 1
        return {"x": self._x}, -float(self._steps), False, self._steps == 6, {"success": bool(self._x > 0)}

    def close(self):
        pass


class Shaken:
    """Means a step of one half, and executes one."""

    label = None

    def reset(self):
        self.label = None

    def act(self, observation):
        self.label = {"action": np.float32([0.5])}
        return {"action": np.float32([1.0])}


def test_an_episode_ends_where_its_policy_has_no_more_to_do():
    result = run_episode(Line(), TimeoutPolicy(Shaken(), 2), 0)
    assert (result.steps, result.ended) == (2, "policy")
    assert run_episode(Line(), TimeoutPolicy(Shaken(), 6), 0).ended == "truncated"  # the environment has the first word


def test_the_seed_of_an_episode_is_that_of_its_policy_too():
    policy = RandomPolicy(Line.action_spec, seed=99)

    def next_action(seed: int) -> float:
        run_episode(Line(), policy, seed)
        return policy.act({})["action"].item()

    assert next_action(1) == next_action(1) != next_action(2)


def test_a_preset_reaches_the_environment():
    environment = Line()
    assert run_episode(environment, Shaken(), 0, preset="start_03").preset == "start_03"
    assert environment.options == {"preset": "start_03"}


def test_rows_hold_what_was_seen_what_was_meant_and_what_came_of_it(tmp_path):
    folder = open_recording(tmp_path / "line", Line(), [episode_id(3)], {"made_by": "a test"})
    run_episode(Line(), Shaken(), 3, [Recorder(folder, {"task": "line"})])
    episode = EpisodeFolder.open(tmp_path / "line").get_episode("seed_0000003")
    # executed are steps of 1.0 from 3.0 on, learnt is 0.5; the reward of row t is what its action earned
    assert episode.arrays["x"][:, 0].tolist() == [3, 4, 5, 6, 7, 8]
    assert episode.arrays["action"][:, 0].tolist() == [0.5] * 6
    assert episode.arrays["reward"][:, 0].tolist() == [-1, -2, -3, -4, -5, -6]
    assert episode.arrays["done"][:, 0].tolist() == [False] * 5 + [True]
    assert episode.metadata == {
        "task": "line", "success": True, "seed": 3, "preset": None, "return": -21.0, "ended": "truncated",
        "clean_labels": 6,
    }  # fmt: skip
    assert folder.provenance == {"made_by": "a test", "rate_hz": 5.0}


def test_a_failure_is_kept_and_an_episode_that_was_cut_off_leaves_nothing(tmp_path):
    folder = open_recording(tmp_path / "line", Line(), [], {})
    recorder = Recorder(folder)
    recorder.on_begin(Line(), Shaken(), 0)
    recorder.on_step(Line(), {"x": np.float32([7])}, {"action": np.float32([7])})
    back = ScriptedPolicy(lambda observation: {"action": np.float32([-1.0])})
    run_episode(Line(), TimeoutPolicy(back, 3), 1, [recorder])
    [episode] = folder
    assert (len(episode), episode.metadata["success"], episode.metadata["clean_labels"]) == (3, False, 0)
    assert episode.arrays["x"][:, 0].tolist() == [1, 0, -1]


def test_a_recording_is_added_to_where_it_fits_and_never_written_over(tmp_path):
    run = open_recording(tmp_path / "line", Line(), [episode_id(3)], {})
    run_episode(Line(), Shaken(), 3, [Recorder(run)])
    assert len(open_recording(tmp_path / "line", Line(), [episode_id(4)], {})) == 1
    with pytest.raises(
        DatasetError, match=r"holds 1 of these episodes already, 'seed_0000003' for one; choose another"
    ):
        open_recording(tmp_path / "line", Line(), [episode_id(3), episode_id(4)], {})

    class Faster(Line):
        rate_hz = 10.0

    with pytest.raises(DatasetError, match="holds other arrays, or another rate"):
        open_recording(tmp_path / "line", Faster(), [episode_id(4)], {})


def test_an_environments_own_reward_is_not_overwritten():
    class Rewarding(Line):
        observation_spec = Spec({"reward": ArraySpec((1,))})

    with pytest.raises(ValueError, match="the environment's own reward would be overwritten"):
        recording_spec(Rewarding())
