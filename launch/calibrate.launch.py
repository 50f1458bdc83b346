"""Starts the graph ``calibrate``. Its arguments: ros2 launch muse_ros calibrate.launch.py --show-args."""

from muse_ros.launching.launch_description import launch_description


def generate_launch_description():
    """Called by ROS 2 launch."""
    return launch_description("calibrate")
