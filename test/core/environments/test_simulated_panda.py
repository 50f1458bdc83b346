"""The Environment: specs that hold, episodes that repeat bit for bit, actions in every space, experts that succeed."""

import numpy as np
import pytest
from conformance.environments import EnvironmentConformance

from muse_core.environments.panda.expert import SPEED_M_S, TURN_RAD_S, make_expert
from muse_core.environments.panda.tasks import TASKS
from muse_core.environments.simulated_panda import SimulatedPanda
from muse_core.spec import SpecError

SMALL = {"image": {"camera": "front", "size": [32, 32], "crop": None}}


def _run(environment: SimulatedPanda, seed: int, noise_m: float = 0.0, steps: int = 10_000):
    """One episode of the expert: observations, and whether it succeeded."""
    expert = make_expert(environment.world.task.info.name, noise_m, seed=seed)
    observation, info = environment.reset(seed=seed)
    observations = [observation]
    for _ in range(steps):
        action = expert.act(environment.state(), environment.world.objects())
        observation, _, terminated, truncated, info = environment.step({"action": action.executed})
        observations.append(observation)
        if terminated or truncated:
            break
    return observations, info["success"]


@pytest.mark.parametrize("task", list(TASKS))
def test_observations_and_actions_are_as_the_specs_say(task: str):
    environment = SimulatedPanda(task, camera_size=(64, 64))
    observation, info = environment.reset(seed=3)
    environment.observation_spec.check(observation)
    assert set(observation) == set(environment.observation_spec) and info["success"] is False
    action = {"action": np.zeros(7, np.float32)}
    observation, reward, terminated, truncated, info = environment.step(action)
    environment.observation_spec.check(observation)
    assert (reward, terminated, truncated, info["success"]) == (0.0, False, False, False)
    assert info["stamp_ns"] == 100_000_000
    environment.close()
    environment.close()


def test_the_same_seed_gives_the_same_episode_whatever_ran_before():
    environment = SimulatedPanda("lift", camera_size=(32, 32), images=SMALL)
    first, _ = _run(environment, 7, noise_m=0.006)
    _run(environment, 8, steps=13)
    again, _ = _run(environment, 7, noise_m=0.006)
    fresh = SimulatedPanda("lift", camera_size=(32, 32), images=SMALL)
    afresh, _ = _run(fresh, 7, noise_m=0.006)
    assert len(first) == len(again) == len(afresh)
    for one, two, three in zip(first, again, afresh, strict=True):
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])
            np.testing.assert_array_equal(one[key], three[key])
    environment.close()
    fresh.close()


def test_without_a_seed_the_stream_of_the_last_seed_goes_on():
    environment = SimulatedPanda("lift", images={})
    environment.reset(seed=5)
    seeds = [environment.reset()[1]["seed"] for _ in range(3)]
    environment.reset(seed=5)
    assert [environment.reset()[1]["seed"] for _ in range(3)] == seeds and len(set(seeds)) == 3


@pytest.mark.parametrize("task", list(TASKS))
@pytest.mark.parametrize("noise_m", [0.0, 0.006])
def test_experts_succeed_on_fresh_seeds_well_within_the_step_limit(task: str, noise_m: float):
    environment = SimulatedPanda(task, images={})
    for seed in (1000, 1001, 1002):
        observations, success = _run(environment, seed, noise_m)
        assert success
        assert len(observations) - 1 < 0.7 * environment.max_steps


@pytest.mark.parametrize("task", list(TASKS))
def test_an_arm_that_stands_still_never_succeeds_and_is_cut_off(task: str):
    environment = SimulatedPanda(task, images={}, max_steps=5)
    environment.reset(seed=0)
    ends = [environment.step({"action": np.zeros(7, np.float32)})[1:4] for _ in range(5)]
    assert ends == [(0.0, False, False)] * 4 + [(0.0, False, True)]


