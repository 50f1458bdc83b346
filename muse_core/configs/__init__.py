"""Training configs: frozen dataclasses, declared as values in Python files, saved as JSON.

A config file ends in ``export = TrainConfig(...)``. Every field can be overridden on the command line; the text under a
field is its help. Nothing here imports torch, so that ``--help`` and an error come at once.
"""

from muse_core.configs.checks import ConfigError, suggestion
from muse_core.configs.chunks import ACTConfig, DenoisingTransformerConfig, DiffusionConfig, UnetConfig
from muse_core.configs.encoders import EncoderConfig, ResNetConfig, SmallEncoderConfig
from muse_core.configs.heads import (
    DeterministicHeadConfig,
    DiscretizedHeadConfig,
    GaussianHeadConfig,
    HeadConfig,
    MixtureHeadConfig,
)
from muse_core.configs.hydra import HydraConfig
from muse_core.configs.model_settings import Execution, WindowShape
from muse_core.configs.models import (
    BCConfig,
    BCRNNConfig,
    BCTransformerConfig,
    ModelConfig,
)
from muse_core.configs.reading import load_config
from muse_core.configs.training import AugmentConfig, GoalConfig, RolloutConfig, TrainConfig

__all__ = [
    "ACTConfig",
    "AugmentConfig",
    "BCConfig",
    "BCRNNConfig",
    "BCTransformerConfig",
    "ConfigError",
    "DenoisingTransformerConfig",
    "DeterministicHeadConfig",
    "DiffusionConfig",
    "DiscretizedHeadConfig",
    "EncoderConfig",
    "Execution",
    "GaussianHeadConfig",
    "GoalConfig",
    "HeadConfig",
    "HydraConfig",
    "MixtureHeadConfig",
    "ModelConfig",
    "ResNetConfig",
    "RolloutConfig",
    "SmallEncoderConfig",
    "TrainConfig",
    "UnetConfig",
    "WindowShape",
    "load_config",
    "suggestion",
]
