"""BC-RNN for the point mass, conditioned on its target: seconds of training on one CPU core, to try the whole path."""

from muse_core.configs import BCRNNConfig, GoalConfig, TrainConfig

export = TrainConfig(
    dataset="point_mass",
    task="point_mass",
    observations=("position", "velocity"),
    goal=GoalConfig(keys=("position",)),
    model=BCRNNConfig(hidden_size=64),
    batch_size=32,
    max_steps=1_000,
)
