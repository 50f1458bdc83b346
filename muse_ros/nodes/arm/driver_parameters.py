"""The panda node's parameters that concern one kind of arm alone: what its driver is made with."""

from __future__ import annotations

from rclpy.node import Node

from muse_ros.arm.drivers.driver import DriverSettings
from muse_ros.nodes.arm.joint_parameters import joint_settings
from muse_ros.nodes.arm.polymetis_parameters import polymetis_settings
from muse_ros.nodes.parameters import declare


def driver_settings(node: Node) -> DriverSettings:
    """Declare them, and read them.

    Raises:
        NodeFailure: if one is not what it may be.
    """
    declare(node, "seed", 0, "of the simulated scene, used by the next sim/reset", (0, 2**31 - 1), fixed=False)
    height = declare(node, "camera_height", 128, "of the simulated cameras [px]", (16, 2160))
    width = declare(node, "camera_width", 128, "of the simulated cameras [px]", (16, 3840))
    return DriverSettings(
        task=declare(node, "task", "lift", "simulated task"),
        wide=declare(node, "wide", False, "spread the simulated objects wider"),
        camera_size=(height, width),
        seed=int(node.get_parameter("seed").value),
        hold_after_s=declare(node, "hold_after_s", 0.1, "real arm: hold on a state older than this [s]", (0.01, 1.0)),
        stop_after_s=declare(node, "stop_after_s", 0.5, "real arm: fault on a state older than this [s]", (0.05, 10.0)),
        set_point_rate_hz=declare(node, "set_point_rate_hz", 50.0, "set-points for a real arm [Hz]", (10.0, 1000.0)),
        joints=joint_settings(node),
        polymetis=polymetis_settings(node),
    )
