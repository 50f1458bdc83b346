"""What a replay plays, read from bags and datasets; and what it refuses to read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_ros.conversion import convert_cli
from muse_ros.replay.motion import MotionError
from muse_ros.replay.opening import open_motion
from synthetic import START_NS, Sent, Shape, action, episode, header, make, ros_time, write_episode

MS = 1_000_000
SHAPE = Shape(duration_s=1.0, state_hz=50.0, camera_hz=5.0)


def applied(stamp_ns: int, action_stamp_ns: int, joint: float, source: str = "teleop") -> Sent:
    """A set-point with all joints at one value and the hand half open."""
    message = make(
        "muse_ros/msg/AppliedAction",
        header=header(stamp_ns),
        action_stamp=ros_time(action_stamp_ns),
        source=source,
        position=np.full(7, joint),
        velocity=np.zeros(7),
        gripper_width=0.04,
        limited_by=0,
    )
    return Sent("/panda/applied_action", message, stamp_ns)


@pytest.fixture
def bag(tmp_path):
    """Writes an episode whose messages went through a function; gives its path."""

    def write(change=lambda messages: messages, **info):
        info = {"seed": 7, "task": "lift"} | info
        return write_episode(tmp_path / "session", SHAPE, change(episode(SHAPE)), **info)

    return write


def test_the_actions_of_the_episode_are_played_and_none_from_before_or_at_its_end(bag):
    motion = open_motion(bag())
    assert [each.stamp_ns for each in motion.actions] == [START_NS + k * 100 * MS for k in range(10)]
    # two actions lay before the start, so that the first one played is number 2 of the bag
    np.testing.assert_allclose(motion.actions[0].values[0], 0.002)
    assert motion.actions[0].period_s == 0.1
    assert motion.duration_s == 1.0
    assert (motion.seed, motion.task) == (7, "lift")


def test_the_start_pose_is_what_was_measured_at_the_first_action(bag):
    motion = open_motion(bag())
    np.testing.assert_allclose(motion.start_q, [1, 2, 3, 4, 5, 6, 7])  # joint i stands at i + t, and t is 0
    assert motion.start_gripper_m == pytest.approx(0.03)
    assert motion.path.positions[0].tolist() == [0.0, 2.0, 3.0]
    assert motion.path.positions[-1].tolist() == [1.0, 2.0, 3.0]


def test_an_action_that_was_carried_out_and_is_not_in_the_bag_is_named(bag):
    def lose_one(messages):
        lost = START_NS + 300 * MS
        kept = [each for each in messages if each.topic != "/action" or each.stamp_ns != lost]
        return [*kept, applied(lost + 10 * MS, lost, 0.0)]

    with pytest.raises(MotionError, match=r"1 actions are lost: .* first 0\.300 s after the start.*set_points"):
        open_motion(bag(lose_one))


def test_losses_that_the_recorder_counted_are_named(bag):
    path = bag(topics={"/action": {"lost": 3}})
    with pytest.raises(MotionError, match="counted 3 lost messages on /action"):
        open_motion(path)


@pytest.mark.parametrize(
    ("values", "space", "reason"),
    [
        ([0.0] * 6 + [np.nan], "ee_delta", "not finite"),
        ([0.0] * 8, "ee_delta", "ee_delta holds 7 values, got 8"),
        ([0.0] * 7, "ee_velocity", "unknown action space 'ee_velocity'; known are ee_delta"),
    ],
)
def test_nonsense_is_refused_with_its_place(bag, values, space, reason):
    wrong = Sent("/action", action(START_NS + 50 * MS, values, space=space), START_NS + 51 * MS)
    with pytest.raises(MotionError, match=rf"action 1 at 0\.050 s: .*{reason}"):
        open_motion(bag(lambda messages: [*messages, wrong]))


def test_an_action_in_another_frame_is_refused(bag):
    wrong = action(START_NS + 50 * MS, [0.0] * 7)
    wrong = replace(wrong, header=header(START_NS + 50 * MS, "camera"))
    with pytest.raises(MotionError, match="frame 'camera'; the arm takes 'panda_link0' only"):
        open_motion(bag(lambda messages: [*messages, Sent("/action", wrong, START_NS)]))


def test_a_bag_without_actions_says_where_it_has_some(bag):
    def elsewhere(messages):
        return [replace(each, topic="/other/action") if each.topic == "/action" else each for each in messages]

    with pytest.raises(MotionError, match=r"moved nothing.*actions are on /other/action \(15\)"):
        open_motion(bag(elsewhere))


def test_without_joints_at_the_start_nothing_is_replayed(bag):
    with pytest.raises(MotionError, match="/panda/joint_states does not say where the arm stood"):
        open_motion(bag(lambda messages: [each for each in messages if "joint" not in each.topic]))


def test_set_points_become_joint_positions_every_50_ms_that_end_where_the_arm_was_then(bag):
    def with_set_points(messages):
        # at t [s] every joint is told to be at t [rad]; the arm held before 0.2 s and after 0.8 s
        stamps = [START_NS + k * 10 * MS for k in range(100)]
        moving = range(20, 81)
        return [*messages, *(applied(s, 0, k / 100, "teleop" if k in moving else "") for k, s in enumerate(stamps))]

    motion = open_motion(bag(with_set_points), what="set_points")
    assert {each.space for each in motion.actions} == {"joint_position"}
    assert [each.stamp_ns - START_NS for each in motion.actions[:3]] == [200 * MS, 250 * MS, 300 * MS]
    np.testing.assert_allclose([each.values[0] for each in motion.actions[:3]], [0.25, 0.30, 0.35])
    np.testing.assert_allclose(motion.actions[-1].values, [0.8] * 7 + [0.5])  # half open of 0.08 m


def test_set_points_with_a_gap_are_refused(bag):
    def gap(messages):
        return [*messages, *(applied(START_NS + ms * MS, 0, 0.0) for ms in (0, 100, 600, 700))]

    with pytest.raises(MotionError, match=r"1 gaps in /panda/applied_action, the first of 0\.500 s at 0\.100 s"):
        open_motion(bag(gap), what="set_points")


@pytest.fixture
def dataset(bag, tmp_path) -> EpisodeFolder:
    """The bag, converted."""
    arguments = [str(bag(seed=5)), "-o", str(tmp_path / "data"), "--contract", "panda_sim", "--workers", "1"]
    assert convert_cli.main(arguments) == 0
    return EpisodeFolder.open(tmp_path / "data")


def test_an_episode_of_a_dataset_is_replayed_by_its_rows(dataset):
    motion = open_motion(dataset.path, dataset.ids[0])
    rows = dataset.get_episode(0).arrays
    assert len(motion.actions) == len(rows["action"])
    np.testing.assert_array_equal(motion.actions[1].values, rows["action"][1].astype(np.float64))
    np.testing.assert_allclose(motion.start_q, rows["q"][0])
    assert (motion.seed, motion.actions[0].space) == (5, "ee_delta")
    assert open_motion(dataset.path / dataset.ids[0]).actions[0].stamp_ns == motion.actions[0].stamp_ns


def test_an_unknown_episode_of_a_dataset_suggests_the_nearest(dataset):
    wrong = dataset.ids[0][:-1] + "x"
    with pytest.raises(MotionError, match=f"has no episode '{wrong}'; did you mean '{dataset.ids[0]}'"):
        open_motion(dataset.path, wrong)


def test_a_folder_of_bags_says_which_it_holds(bag):
    path = bag()
    with pytest.raises(MotionError, match=r"it holds 1 bags, such as .*episode_0000"):
        open_motion(path.parent)
