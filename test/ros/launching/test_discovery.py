"""How far the nodes can be seen."""

from __future__ import annotations

from muse_ros.launching.discovery import discovery_environment


def test_discovery_stays_on_this_machine_unless_asked_otherwise():
    assert discovery_environment("machine", "jazzy", {}) == {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    assert discovery_environment("machine", "humble", {}) == {"ROS_LOCALHOST_ONLY": "1"}
    assert discovery_environment("network", "jazzy", {}) == {}


def test_a_discovery_range_that_the_user_has_set_stands():
    assert discovery_environment("machine", "jazzy", {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}) == {}
