"""What ``muse doctor`` looks at, check by check. No rclpy, and nothing that pip installs is needed to import it."""
