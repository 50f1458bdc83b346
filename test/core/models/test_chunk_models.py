"""Diffusion Policy and ACT: the checks of every model."""

from __future__ import annotations

from conformance.models import ModelConformance

from muse_core.configs import (
    ACTConfig,
    DenoisingTransformerConfig,
    DiffusionConfig,
    GoalConfig,
    ResNetConfig,
    TrainConfig,
    UnetConfig,
)

TINY_ACT = {"width": 32, "feedforward": 64, "layers": 1, "attention_heads": 2, "latent_size": 4, "ensemble": None}
TINY_ACT |= {"decoder_layers": 2}  # a gradient reaches every layer: the last one's output is what is used


class TestDiffusionWithUnet(ModelConformance):
    learning_rate = 5e-3
    learning_steps = 150

    def config(self, **changes):
        unet = UnetConfig(channels=(16, 32), kernel=3, groups=4, step_width=16)
        model = DiffusionConfig(denoiser=unet, execute=2, prediction="sample")
        return TrainConfig(horizon=4, model=model, **changes)


class TestDiffusionWithTransformerAndGoals(ModelConformance):
    learning_rate = 3e-3
    learning_steps = 350

    def config(self, **changes):
        transformer = DenoisingTransformerConfig(width=32, layers=2, attention_heads=2)
        model = DiffusionConfig(denoiser=transformer, execute=2, prediction="sample")
        return TrainConfig(horizon=4, model=model, goal=GoalConfig(keys=("gripper_width",)), **changes)


class TestACT(ModelConformance):
    learning_steps = 180

    def config(self, **changes):
        return TrainConfig(horizon=4, model=ACTConfig(**TINY_ACT, kl_weight=1.0), **changes)


class TestACTWithGoalsAndFeatureMaps(ModelConformance):
    learning_steps = 60  # of 11 million weights: enough to see that it learns
    tolerance = 0.5

    def config(self, **changes):
        model = ACTConfig(**TINY_ACT, encoder=ResNetConfig(norm="group"))
        goal = GoalConfig(keys=("ee_position", "image"))
        return TrainConfig(horizon=3, model=model, goal=goal, **changes)
