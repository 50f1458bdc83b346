"""The expert acts once per tick, on messages of that tick and no others, with noise that belongs to the episode."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from muse_ros.teleop.expert import (
    EE_POSE,
    EE_TWIST,
    JOINT_STATES,
    OBJECTS,
    ExpertDriver,
    TickJoin,
    episode_seed,
    object_poses,
    robot_state,
)

MS = 1_000_000


def vector(x, y, z, w=None):
    return SimpleNamespace(x=x, y=y, z=z, w=w)


def pose(x, y, z):
    return SimpleNamespace(position=vector(x, y, z), orientation=vector(1.0, 0.0, 0.0, 0.0))


def messages():
    names = [f"panda_joint{i}" for i in range(7, 0, -1)] + ["panda_finger_joint1", "panda_finger_joint2"]
    joints = SimpleNamespace(name=names, position=[7, 6, 5, 4, 3, 2, 1, 0.01, 0.02], velocity=[0.5] * 9)
    return {
        JOINT_STATES: joints,
        EE_POSE: SimpleNamespace(pose=pose(0.4, 0.0, 0.3)),
        EE_TWIST: SimpleNamespace(twist=SimpleNamespace(linear=vector(1, 2, 3), angular=vector(4, 5, 6))),
        OBJECTS: SimpleNamespace(poses=[pose(0.5, 0.1, 0.02)]),
    }


class Recorder:
    """An expert that remembers what it was asked."""

    def __init__(self, seed):
        self.seed, self.resets, self.asked = seed, 0, []

    def reset(self):
        self.resets += 1

    def act(self, state, objects):
        self.asked.append((state, objects))
        return "an action"


def test_a_tick_is_complete_when_every_topic_has_its_message_of_that_stamp():
    join = TickJoin(["a", "b"], 10.0)
    assert join.add("a", 200 * MS, "a2") is None
    assert join.add("b", 200 * MS, "b2") == {"a": "a2", "b": "b2"}


def test_stamps_between_ticks_are_ignored():
    join = TickJoin(["a"], 10.0)
    assert join.add("a", 210 * MS, "x") is None
    assert join.add("a", 300 * MS, "y") == {"a": "y"}


def test_an_older_message_never_stands_in_for_one_that_is_missing():
    join = TickJoin(["a", "b"], 10.0)
    join.add("b", 100 * MS, "old")
    assert join.add("a", 200 * MS, "new") is None
    assert join.add("a", 300 * MS, "newer") is None


def test_a_tick_comes_out_once_and_none_older_follows():
    join = TickJoin(["a"], 10.0)
    assert join.add("a", 300 * MS, "x") is not None
    assert join.add("a", 300 * MS, "x again") is None
    assert join.add("a", 200 * MS, "late") is None


def test_ticks_that_never_complete_do_not_pile_up():
    join = TickJoin(["a", "b"], 10.0)
    for tick in range(1000):
        join.add("a", tick * 100 * MS, "x")
    assert len(join._pending) <= 21


def test_after_a_reset_the_clock_may_have_gone_back():
    join = TickJoin(["a"], 10.0)
    join.add("a", 900 * MS, "x")
    join.reset()
    assert join.add("a", 100 * MS, "y") == {"a": "y"}


def test_what_is_not_stamped_on_the_grid_has_at_a_tick_its_message_before_it():
    join = TickJoin(["a", "b"], 10.0)
    join.add("a", 190 * MS + 1, "a before")
    join.add("b", 185 * MS + 1, "b before")
    assert join.add("a", 201 * MS, "a after") is None
    assert join.add("a", 211 * MS, "a later") is None
    assert join.add("b", 205 * MS, "b after") == {"a": "a before", "b": "b before"}
    assert join.tick_ns == 200 * MS
    assert join.add("b", 215 * MS, "b later") is None


def test_what_is_older_than_a_tenth_of_a_second_stands_for_no_tick():
    join = TickJoin(["a"], 10.0)
    join.add("a", 199 * MS - 1, "old")
    assert join.add("a", 301 * MS, "new") is None
    join.add("a", 399 * MS + 1, "young")
    assert join.add("a", 401 * MS, "newest") == {"a": "young"}


def test_the_state_is_read_by_joint_name_whatever_the_order():
    found = robot_state(5, *(messages()[topic] for topic in (JOINT_STATES, EE_POSE, EE_TWIST)))
    np.testing.assert_array_equal(found.q, [1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(found.ee_twist, [1, 2, 3, 4, 5, 6])
    assert found.gripper_width == pytest.approx(0.03) and found.stamp_ns == 5
    assert np.isnan(found.wrench).all()


def test_objects_are_named_in_the_tasks_order_and_counted():
    found = object_poses(("cube",), messages()[OBJECTS])
    np.testing.assert_array_equal(found["cube"][0], [0.5, 0.1, 0.02])
    with pytest.raises(ValueError, match="holds 1 poses, the task has 2: pod, lid"):
        object_poses(("pod", "lid"), messages()[OBJECTS])


def test_without_an_episode_and_before_its_start_there_is_no_action():
    driver = ExpertDriver(Recorder, ("cube",), 0)
    assert driver.act(100 * MS, messages()) is None
    driver.begin(0, 150 * MS)
    assert driver.act(100 * MS, messages()) is None
    assert driver.act(200 * MS, messages()) == "an action"
    driver.end()
    assert driver.act(300 * MS, messages()) is None


def test_every_episode_has_a_fresh_expert_with_a_seed_of_its_own():
    experts = []
    driver = ExpertDriver(lambda seed: experts.append(Recorder(seed)) or experts[-1], ("cube",), 7)
    for number in (0, 1, 0):
        driver.begin(number, 0)
    assert [e.resets for e in experts] == [1, 1, 1]
    assert experts[0].seed == experts[2].seed != experts[1].seed
    assert episode_seed(7, 1) != episode_seed(8, 0)
