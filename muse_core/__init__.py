"""Muse's learning library: datasets, models, policies, environments, metrics, rewards, trainers. It imports no ROS."""
