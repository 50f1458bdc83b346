"""Every kind of policy does what a rollout expects of one."""

from __future__ import annotations

import numpy as np
import pytest
from conformance.policies import PolicyConformance

from muse_core.configs import BCRNNConfig, TrainConfig
from muse_core.policies.random import RandomPolicy
from muse_core.policies.replay import ReplayPolicy
from muse_core.policies.scripted import ScriptedPolicy
from muse_core.policies.sequence import SequencePolicy, Stage
from muse_core.policies.timeout import TimeoutPolicy
from muse_core.policies.waypoints import Waypoint, WaypointPolicy
from muse_core.spec import ArraySpec, Spec

OBSERVATIONS = Spec({"x": ArraySpec((2,)), "image": ArraySpec((16, 16, 3), "uint8")})
ACTIONS = Spec({"action": ArraySpec((2,), low=-1.0, high=1.0, role="action")})


def _turned(observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"action": np.clip(observation["x"][::-1], -1, 1).astype(np.float32)}


class _Described(PolicyConformance):
    observation_spec, action_spec = OBSERVATIONS, ACTIONS


class TestRandom(_Described):
    def make(self):
        return RandomPolicy(ACTIONS)


class TestScripted(_Described):
    def make(self):
        return ScriptedPolicy(_turned)


class TestTimeout(_Described):
    def make(self):
        return TimeoutPolicy(RandomPolicy(ACTIONS), max_steps=8)


class TestSequence(_Described):
    def make(self):
        return SequencePolicy([Stage(ScriptedPolicy(_turned), 3), Stage(RandomPolicy(ACTIONS))])


class TestWaypoints(PolicyConformance):
    observation_spec = Spec({"ee_position": ArraySpec((3,)), "ee_orientation": ArraySpec((4,), unit="quaternion xyzw")})
    action_spec = Spec({"action": ArraySpec((7,), role="action")})

    def make(self):
        near, far = Waypoint((0.0, 0.0, 0.1), relative=True, timeout_s=0.3), Waypoint((5.0, 0.0, 0.0), gripper=1.0)
        return WaypointPolicy([near, far], rate_hz=10.0)


class TestReplay(PolicyConformance):
    observation_spec = Spec({"x": ArraySpec((2,))})

    @pytest.fixture(autouse=True)
    def recorded(self, tiny_dataset):
        arrays = dict(tiny_dataset.get_episode(3).arrays)
        tiny_dataset.add_episode("of_seed_0", arrays, {"seed": 0})
        self.store, self.action_spec = tiny_dataset, tiny_dataset.spec.select(["action"])

    def make(self):
        return ReplayPolicy(self.store)


class TestLearned(_Described):
    def make(self):
        pytest.importorskip("torch")
        from muse_core.policies.learned import LearnedPolicy
        from muse_core.policies.untrained import untrained_checkpoint

        config = TrainConfig(observations=("x", "image"), model=BCRNNConfig(hidden_size=16), device="cpu")
        return LearnedPolicy(untrained_checkpoint(config, Spec({**OBSERVATIONS, **ACTIONS}), None, 10.0))
