"""Rewards: what a step was worth, from the environment's own verdict, a distance, or a classifier that was learnt."""
