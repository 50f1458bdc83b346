"""Policies: what turns observations into actions, with memory that lasts one episode."""