def test_noise_is_on_the_executed_action_only_and_labels_keep_the_speed_caps():
    environment = SimulatedPanda("lift", images={})
    environment.reset(seed=0)
    noisy, clean = make_expert("lift", 0.006, seed=4), make_expert("lift", 0.0)
    for _ in range(10):
        state, objects = environment.state(), environment.world.objects()
        action, reference = noisy.act(state, objects), clean.act(state, objects)
        np.testing.assert_array_equal(action.label, reference.label)
        np.testing.assert_array_equal(reference.executed, reference.label)
        assert np.abs(action.executed[:3] - action.label[:3]).max() > 0
        assert np.linalg.norm(action.label[:3]) <= SPEED_M_S / 10 + 1e-6
        assert np.linalg.norm(action.label[3:6]) <= TURN_RAD_S / 10 + 1e-6
        environment.step({"action": action.executed})


def test_an_action_takes_effect_its_latency_after_the_observation():
    moved = {}
    for latency in (0.0, 0.04):
        environment = SimulatedPanda("reach", images={}, action_latency_s=latency)
        environment.reset(seed=0)
        start = environment.state().ee_position[2]
        environment.step({"action": np.array([0, 0, 0.02, 0, 0, 0, 0], np.float32)})
        moved[latency] = environment.state().ee_position[2] - start
    assert 0.0 < moved[0.04] < moved[0.0]


def _go_up(environment: SimulatedPanda, space: str) -> np.ndarray:
    """An action that raises the tool by 2 cm from where it stood at the reset, in any space."""
    state = environment.state()
    up = state.ee_position + np.array([0.0, 0.0, 0.02])
    q, _ = environment._kinematics.inverse(up, state.ee_orientation, state.q)
    values = {
        "ee_delta": [0, 0, 0.02, 0, 0, 0, 0],
        "ee_pose": [*up, *state.ee_orientation, 0],
        "joint_position": [*q, 0],
        "joint_delta": [*(q - state.q), 0],
    }
    return np.array(values[space], np.float32)


@pytest.mark.parametrize("space", ["ee_delta", "ee_pose", "joint_position", "joint_delta"])
def test_every_action_space_moves_the_tool_where_it_says(space: str):
    environment = SimulatedPanda("reach", images={}, action_space=space)
    environment.reset(seed=0)
    wanted = environment.state().ee_position + np.array([0.0, 0.0, 0.02])
    action = _go_up(environment, space)
    stay = action.copy() if space in ("ee_pose", "joint_position") else np.zeros_like(action)
    for step in range(6):
        environment.step({"action": action if step == 0 else stay})
    np.testing.assert_allclose(environment.state().ee_position, wanted, atol=2e-3)


