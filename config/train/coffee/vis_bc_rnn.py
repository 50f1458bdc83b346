"""BC-RNN from two cameras for making coffee: the original Muse's network and hyper-parameters, its traps mended.

As there: one ResNet-18 for both cameras, 32 keypoints each, a 2x1000 LSTM zeroed every 10 steps, squared error, Adam
at 1e-4 throughout, each frame cropped anew, the noise on position and orientation that was meant; 23.76 million
parameters. Mended: images are scaled, actions normalised, padding masked, and the crop is random in training only.
For a GPU.
"""

from muse_core.configs import AugmentConfig, BCRNNConfig, DeterministicHeadConfig, ResNetConfig, TrainConfig

export = TrainConfig(
    data_dir="data/real",
    exp_name="{dataset}_vis_bc_rnn_b{batch_size}_h{horizon}_s{seed}",
    observations=("ee_position", "ee_orientation", "gripper_pos", "image", "ego_image"),
    rotation="quaternion",
    horizon=10,
    image_crop=0.9,
    model=BCRNNConfig(
        encoder=ResNetConfig(depth=18, norm="batch", keypoints=32, shared=True),
        head=DeterministicHeadConfig(loss="mse"),
        hidden_size=1000,
        layers=2,
        memory="flush",
    ),
    augment=AugmentConfig(shift=0, noise={"ee_position": 0.005, "ee_orientation": 0.0005}, per="frame"),
    batch_size=8,
    learning_rate=1e-4,
    final_learning_rate=1.0,
    warmup_steps=0,
    max_gradient_norm=0.0,
    max_steps=600_000,
    validation_fraction=0.1,
    validate_every=5_000,
    save_every=20_000,
    checkpoint_every=20_000,
    log_every=100,
    images_every=20_000,
)
