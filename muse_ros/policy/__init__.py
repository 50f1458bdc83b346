"""What the policy node decides: when to tick, what may act, and where the time goes. No rclpy."""