def test_images_are_cropped_and_resized_as_asked():
    images = {"left": {"camera": "front", "size": [16, 8], "crop": [0, 0, 64, 32]}, "whole": {"camera": "wrist"}}
    environment = SimulatedPanda("lift", camera_size=(64, 64), images=images)
    observation, _ = environment.reset(seed=0)
    assert observation["left"].shape == (16, 8, 3) and observation["whole"].shape == (64, 64, 3)
    environment.observation_spec.check(observation)
    environment.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action_space": "torque"}, "there are ee_delta, ee_pose, joint_position, joint_delta"),
        ({"rate_hz": 30}, "rate_hz: 100 Hz / 30 Hz = 3.333 must be a whole number"),
        ({"action_latency_s": 0.1}, "must be below one step of 0.1 s"),
        ({"images": {"image": {"camera": "front", "sise": 3}}}, "expected camera, size and crop"),
        ({"images": {"image": {"camera": "side"}}}, "no camera named 'side'; there are front, wrist"),
        ({"images": {"image": {"camera": "front", "crop": [0, 0, 480, 640]}}}, "does not lie inside an image"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        SimulatedPanda("lift", **options)


class TestReachConformance(EnvironmentConformance):
    def make(self):
        return SimulatedPanda("reach", camera_size=(32, 32), images=SMALL, max_steps=12)


def test_a_preset_places_what_it_names_and_the_seed_the_rest():
    environment = SimulatedPanda("coffee", images={})
    environment.reset(seed=3)
    drawn = environment.world.objects()
    environment.reset(seed=3, options={"preset": {"pod": [0.41, -0.13, 0.25]}})
    placed = environment.world.objects()
    np.testing.assert_allclose(placed["pod"][0], [0.41, -0.13, 0.0225])
    np.testing.assert_allclose(placed["pod"][1], [0, 0, np.sin(0.125), np.cos(0.125)])
    np.testing.assert_array_equal(placed["machine"][0], drawn["machine"][0])


def test_a_given_pad_keeps_its_distance_from_the_drawn_cube():
    environment = SimulatedPanda("place", images={})
    for seed in range(20):
        environment.reset(seed=seed, options={"preset": {"pad": [0.48, 0.0, 0.0]}})
        objects = environment.world.objects()
        assert np.linalg.norm((objects["cube"][0] - objects["pad"][0])[:2]) >= 0.11
        np.testing.assert_allclose(objects["pad"][0][:2], [0.48, 0.0])


@pytest.mark.parametrize("task", list(TASKS))
def test_named_presets_are_36_complete_starts_over_the_whole_range(task: str):
    environment = SimulatedPanda(task, images={})
    assert list(environment.presets) == [f"start_{i:02d}" for i in range(36)]
    first = environment.world.task.info.objects[0]
    spread = environment.world.task.info.spread[first]
    places = []
    for name in environment.presets:
        one, _ = environment.reset(seed=1, options={"preset": name})
        other, _ = environment.reset(seed=2, options={"preset": name})
        np.testing.assert_array_equal(one["q"], other["q"])
        assert not environment.world.success()
        places.append(environment.world.objects()[first][0])
    for axis, (low, high) in enumerate((spread.x, spread.y)):
        counts, _ = np.histogram(np.array(places)[:, axis], bins=4, range=(low, high))
        assert counts.sum() == 36 and counts.min() >= 5


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("lift", {"cube": (0.5, 0.0, 0.0)}, "reset has no option 'cube'"),
        ("lift", {"preset": {"kube": [0.5, 0.0, 0.0]}}, "nothing named 'kube' can be set; there is cube, q"),
        ("lift", {"preset": {"cube": [0.8, 0.0, 0.0]}}, r"'cube': x \[m\] must lie in 0.4 .. 0.56, got 0.8"),
        (
            "lift",
            {"preset": {"cube": [0.5, 0.0]}},
            r"takes \[x \[m\] in 0.4 .. 0.56, .* yaw \[rad\] in -0.5236 .. 0.5236\]",
        ),
        ("lift", {"preset": {"q": [0.0] * 7}}, r"'q': joint 2 \[rad\] must lie in -0.236 .. -0.196"),
        ("reach", {"preset": {"target": [0.5, 0.0, 0.0]}}, r"z \[m\] in 0.06 .. 0.2"),
        ("place", {"preset": {"cube": [0.5, 0, 0], "pad": [0.5, 0.05, 0]}}, "0.11 m apart or more, got 0.05"),
        ("lift", {"preset": "start_36"}, "no preset named 'start_36'; did you mean 'start_3"),
        ("lift", {"preset": [0.5, 0.0, 0.0]}, "a preset is a name or a mapping"),
    ],
)
def test_presets_that_cannot_be_are_refused_and_leave_the_episode_as_it_was(task: str, options: dict, message: str):
    environment = SimulatedPanda(task, images={})
    environment.reset(seed=0)
    before = environment.state()
    with pytest.raises(ValueError, match=message):
        environment.reset(seed=1, options=options)
    np.testing.assert_array_equal(environment.state().q, before.q)
    environment.step({"action": np.zeros(7, np.float32)})


def test_the_wide_variant_takes_wider_presets():
    environment = SimulatedPanda("lift", images={}, wide=True)
    environment.reset(options={"preset": {"cube": [0.62, -0.2, 0.0]}})
    assert environment.world.objects()["cube"][0][0] == pytest.approx(0.62)


def test_an_action_that_is_not_as_the_spec_says_is_refused():
    environment = SimulatedPanda("lift", images={})
    environment.reset(seed=0)
    with pytest.raises(SpecError, match="expected shape"):
        environment.step({"action": np.zeros(8, np.float32)})
    with pytest.raises(SpecError, match="not finite"):
        environment.step({"action": np.full(7, np.nan, np.float32)})
