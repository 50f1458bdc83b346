"""Diffusion: noise schedules, and sampling by taking the noise away step by step."""
