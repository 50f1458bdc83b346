"""Muse's learning library: control, environments, datasets, models, policies, training and evaluation. No ROS."""
