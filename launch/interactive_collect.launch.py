"""Starts the graph ``interactive_collect``; its arguments: `ros2 launch muse_ros interactive_collect.launch.py -s`."""

from muse_ros.launching.launch_description import launch_description


def generate_launch_description():
    """Called by ROS 2 launch."""
    return launch_description("interactive_collect")
