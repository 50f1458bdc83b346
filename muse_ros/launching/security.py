"""SROS2: which keys a node takes, where security is switched on. Imports no ROS."""

from __future__ import annotations

from collections.abc import Mapping


def enclave_arguments(full_name: str, environment: Mapping[str, str]) -> list[str]:
    """What a node is told after ``--ros-args``, so that each runs with permissions of its own.

    Keys and permissions lie in ``$ROS_SECURITY_KEYSTORE/enclaves`` below the node's full name, such as ``/left/panda``;
    ``config/sros2/muse.policy.xml`` makes them. Nothing where security is off, or where one enclave for all was named.

    Args:
        full_name: The node's name with its namespace.
        environment: Variables that are set.
    """
    on = environment.get("ROS_SECURITY_ENABLE", "").lower() == "true"
    return ["--enclave", full_name] if on and not environment.get("ROS_SECURITY_ENCLAVE_OVERRIDE") else []
