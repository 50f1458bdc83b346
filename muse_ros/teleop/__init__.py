"""What the teleop node decides: from a device's samples to actions. No rclpy."""
