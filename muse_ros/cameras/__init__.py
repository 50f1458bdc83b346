"""What a camera node decides and does: sources, capture, exposure, calibration, freezing. No rclpy."""
