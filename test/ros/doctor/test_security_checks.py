"""What the doctor says of SROS2, by facts given by hand."""

import pytest

from muse_ros.doctor.security_checks import NEEDED, check_security

ON = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_KEYSTORE": "/keys", "ROS_SECURITY_STRATEGY": "Enforce"}
KEYS = {f"/keys/enclaves/panda/{name}": "" for name in NEEDED}
WATCH = {f"/keys/enclaves/watch/{name}": "" for name in NEEDED}


@pytest.mark.parametrize(
    ("environment", "files", "namespace", "verdict", "said"),
    [
        ({}, {}, "", "skip", "whoever discovery reaches may command the arm"),
        (ON, KEYS, "", "ok", "on and enforced, with keys for /panda in /keys"),
        (ON, KEYS, "left", "fail", "for /left/panda"),
        (ON, {}, "", "fail", "/keys has no cert.pem, key.pem"),
        (ON, {path: "" for path in KEYS if "permissions.p7s" not in path}, "", "fail", "has no permissions.p7s for"),
        (ON | {"ROS_SECURITY_ENCLAVE_OVERRIDE": "/watch"}, WATCH, "", "ok", "keys for /watch"),
        (ON | {"ROS_SECURITY_KEYSTORE": ""}, KEYS, "", "fail", "without a keystore"),
        (ON | {"ROS_SECURITY_STRATEGY": "Permissive"}, KEYS, "", "warn", "a node without keys starts unprotected"),
    ],
)
def test_keys_are_looked_for_where_security_is_on(machine, environment, files, namespace, verdict, said):
    finding = check_security(machine(environment=environment, files=files), namespace)
    assert finding.verdict.value.lower() == verdict and said in finding.found


def test_the_wheels_cannot_do_it_unless_a_ros_install_is_sourced_before_them(machine):
    wheels = {"ros-fastrtps": "2.14.5"}
    finding = check_security(machine(environment=ON, files=KEYS, versions=wheels), "")
    assert finding.verdict.value == "FAIL" and "built without security" in finding.found
    sourced = machine(environment=ON | {"ROS_DISTRO": "jazzy"}, files=KEYS, versions=wheels)
    assert check_security(sourced, "").verdict.value == "ok"
