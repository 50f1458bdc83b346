"""Waiting on a node's clock ends when the time has come, when it is cancelled, and when the clock goes back."""

from __future__ import annotations

import threading

import pytest

pytest.importorskip("rclpy")

from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock

from muse_ros.bridge import time_message
from muse_ros.nodes.node_clock import NodeClock

MS = 1_000_000


@pytest.fixture
def simulated(make_node, spin, wait_until):
    """A node clock on /clock, and a function that sets the time."""
    world = make_node("world")
    publisher = world.create_publisher(Clock, "/clock", 10)
    node = make_node("waiting", parameter_overrides=[Parameter("use_sim_time", value=True)])
    clock = NodeClock(node.get_clock())
    spin(node)
    wait_until(publisher.get_subscription_count, what="the subscription to /clock")

    def set_time(now_ns):
        publisher.publish(Clock(clock=time_message(now_ns)))
        wait_until(lambda: clock.now_ns() == now_ns, what="the clock")

    yield clock, set_time
    clock.close()


def waiting(clock, target_ns, cancelled=lambda: False):
    """Wait in a thread that has begun to wait; returns the thread and the list that its answer goes into."""
    answers, begun = [], threading.Event()

    def look():
        begun.set()
        return cancelled()

    thread = threading.Thread(target=lambda: answers.append(clock.wait_until(target_ns, look)))
    thread.start()
    begun.wait(20)
    return thread, answers


def test_on_the_systems_clock_it_returns_at_the_time_and_not_before(make_node):
    clock = NodeClock(make_node("waiting").get_clock())
    target_ns = clock.now_ns() + 20 * MS
    assert clock.wait_until(target_ns, lambda: False)
    assert clock.now_ns() >= target_ns
    clock.close()


def test_a_time_that_is_past_does_not_wait(simulated):
    clock, set_time = simulated
    set_time(500 * MS)
    assert clock.wait_until(400 * MS, lambda: False)


def test_on_simulated_time_it_waits_for_the_clock_and_not_for_the_wall(simulated):
    clock, set_time = simulated
    set_time(100 * MS)
    thread, answers = waiting(clock, 300 * MS)
    set_time(290 * MS)
    assert answers == []
    set_time(300 * MS)
    thread.join(20)
    assert answers == [True]


def test_it_can_be_cancelled_while_the_clock_stands_still(simulated):
    clock, set_time = simulated
    set_time(100 * MS)
    stop = threading.Event()
    thread, answers = waiting(clock, 300 * MS, stop.is_set)
    stop.set()
    clock.wake()
    thread.join(20)
    assert answers == [False]


def test_a_clock_that_goes_back_ends_the_wait(simulated):
    clock, set_time = simulated
    set_time(90_000 * MS)
    thread, answers = waiting(clock, 90_100 * MS)
    set_time(90_050 * MS)
    set_time(1_000 * MS)
    thread.join(20)
    assert answers == [False]
