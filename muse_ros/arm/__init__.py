"""What the panda node decides: who has the arm, when a period begins, and the drivers. No rclpy."""
