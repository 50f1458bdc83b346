"""When actions are due, the way to the start, when a replay ends, and how far it strayed."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.control.limits import Limit
from muse_ros.replay.drift import distances_to_path, drift
from muse_ros.replay.follow import Applied, Follower, forbidden
from muse_ros.replay.motion import Motion, MotionError, Path, RecordedAction
from muse_ros.replay.schedule import approach, end_ns, scheduled
from muse_ros.replay.start_pose import compare, scene_difference

MS = 1_000_000
DOWN = np.array([1.0, 0.0, 0.0, 0.0])


def delta(ms: int, period_s: float = 0.1, target_ms: int = 0) -> RecordedAction:
    return RecordedAction(ms * MS, "ee_delta", np.arange(7.0), period_s, target_ms * MS)


def path(*positions) -> Path:
    stamps = np.arange(len(positions), dtype=np.int64)
    return Path(stamps, np.array(positions, float).reshape(-1, 3), np.tile(DOWN, (len(positions), 1)))


def motion(*actions) -> Motion:
    return Motion("test", actions, actions[-1].stamp_ns, np.zeros(7), 0.08, path())


def test_half_the_speed_keeps_the_values_and_doubles_times_periods_and_targets():
    due = scheduled([delta(500, target_ms=700), delta(600), delta(850)], 10_000 * MS, 0.5)
    assert [each.stamp_ns // MS for each in due] == [10_000, 10_200, 10_700]
    assert [each.period_s for each in due] == [0.2, 0.2, 0.2]
    assert [each.target_ns // MS for each in due] == [10_400, 0, 0]
    np.testing.assert_array_equal(due[0].values, np.arange(7.0))


def test_a_replay_ends_with_the_last_action_where_the_recording_did_not_end_later():
    assert end_ns(motion(delta(0), delta(300)), 1_000 * MS, 0.5) == 1_800 * MS  # 0.3 s and a period of 0.1 s, twice


def test_a_speed_that_makes_actions_longer_than_the_arm_takes_names_one_that_does():
    with pytest.raises(MotionError, match=r"would last 2\.5 s and the arm takes 2 s at most: use speed 0\.05 or more"):
        scheduled([delta(0)], 0, 0.04)


@pytest.mark.parametrize("speed", [0.0, -1.0, 1.5, float("nan")])
def test_no_replay_is_faster_than_the_recording(speed):
    with pytest.raises(MotionError, match="speed must lie in"):
        scheduled([delta(0)], 0, speed)


def test_the_way_to_the_start_is_straight_slow_at_both_ends_and_within_its_speed():
    goal = np.array([0.4, -0.2, 0.0, 0.0, 0.0, 0.0, 0.0])
    way = approach(np.zeros(7), goal, (0.0, 1.0), 0.2, 0)
    joints = np.array([each.values[:7] for each in way])
    speeds = np.abs(np.diff(np.vstack([np.zeros(7), joints]), axis=0)) / 0.1
    # 0.4 rad at a mean of 0.2 * 2 / pi rad/s: 3.14 s, so 32 actions
    assert len(way) == 32
    assert speeds.max() <= 0.2 + 1e-9
    assert max(speeds[0].max(), speeds[-1].max()) < 0.02
    np.testing.assert_allclose(joints[-1], goal)
    np.testing.assert_allclose(joints[:, 1], -0.5 * joints[:, 0])
    assert [each.values[7] for each in way[-2:]] == [0.0, 1.0]


def test_where_the_arm_is_there_already_the_way_is_one_action():
    assert len(approach(np.ones(7), np.ones(7), (0.0, 0.0), 0.2, 0)) == 1


def test_an_arm_elsewhere_is_told_joint_by_joint_with_the_ways_out():
    start = compare(motion(delta(0)), np.array([0, 0.05, 0, 0, 0, 0, -0.2]), 0.08, 0.03, 0.01)
    assert not start.reached
    assert "joint 2 +0.050" in start.refusal() and "joint 7 -0.200" in start.refusal()
    assert "--approach" in start.refusal() and "--home" in start.refusal()


def test_a_gripper_that_is_closed_where_it_was_open_is_no_start():
    assert "Gripper: -80.0 mm" in compare(motion(delta(0)), np.zeros(7), 0.0, 0.03, 0.01).refusal()


def test_an_arm_whose_joints_are_unknown_is_nowhere():
    assert not compare(motion(delta(0)), np.full(7, np.nan), 0.08, 0.03, 0.01).reached


def test_at_the_tolerance_a_replay_may_begin():
    assert compare(motion(delta(0)), np.full(7, 0.03), 0.07, 0.03, 0.011).refusal() == ""


def test_a_scene_that_is_another_is_told_by_its_furthest_object():
    recorded = np.array([[0.5, 0.0, 0.02], [0.4, 0.1, 0.02]])
    moved = recorded + np.array([[0, 0, 0], [0.03, 0, 0]])
    assert scene_difference(recorded, recorded + 0.001) == ""
    assert "object 1 of the scene lies 30.0 mm" in scene_difference(recorded, moved)
    assert "holds 1 objects, the recorded one 2" in scene_difference(recorded, recorded[:1])
    assert scene_difference(None, recorded) == ""


@pytest.fixture
def follower():
    made = Follower()
    made.see(Applied("", 0, int(Limit.STALE), 0))
    return made


def test_an_arm_that_serves_the_actions_is_not_lost(follower):
    for ms in range(0, 2_000, 10):
        if ms % 100 == 0:
            follower.asked(ms, ms * MS)
        follower.see(
            Applied("replay", ms - ms % 100, int(Limit.JOINT_VELOCITY if ms < 500 else Limit.JOINT_JERK), ms * MS)
        )
        assert follower.lost(ms * MS) == ""
    assert (follower.served, follower.limited) == (200, 50)


@pytest.mark.parametrize(
    ("source", "limited_by", "reason"),
    [
        ("", Limit.STOPPED, "latched stop is set; panda/recover"),
        ("teleop", Limit.NOT_LIMITED, "teleop has taken the arm"),
        ("policy", Limit.NOT_LIMITED, "policy has taken the arm"),
    ],
)
def test_a_stop_and_another_leader_end_it_at_once(follower, source, limited_by, reason):
    follower.see(Applied(source, 1, int(limited_by), 10 * MS))
    assert reason in follower.lost(10 * MS)


def test_a_person_who_holds_the_deadman_still_has_taken_the_arm(follower):
    follower.taken_by("teleop")
    follower.see(Applied("", 0, int(Limit.STALE), 10 * MS))
    assert follower.lost(10 * MS) == "teleop has taken the arm"


def test_an_action_that_nothing_comes_of_for_half_a_second_ends_it(follower):
    follower.asked(1, 0)
    for ms in range(10, 800, 10):
        follower.see(Applied("", 0, int(Limit.NO_DEADMAN), ms * MS))
        assert bool(follower.lost(ms * MS)) == (ms > 500)
    assert "nobody lets a replay move it" in follower.lost(800 * MS)


@pytest.mark.parametrize(("held_ms", "ends"), [(90, False), (100, True)])
def test_a_permission_that_a_hand_takes_away_ends_it_though_it_comes_back(follower, held_ms, ends):
    follower.asked(1, 0)
    follower.see(Applied("replay", 1, 0, 10 * MS))
    for ms in range(20, 21 + held_ms, 10):
        follower.see(Applied("", 0, int(Limit.NO_DEADMAN), ms * MS))
    follower.see(Applied("", 0, int(Limit.STALE), 130 * MS))
    assert ("it may not move the arm any more" in follower.lost(130 * MS)) == ends


def test_a_panda_node_that_falls_silent_ends_it(follower):
    assert follower.lost(500 * MS) == ""
    assert "silent" in follower.lost(501 * MS)


def test_who_may_not_move_the_arm_is_told_how():
    assert forbidden(Applied("", 0, int(Limit.STALE), 0)) == ""
    assert "execute_always:=true" in forbidden(Applied("", 0, int(Limit.NO_DEADMAN), 0))
    assert "panda/recover" in forbidden(Applied("", 0, int(Limit.STOPPED), 0))
    assert "teleop has the arm" in forbidden(Applied("teleop", 0, 0, 0))


def test_distances_are_to_the_nearest_point_between_two_corners_too():
    corners = np.array([[0.0, 0, 0], [1.0, 0, 0], [1.0, 1.0, 0]])
    points = np.array([[0.5, 0.25, 0], [2.0, 1.0, 0], [-3.0, 4.0, 0]])
    np.testing.assert_allclose(distances_to_path(points, corners), [0.25, 1.0, 5.0])
    np.testing.assert_allclose(distances_to_path(points, corners[:1]), np.linalg.norm(points, axis=1))


def test_the_drift_is_the_largest_distance_and_the_distance_of_the_ends():
    found = drift(path([0, 0, 0], [1, 0, 0]), path([0, 0.1, 0], [0.5, 0.3, 0], [1.0, 0.2, 0]))
    assert (found.largest_m, found.end_m, found.end_rad) == pytest.approx((0.3, 0.2, 0.0))
    assert drift(path(), path([0, 0, 0])) is None


def test_actions_that_the_arm_left_out_are_not_counted_as_carried_out():
    follower = Follower()
    for stamp_ms in (0, 100, 100, 300, 300, 0, 400):  # a hold is stamped 0; 200 came too late and was never begun
        follower.see(Applied("replay", stamp_ms * MS, 0, 0))
    follower.see(Applied("teleop", 500 * MS, 0, 0))
    assert follower.carried_out == 3
