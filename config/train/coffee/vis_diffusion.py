"""Diffusion Policy from two cameras for making coffee, with the settings of its authors' experiments on real robots.

Of their U-Net it has half the channels: 100 demonstrations of one task do not fill the whole one.
"""

from dataclasses import replace
from pathlib import Path

from muse_core.configs import AugmentConfig, DiffusionConfig, ResNetConfig, UnetConfig, load_config

export = replace(
    load_config(Path(__file__).with_name("vis_bc_rnn.py")),
    exp_name="{dataset}_vis_diffusion_b{batch_size}_h{horizon}_s{seed}",
    rotation="columns",
    image_size=(120, 160),
    horizon=16,
    model=DiffusionConfig(
        # Group norm, because averages of batch norm's statistics and of the weights do not belong together.
        encoder=ResNetConfig(depth=18, norm="group", keypoints=32, shared=False),
        denoiser=UnetConfig(channels=(256, 512, 1024)),
        observation_steps=2,
        execute=8,
        noise_steps=100,
        sampling_steps=10,
    ),
    augment=AugmentConfig(shift=0),
    batch_size=64,
    optimizer="adamw",
    weight_decay=1e-6,
    final_learning_rate=0.01,
    warmup_steps=500,
    max_gradient_norm=10.0,
    ema_decay=0.9999,
    precision="bfloat16",
    max_steps=200_000,
)
