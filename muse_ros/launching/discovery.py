"""How far ROS's discovery reaches: by default no further than this machine. Imports no ROS."""

from __future__ import annotations

from collections.abc import Mapping


def discovery_environment(reach: str, distro: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that keep ROS's discovery on this machine, unless something else was asked for.

    Args:
        reach: ``machine`` or ``network``.
        distro: Name of the ROS distribution, such as ``jazzy``.
        environment: Variables that are set already; a choice made there stands.
    """
    if reach != "machine":
        return {}
    variable, value = (
        ("ROS_LOCALHOST_ONLY", "1") if distro == "humble" else ("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    )
    return {} if variable in environment else {variable: value}
