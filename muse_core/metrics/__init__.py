"""Metrics: numbers about batches, episodes and success. No torch is needed for those of success."""
