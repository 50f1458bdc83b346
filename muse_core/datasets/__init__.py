"""Datasets: episodes on disk, and the windows that training draws from them. No ROS."""
