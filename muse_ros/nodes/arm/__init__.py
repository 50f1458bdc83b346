"""What the panda node is made of: its loop, topics and diagnostics."""
