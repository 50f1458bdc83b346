"""SROS2: whether keys are asked for, and whether what this shell starts would have any."""

from __future__ import annotations

from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict

PAGE = "docs/real-panda.md, Who may command the arm"
MADE = "ros2 security generate_artifacts -k KEYSTORE -p config/sros2/muse.policy.xml"
NEEDED = ("cert.pem", "key.pem", "governance.p7s", "permissions.p7s", "identity_ca.cert.pem", "permissions_ca.cert.pem")
ENCLAVE = "/panda"
"""Stands for all: a keystore that has no keys for the arm was not made for Muse, or for another namespace."""


def check_security(machine: Machine, namespace: str) -> Finding:
    """Who may command the arm, by what the environment says.

    Args:
        machine: What is looked at.
        namespace: Of the robot's nodes; empty for the root.
    """
    environment = machine.environment
    if environment.get("ROS_SECURITY_ENABLE", "").lower() != "true":
        return _finding(Verdict.SKIP, f"off: whoever discovery reaches may command the arm ({PAGE})")
    if machine.version("ros-fastrtps") and not environment.get("ROS_DISTRO"):
        told = "the Fast DDS of the wheels from PyPI is built without security: no node starts"
        return _finding(Verdict.FAIL, told, "use a ROS install for this, or: unset ROS_SECURITY_ENABLE")
    keystore = environment.get("ROS_SECURITY_KEYSTORE", "")
    if not keystore:
        return _finding(Verdict.FAIL, "on, without a keystore: no node starts", "export ROS_SECURITY_KEYSTORE=KEYSTORE")
    enclave = environment.get("ROS_SECURITY_ENCLAVE_OVERRIDE") or f"/{namespace.strip('/')}{ENCLAVE}".replace("//", "/")
    there = {path.rpartition("/")[2] for path in machine.paths(f"{keystore}/enclaves{enclave}/*")}
    missing = [name for name in NEEDED if name not in there]
    if missing:
        return _finding(Verdict.FAIL, f"{keystore} has no {', '.join(missing)} for {enclave}", MADE)
    if environment.get("ROS_SECURITY_STRATEGY", "") != "Enforce":
        told = "on, but not enforced: a node without keys starts unprotected"
        return _finding(Verdict.WARN, told, "export ROS_SECURITY_STRATEGY=Enforce")
    return _finding(Verdict.OK, f"on and enforced, with keys for {enclave} in {keystore}")


def _finding(verdict: Verdict, found: str, cure: str = "") -> Finding:
    return Finding("ros", "security", verdict, found, cure)
