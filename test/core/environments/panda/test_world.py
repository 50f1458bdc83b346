"""The simulated arm: the kinematics that control believes in, tracking, forces, pictures, the spread of objects."""

import threading

import numpy as np
import pytest

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.limits import default_limits
from muse_core.control.state import SetPoint
from muse_core.environments.panda.cameras import RenderError
from muse_core.environments.panda.task_settings import READY_Q, describe_task
from muse_core.environments.panda.tasks import TASKS
from muse_core.environments.panda.world import PandaWorld


def _set_point(q: np.ndarray, velocity: np.ndarray | None = None, width: float = 0.08) -> SetPoint:
    return SetPoint(q, np.zeros(7) if velocity is None else velocity, width, 0, "test", 0)


def test_the_models_tool_is_where_controls_kinematics_say():
    world, kinematics = PandaWorld("reach"), PandaKinematics()
    offsets = np.random.default_rng(1).uniform(-0.3, 0.3, (5, 7))
    for offset in offsets:
        for _ in range(100):
            world.advance(_set_point(READY_Q + offset))
        state = world.state()
        position, quaternion = kinematics.forward(state.q)
        np.testing.assert_allclose(state.ee_position, position, atol=1e-9)
        assert abs(quaternion @ state.ee_orientation) == pytest.approx(1.0, abs=1e-9)
        np.testing.assert_allclose(state.ee_twist, kinematics.jacobian(state.q) @ state.qdot, atol=1e-9)


def test_joint_and_torque_limits_are_frankas():
    world, limits = PandaWorld("reach"), default_limits("panda")
    model = world._model
    np.testing.assert_allclose(model.jnt_range[:7, 0], limits.joint_position_lower)
    np.testing.assert_allclose(model.jnt_range[:7, 1], limits.joint_position_upper)
    np.testing.assert_allclose(model.actuator_forcerange[:7, 1], limits.joint_torque_max)


def test_a_moving_set_point_is_followed_within_5_mrad_and_standing_within_a_tenth():
    world = PandaWorld("reach")
    q, velocity = world.state().q, np.full(7, 0.1)
    for _ in range(100):
        q = q + 0.01 * velocity
        world.advance(_set_point(q, velocity))
    assert np.abs(world.state().q - q).max() < 5e-3
    for _ in range(100):
        world.advance(_set_point(q))
    assert np.abs(world.state().q - q).max() < 1e-4
    assert np.abs(world.arm_torques()).max() < 87


def test_pressing_on_the_table_is_felt_as_an_upward_force():
    world, kinematics = PandaWorld("reach"), PandaKinematics()
    down = np.array([1.0, 0.0, 0.0, 0.0])
    q = world.state().q
    for height in np.linspace(0.2, 0.002, 100):
        q, _ = kinematics.inverse(np.array([0.45, 0.0, height]), down, q)
        world.advance(_set_point(q))
    for _ in range(50):
        world.advance(_set_point(q))
    assert world.state().wrench[2] > 5.0


def test_the_hand_closes_late_and_slowly():
    world = PandaWorld("reach")
    q = world.state().q
    widths = []
    for _ in range(110):
        world.advance(_set_point(q, width=0.0))
        widths.append(world.state().gripper_width)
    assert widths[9] == pytest.approx(0.08, abs=1e-3)
    assert widths[59] == pytest.approx(0.03, abs=4e-3)
    assert widths[-1] == pytest.approx(0.0, abs=2e-3)


def test_time_counts_set_points_from_the_reset():
    world = PandaWorld("lift")
    world.advance(_set_point(READY_Q), 0.01)
    world.advance(_set_point(READY_Q), 0.002)
    assert world.time_ns == world.state().stamp_ns == 12_000_000
    world.reset(0)
    assert world.time_ns == 0


def test_a_period_off_the_physics_grid_is_refused():
    with pytest.raises(ValueError, match=r"multiple of 0.002 s, got 0.003"):
        PandaWorld("lift").advance(_set_point(READY_Q), 0.003)


@pytest.mark.parametrize("task", list(TASKS))
@pytest.mark.parametrize("wide", [False, True])
def test_objects_are_spread_over_their_whole_range_and_no_further(task: str, wide: bool):
    world = PandaWorld(task, wide=wide)
    spreads = world.task.info.spreads(wide)
    placed: dict[str, list[np.ndarray]] = {name: [] for name in spreads}
    for seed in range(60):
        world.reset(seed)
        assert not world.success()
        for name, positions in placed.items():
            positions.append(world.objects()[name][0])
    for name, spread in spreads.items():
        lowest, highest = np.min(placed[name], axis=0), np.max(placed[name], axis=0)
        for axis, (low, high) in enumerate((spread.x, spread.y)):
            assert low - 1e-9 <= lowest[axis] <= low + 0.1 * (high - low) + 1e-9
            assert high + 1e-9 >= highest[axis] >= high - 0.1 * (high - low) - 1e-9


@pytest.mark.parametrize("task", list(TASKS))
def test_the_default_spread_is_at_least_15_by_24_cm_and_15_degrees(task: str):
    first = describe_task(task)["ranges"][describe_task(task)["objects"][0]]
    assert first["x_m"][1] - first["x_m"][0] >= 0.15
    assert first["y_m"][1] - first["y_m"][0] >= 0.24 - 1e-9
    assert first["yaw_deg"][1] >= 15


@pytest.mark.parametrize("task", list(TASKS))
def test_both_cameras_see_something_and_the_front_one_sees_the_first_object(task: str):
    world = PandaWorld(task, camera_size=(48, 64))
    for camera in ("front", "wrist"):
        picture = world.render(camera)
        assert picture.shape == (48, 64, 3) and picture.dtype == np.uint8
        assert picture.std() > 10
    world.reset(1)
    before = world.render("front").astype(int)
    world.reset(2)
    assert np.abs(before - world.render("front")).max() > 60
    world.close()


def test_a_second_thread_is_told_to_render_where_the_first_did():
    world = PandaWorld("lift", camera_size=(16, 16))
    world.render("front")
    errors = []

    def render() -> None:
        try:
            world.render("front")
        except RenderError as error:
            errors.append(str(error))

    thread = threading.Thread(target=render)
    thread.start()
    thread.join()
    world.close()
    assert "another thread" in errors[0]


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no task named 'juggle'; there are reach, lift, place, coffee"):
        PandaWorld("juggle")
    with pytest.raises(RenderError, match="no camera named 'top'; there are front, wrist, overview"):
        PandaWorld("lift").render("top")
