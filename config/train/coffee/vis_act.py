"""ACT from two cameras for making coffee: two seconds of actions at a time, averaged over the plans that overlap.

The network is its authors'; the learning rate is not: theirs, 1e-5, is for an encoder that begins with ImageNet's
weights (then set --model.encoder.weights, and --learning_rate 1e-5).
"""

from dataclasses import replace
from pathlib import Path

from muse_core.configs import ACTConfig, AugmentConfig, ResNetConfig, load_config

export = replace(
    load_config(Path(__file__).with_name("vis_bc_rnn.py")),
    exp_name="{dataset}_vis_act_b{batch_size}_h{horizon}_s{seed}",
    image_size=(120, 160),
    horizon=20,
    model=ACTConfig(
        encoder=ResNetConfig(depth=18, norm="group", shared=True),
        width=512,
        feedforward=3200,
        layers=4,
        decoder_layers=1,
        attention_heads=8,
        kl_weight=10.0,
        execute=1,
        ensemble=0.01,
    ),
    augment=AugmentConfig(shift=0),
    batch_size=32,
    optimizer="adamw",
    weight_decay=1e-4,
    warmup_steps=500,
    max_gradient_norm=10.0,
    max_steps=200_000,
)
