"""BC-RNN from two small cameras for the simulator's task `lift`, sized for two CPU cores."""

from muse_core.configs import TrainConfig

export = TrainConfig(dataset="lift", task="lift", max_minutes=8.0, max_steps=6_000)
