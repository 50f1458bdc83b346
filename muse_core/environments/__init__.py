"""Environments: worlds that can be reset with a seed and stepped with actions. No ROS."""
