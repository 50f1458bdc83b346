"""Metrics: numbers about batches, episodes and success, whole or by group. None needs torch."""
