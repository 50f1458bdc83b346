"""The point mass: motion worked by hand, walls, the picture, an expert that arrives."""

from __future__ import annotations

import numpy as np
import pytest
from conformance.environments import EnvironmentConformance
from conformance.policies import PolicyConformance

from muse_core.environments.point_mass import MASS_COLOR, TARGET_COLOR, PointMass
from muse_core.environments.point_mass_expert import PointMassExpert
from muse_core.policies.policy import label_of

FAR = {"preset": {"start": [0.0, 0.0], "target": [0.9, 0.9]}}


def act(x: float, y: float = 0.0) -> dict[str, np.ndarray]:
    return {"action": np.array([x, y], np.float32)}


class TestVelocityConformance(EnvironmentConformance):
    def make(self):
        return PointMass(max_steps=30)


class TestAccelerationWithPictureConformance(EnvironmentConformance):
    def make(self):
        return PointMass("acceleration", image_size=(24, 32), max_steps=30)


def test_a_velocity_is_held_for_the_step():
    environment = PointMass()
    environment.reset(seed=0, options=FAR)
    observation, *_ = environment.step(act(0.5, -0.25))
    np.testing.assert_allclose(observation["position"], [0.05, -0.025], atol=1e-7)
    np.testing.assert_allclose(observation["velocity"], [0.5, -0.25])


def test_an_acceleration_is_integrated_exactly():
    environment = PointMass("acceleration")
    environment.reset(seed=0, options=FAR)
    observation, *_ = environment.step(act(1.0))
    np.testing.assert_allclose(observation["position"], [0.005, 0.0], atol=1e-7)  # a t^2 / 2
    observation, *_ = environment.step(act(1.0))
    np.testing.assert_allclose(observation["position"], [0.02, 0.0], atol=1e-7)
    np.testing.assert_allclose(observation["velocity"], [0.2, 0.0], atol=1e-7)


def test_speed_has_a_limit_and_a_wall_stops():
    environment = PointMass("acceleration", max_steps=50)
    environment.reset(seed=0, options=FAR)
    speeds, positions = [], []
    for _ in range(40):
        observation, *_ = environment.step(act(-1.0))
        speeds.append(observation["velocity"][0])
        positions.append(observation["position"][0])
    assert min(speeds) == -0.5
    assert (positions[-1], speeds[-1]) == (-1.0, 0.0)


@pytest.mark.parametrize(("speed", "arrives"), [(0.1, True), (0.3, False)])
def test_success_is_near_and_slow(speed: float, arrives: bool):
    environment = PointMass()
    environment.reset(seed=0, options={"preset": {"start": [0.0, 0.0], "target": [0.01 + speed / 10, 0.0]}})
    _, reward, terminated, truncated, info = environment.step(act(speed))
    assert (reward, terminated, truncated, info["success"]) == (float(arrives), arrives, False, arrives)


def test_an_episode_that_gets_nowhere_is_truncated_and_not_terminated():
    environment = PointMass(max_steps=3)
    environment.reset(seed=0)
    assert [environment.step(act(0.0))[1:4] for _ in range(3)] == [(0.0, False, False)] * 2 + [(0.0, False, True)]


@pytest.mark.parametrize("dynamics", ["velocity", "acceleration"])
def test_the_expert_arrives_from_every_preset_and_on_fresh_seeds(dynamics: str):
    environment, expert = PointMass(dynamics), PointMassExpert(dynamics)
    starts = [{"options": {"preset": name}} for name in environment.presets] + [{"seed": s} for s in range(30)]
    assert len(environment.presets) == 36
    for start in starts:
        observation, _ = environment.reset(**start)
        over = False
        while not over:
            observation, _, terminated, truncated, info = environment.step(expert.act(observation))
            over = terminated or truncated
        assert info["success"], start


@pytest.mark.parametrize("dynamics", ["velocity", "acceleration"])
class TestExpertConformance(PolicyConformance):
    observation_spec, action_spec = PointMass().observation_spec, PointMass("acceleration").action_spec

    @pytest.fixture(autouse=True)
    def choose(self, dynamics: str):
        self.dynamics = dynamics

    def make(self):
        return PointMassExpert(self.dynamics, noise=0.1)


def test_noise_of_the_expert_repeats_by_its_seed_keeps_the_limits_and_is_not_in_the_label():
    observation, _ = PointMass().reset(seed=0)
    clean = PointMassExpert().act(observation)["action"]
    one, same, other = (PointMassExpert(noise=1.0, seed=seed) for seed in (1, 1, 2))
    actions = [expert.act(observation)["action"] for expert in (one, same, other)]
    np.testing.assert_array_equal(actions[0], actions[1])
    assert not np.array_equal(actions[0], actions[2])
    np.testing.assert_array_equal(label_of(one)["action"], clean)
    assert max(np.abs(one.act(observation)["action"]).max() for _ in range(20)) <= 0.5


def test_the_picture_shows_x_to_the_right_and_y_up():
    environment = PointMass(image_size=(20, 40))
    observation, _ = environment.reset(options={"preset": {"start": [0.525, 0.45], "target": [-0.5, -0.5]}})
    picture = observation["image"]
    assert tuple(picture[5, 30]) == MASS_COLOR and tuple(picture[15, 10]) == TARGET_COLOR
    assert tuple(picture[5, 10]) == tuple(picture[15, 30]) == (235, 235, 235)
    assert environment.render().shape == (256, 256, 3)


def test_what_a_preset_does_not_name_the_seed_decides():
    environment = PointMass()
    drawn, _ = environment.reset(seed=3)
    given, _ = environment.reset(seed=3, options={"preset": {"start": [0.25, 0.5]}})
    np.testing.assert_array_equal(given["position"], np.float32([0.25, 0.5]))
    np.testing.assert_array_equal(given["goal/position"], drawn["goal/position"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "start_99"}, "no preset named 'start_99'; did you mean 'start_29'"),
        ({"preset": {"goal": [0, 0]}}, "nothing named 'goal' can be set; there is start, target"),
        ({"preset": {"start": [0, 1.5]}}, r"'start': y \[m\] must lie in -1 .. 1, got 1.5"),
        ({"preset": {"start": [0, float("nan")]}}, r"'start': y \[m\] must lie in -1 .. 1, got nan"),
        ({"preset": {"start": [0]}}, r"'start' takes \[x \[m\] in -1 .. 1, y \[m\] in -1 .. 1\], got \[0\]"),
        ({"preset": [0.1, 0.2]}, "a preset is a name or a mapping"),
        ({"presets": "start_00"}, "reset has no option 'presets'; did you mean 'preset'"),
    ],
)
def test_presets_that_cannot_be_are_refused_by_name(options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        PointMass().reset(seed=0, options=options)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dynamics": "force"}, "no dynamics 'force'; there are velocity, acceleration"),
        ({"rate_hz": 0}, "rate_hz must be positive, got 0"),
        ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        PointMass(**settings)
