"""The nodes panda, teleop, collect and policy, and what of them needs rclpy."""
