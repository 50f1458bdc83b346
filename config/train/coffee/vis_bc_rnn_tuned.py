"""BC-RNN from two cameras for making coffee, as we would set it up: less to compute, more learnt in the time.

Against `vis_bc_rnn`: pictures at half the size; shifts and colours besides the crop; group norm, which does not depend
on the batch; smooth L1, which an odd demonstration does not dominate; AdamW with warm-up and cosine; averaged weights.
`bench/recipes.py` sets the two side by side in the simulator.
"""

from dataclasses import replace
from pathlib import Path

from muse_core.configs import AugmentConfig, BCRNNConfig, DeterministicHeadConfig, ResNetConfig, load_config

export = replace(
    load_config(Path(__file__).with_name("vis_bc_rnn.py")),
    exp_name="{dataset}_vis_bc_rnn_tuned_b{batch_size}_h{horizon}_s{seed}",
    rotation="columns",
    image_size=(120, 160),
    model=BCRNNConfig(
        encoder=ResNetConfig(depth=18, norm="group", keypoints=32, shared=False),
        head=DeterministicHeadConfig(loss="smooth_l1"),
        hidden_size=512,
        layers=2,
        memory="sliding",
    ),
    augment=AugmentConfig(
        shift=8, brightness=0.2, contrast=0.2, saturation=0.2, noise={"ee_position": 0.002, "ee_orientation": 0.005}
    ),
    batch_size=32,
    optimizer="adamw",
    learning_rate=3e-4,
    final_learning_rate=0.02,
    warmup_steps=500,
    weight_decay=1e-4,
    max_gradient_norm=10.0,
    ema_decay=0.999,
    precision="bfloat16",
    max_steps=100_000,
)
