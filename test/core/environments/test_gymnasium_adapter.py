"""Environments of gymnasium in our terms: spaces of every kind, truncation, success, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from conformance.environments import EnvironmentConformance

gymnasium = pytest.importorskip("gymnasium")

from gymnasium import spaces  # noqa: E402

from muse_core.environments.gymnasium_adapter import GymnasiumEnvironment  # noqa: E402
from muse_core.spec import ArraySpec, SpecError  # noqa: E402


class TestCartPoleConformance(EnvironmentConformance):
    def make(self):
        return GymnasiumEnvironment("CartPole-v1")


class TestPendulumConformance(EnvironmentConformance):
    def make(self):
        return GymnasiumEnvironment("Pendulum-v1")


class Echo(gymnasium.Env):
    """Gives what its observation space samples; keeps the last action; says what it was told to say."""

    def __init__(self, observation_space, action_space=None, info=None, **end):
        self.observation_space = observation_space
        self.action_space = action_space or spaces.Box(-1.0, 1.0, (2,))
        self.metadata = {"render_modes": [], "render_fps": 20}
        self.said = info or {}
        self.end = (end.get("terminated", False), end.get("truncated", False))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.options = options
        self.observation_space.seed(seed)
        self.observation = self.observation_space.sample()
        return self.observation, {}

    def step(self, action):
        self.action = action
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        return self.observation, 1.5, *self.end, self.said


def test_nested_observations_are_flattened_by_name():
    space = spaces.Dict(
        {
            "arm": spaces.Dict({"q": spaces.Box(-3.0, 3.0, (7,), np.float64), "held": spaces.Discrete(2)}),
            "sensors": spaces.Tuple((spaces.MultiBinary(4), spaces.MultiDiscrete([3, 5], start=[1, 0]))),
            "image": spaces.Box(0, 255, (6, 8, 3), np.uint8),
            "depth": spaces.Box(0.0, np.inf, (1,), np.float32),
        }
    )
    inner = Echo(space)
    environment = GymnasiumEnvironment(inner)
    assert dict(environment.observation_spec) == {
        "arm/held": ArraySpec((1,), "int64", low=0, high=1),
        "arm/q": ArraySpec((7,), low=-3.0, high=3.0),
        "depth": ArraySpec((1,), low=0.0),
        "image": ArraySpec((6, 8, 3), "uint8", "rgb"),
        "sensors/0": ArraySpec((4,), "int8", low=0, high=1),
        "sensors/1": ArraySpec((2,), "int64", low=0, high=4),
    }
    observation, _ = environment.reset(seed=0)
    environment.observation_spec.check(observation)
    np.testing.assert_array_equal(observation["sensors/1"], inner.observation["sensors"][1])
    np.testing.assert_allclose(observation["arm/q"], inner.observation["arm"]["q"], rtol=1e-7)
    assert environment.rate_hz == 20.0


def test_an_observation_that_is_no_dict_is_named_observation():
    assert list(GymnasiumEnvironment(Echo(spaces.Discrete(3))).observation_spec) == ["observation"]
    pair = spaces.Tuple((spaces.Discrete(3), spaces.Box(0, 1, (2,))))
    assert list(GymnasiumEnvironment(Echo(pair)).observation_spec) == ["observation/0", "observation/1"]


@pytest.mark.parametrize(
    ("space", "given", "received"),
    [
        (spaces.Discrete(3, start=5), {"action": np.array([7])}, 7),
        (spaces.MultiDiscrete([2, 9]), {"action": np.array([1, 8])}, [1, 8]),
        (spaces.MultiBinary(2), {"action": np.array([0, 1], np.int8)}, [0, 1]),
        (spaces.Box(0.1, 0.3, (1,), np.float64), {"action": np.array([0.3], np.float32)}, [0.3]),
        (spaces.Box(-1.0, 1.0, ()), {"action": np.array([0.5], np.float32)}, 0.5),
        (
            spaces.Dict({"arm": spaces.Tuple((spaces.Discrete(2), spaces.Box(-1, 1, (1,))))}),
            {"arm/0": np.array([1]), "arm/1": np.array([0.5], np.float32)},
            {"arm": (1, [0.5])},
        ),
    ],
)
def test_an_action_arrives_as_its_space_wants_it(space, given, received):
    inner = Echo(spaces.Discrete(2), space)
    environment = GymnasiumEnvironment(inner)
    environment.reset(seed=0)
    environment.step(given)
    assert space.contains(inner.action)
    if isinstance(received, dict):
        assert inner.action["arm"][0] == 1 and inner.action["arm"][1] == [0.5]
    else:
        np.testing.assert_array_equal(inner.action, received)


def test_limits_of_single_elements_are_kept():
    space = spaces.Box(np.float32([-1, -2]), np.float32([1, 2]))
    environment = GymnasiumEnvironment(Echo(spaces.Discrete(2), space))
    environment.reset(seed=0)
    environment.step({"action": np.float32([1, 2])})
    with pytest.raises(SpecError, match=r"'action': expected values between \[-1. -2.\] and \[1. 2.\], got \[2. 1.\]"):
        environment.step({"action": np.float32([2, 1])})
    digits = GymnasiumEnvironment(Echo(spaces.Discrete(2), spaces.MultiDiscrete([2, 9])))
    digits.reset(seed=0)
    with pytest.raises(SpecError, match=r"'action': expected values of MultiDiscrete\(\[2 9\]\), got \[2 0\]"):
        digits.step({"action": np.array([2, 0])})


@pytest.mark.parametrize("end", [{"terminated": True}, {"truncated": True}])
def test_truncation_is_told_from_termination(end: dict):
    environment = GymnasiumEnvironment(Echo(spaces.Discrete(2), **end))
    environment.reset(seed=0)
    _, _, terminated, truncated, _ = environment.step({"action": np.zeros(2, np.float32)})
    assert {"terminated": terminated, "truncated": truncated} == {"terminated": False, "truncated": False, **end}


def test_the_time_limit_of_the_id_truncates():
    environment = GymnasiumEnvironment("Pendulum-v1", max_steps=3)
    environment.reset(seed=0)
    ends = [environment.step({"action": np.zeros(1, np.float32)})[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


@pytest.mark.parametrize(
    ("info", "options", "success"),
    [
        ({"is_success": np.bool_(True)}, {}, True),
        ({"success": 1.0}, {}, True),
        ({"is_success": 0.0, "success": True}, {}, False),
        ({}, {}, False),
        ({}, {"success_reward": 1.5}, True),
        ({}, {"success_reward": 1.6}, False),
        ({"success": False}, {"success_reward": 1.0}, False),
    ],
)
def test_success_is_what_info_says_else_enough_reward(info: dict, options: dict, success: bool):
    environment = GymnasiumEnvironment(Echo(spaces.Discrete(2), info=info, terminated=True), **options)
    environment.reset(seed=0)
    assert environment.step({"action": np.zeros(2, np.float32)})[4]["success"] is success


def test_reset_options_of_the_environments_own_are_handed_on():
    inner = Echo(spaces.Discrete(2))
    environment = GymnasiumEnvironment(inner)
    environment.reset(seed=0, options={"low": -0.1})
    assert inner.options == {"low": -0.1}
    with pytest.raises(ValueError, match="no preset named 'start_00': none here"):
        environment.reset(seed=0, options={"preset": "start_00"})
    with pytest.raises(ValueError, match="nothing named 'cube' can be set; there is nothing"):
        environment.reset(seed=0, options={"preset": {"cube": [0, 0, 0]}})


def test_pictures_are_on_where_there_are_any():
    pytest.importorskip("pygame")
    environment = GymnasiumEnvironment("CartPole-v1")
    environment.reset(seed=0)
    assert environment.render().shape == (400, 600, 3)
    environment.close()
    with pytest.raises(ValueError, match="gives no pictures: its render_mode is None, not 'rgb_array'"):
        GymnasiumEnvironment("CartPole-v1", render_mode=None).render()
    with pytest.raises(ValueError, match="gives no pictures"):
        GymnasiumEnvironment(Echo(spaces.Discrete(2))).render()


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Text(5), "observation: a Text space has no fixed shape; supported are Box, Discrete"),
        (spaces.Dict({"a": spaces.Sequence(spaces.Discrete(2))}), "a: a Sequence space has no fixed shape"),
        (spaces.Dict({"a": spaces.Box(0, 1, (0,))}), "the space 'a', .* holds no array: shape must hold positive"),
        (spaces.Dict({"a/b": spaces.Discrete(2), "a": spaces.Dict({"b": spaces.Discrete(2)})}), "be named 'a/b'"),
        (spaces.Dict({"action": spaces.Discrete(2)}), "'action' names an observation and an action"),
    ],
)
def test_spaces_that_cannot_be_a_spec_are_refused_by_name(space, message: str):
    with pytest.raises(ValueError, match=message):
        GymnasiumEnvironment(Echo(space))


def test_what_cannot_be_made_is_refused():
    with pytest.raises(ValueError, match=r"gymnasium cannot make 'CartPol-v1': .*CartPole"):
        GymnasiumEnvironment("CartPol-v1")
    with pytest.raises(ValueError, match=r"gymnasium cannot make 'CartPole-v1': .*no_such_option"):
        GymnasiumEnvironment("CartPole-v1", no_such_option=1)
    with pytest.raises(ValueError, match="sutton: only for an environment that is made here"):
        GymnasiumEnvironment(Echo(spaces.Discrete(2)), sutton=True)
    timeless = Echo(spaces.Discrete(2))
    timeless.metadata = {}
    with pytest.raises(ValueError, match="says neither dt nor render_fps: give its rate_hz"):
        GymnasiumEnvironment(timeless)
    assert GymnasiumEnvironment(timeless, rate_hz=5).rate_hz == 5.0
