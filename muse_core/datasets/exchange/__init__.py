"""Datasets from one format to another: ``muse import`` and ``muse export``."""
