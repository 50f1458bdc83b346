"""What the collect node decides: episodes, the recorder, the session on disk, the live audit. No rclpy."""
