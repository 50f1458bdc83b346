"""What the doctor says of room for pictures on their way, by facts given by hand."""

import pytest

from muse_ros.doctor.network_checks import check_network

NETWORK, HERE = {}, {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
CYCLONE = {"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}
DEFAULTS = {"/proc/sys/net/core/rmem_default": "212992", "/proc/sys/net/core/rmem_max": "4194304"}


def test_small_buffers_are_warnings(machine, verdicts):
    small = machine(files=DEFAULTS, environment=NETWORK, free=64e6)
    assert verdicts(check_network(small)) == {"receive buffer": "warn", "fragments": "skip", "shared memory": "warn"}
    assert set(verdicts(check_network(machine())).values()) == {"ok"}


@pytest.mark.parametrize(
    ("environment", "verdict"),
    [
        (NETWORK, "warn"),
        (HERE, "ok"),
        (CYCLONE, "ok"),
        ({"ROS_STATIC_PEERS": "b"}, "warn"),
        ({"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4?sockets_size=4MB"}, "ok"),
        ({"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}, "warn"),
    ],
)
def test_fast_dds_has_the_kernels_default_buffer_whatever_the_largest_is(machine, verdicts, environment, verdict):
    findings = check_network(machine(files=DEFAULTS, environment=environment))
    assert verdicts(findings)["receive buffer"] == verdict
    assert ("rmem_default=4194304" in findings[0].cure) == (verdict == "warn")


def test_shared_memory_that_another_user_left_is_a_warning_with_its_cure(machine, verdicts):
    files = {"/proc/sys/net/core/rmem_default": "4194304", "/dev/shm/fastrtps_port7411": ""}
    assert verdicts(check_network(machine(files=files)))["shared memory"] == "ok"
    left = check_network(machine(files=files, shut={"/dev/shm/fastrtps_port7411"}))
    assert verdicts(left)["shared memory"] == "warn"
    assert "another user" in left[2].found and "rm /dev/shm" in left[2].cure


@pytest.mark.parametrize(
    ("environment", "seconds", "size", "verdict"),
    [
        (NETWORK, "30", "4194304", "warn"),
        (NETWORK, "3", "4194304", "ok"),
        (NETWORK, "30", "134217728", "ok"),
        (HERE, "30", "4194304", "ok"),
        (HERE | {"ROS_STATIC_PEERS": "192.168.1.20"}, "30", "4194304", "warn"),
    ],
)
def test_incomplete_packets_matter_where_a_second_computer_is_heard(
    machine, verdicts, environment, seconds, size, verdict
):
    files = {
        "/proc/sys/net/core/rmem_default": "4194304",
        "/proc/sys/net/ipv4/ipfrag_time": seconds,
        "/proc/sys/net/ipv4/ipfrag_high_thresh": size,
    }
    findings = check_network(machine(files=files, environment=environment))
    assert verdicts(findings)["fragments"] == verdict
    assert ("ipfrag_time=3" in findings[1].cure) == (verdict == "warn")
