"""robomimic's BC-RNN-GMM, set up through its own config: the network and step that ours is measured beside.

Needs robomimic; see :mod:`peers`. Images come in as robomimic's datasets hold them: (height, width, 3) bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import peers
import torch
from torch import nn

KEYPOINTS = 32
FEATURES = 64  # of each camera, after robomimic's linear layer
HIDDEN_SIZE = 400  # of its LSTM of two layers, as in its own BC-RNN configs
SMALL_LAYERS = ((16, 2), (32, 2), (32, 1))  # channels and stride of 3x3 convolutions: those of Muse's SmallEncoder


def add_small_backbone() -> None:
    """Make ``SmallConv`` a backbone that robomimic's VisualCore finds by its name, as it finds its own."""
    import robomimic.models.base_nets as base_nets
    import robomimic.models.obs_core as obs_core

    class SmallConv(base_nets.ConvBase):
        def __init__(self, input_channel: int = 3) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            for channels, stride in SMALL_LAYERS:
                layers += [nn.Conv2d(input_channel, channels, 3, stride, padding=1), nn.ReLU()]
                input_channel = channels
            self.nets = nn.Sequential(*layers[:-1])

        def output_shape(self, input_shape: Sequence[int]) -> list[int]:
            height, width = input_shape[1:]
            for _, stride in SMALL_LAYERS:
                height, width = -(-height // stride), -(-width // stride)
            return [SMALL_LAYERS[-1][0], height, width]

    obs_core.SmallConv = SmallConv


def make_bc_rnn_gmm(
    low: Mapping[str, int],
    images: Mapping[str, tuple[int, int]],
    actions: int,
    *,
    backbone: str,
    horizon: int,
    learning_rate: float,
    crop: int = 0,
) -> Any:
    """Robomimic's algorithm on the CPU, ready to train.

    Args:
        low: Low-dimensional observations and their sizes.
        images: Cameras and their (height, width).
        actions: Size of an action; robomimic's mixture can only mean values in -1..1.
        backbone: ``ResNet18Conv``, or ``SmallConv`` after :func:`add_small_backbone`.
        horizon: Steps of a training window.
        learning_rate: Adam's.
        crop: Height and width of its random crop; 0 for none.
    """
    with peers.quiet():
        import robomimic.utils.obs_utils as obs_utils
        from robomimic.algo import algo_factory
        from robomimic.config import config_factory

        config = config_factory("bc")
        with config.values_unlocked():
            config.train.seq_length = config.algo.rnn.horizon = horizon
            config.algo.actor_layer_dims = ()
            config.algo.gmm.enabled = config.algo.rnn.enabled = True
            config.algo.rnn.hidden_dim = HIDDEN_SIZE
            config.algo.optim_params.policy.learning_rate.initial = learning_rate
            config.observation.modalities.obs.low_dim = list(low)
            config.observation.modalities.obs.rgb = list(images)
            encoder = config.observation.encoder.rgb
            encoder.core_kwargs.backbone_class = backbone
            encoder.core_kwargs.backbone_kwargs = {}
            encoder.core_kwargs.pool_class = "SpatialSoftmax"
            encoder.core_kwargs.pool_kwargs = {"num_kp": KEYPOINTS}
            encoder.core_kwargs.feature_dimension = FEATURES
            if crop:
                encoder.obs_randomizer_class = "CropRandomizer"
                encoder.obs_randomizer_kwargs = {"crop_height": crop, "crop_width": crop, "num_crops": 1}
        obs_utils.initialize_obs_utils_with_config(config)
        shapes = OrderedDict({name: [size] for name, size in low.items()})
        shapes |= {name: [3, *size] for name, size in images.items()}
        return algo_factory("bc", config, obs_key_shapes=shapes, ac_dim=actions, device=torch.device("cpu"))


def learn(algorithm: Any, batch: dict[str, Any]) -> float:
    """One of its training steps, as its own loop does it; the loss.

    Args:
        algorithm: What :func:`make_bc_rnn_gmm` made, set to train.
        batch: ``obs`` by key and ``actions``, as its data loader gives them.
    """
    prepared = algorithm.process_batch_for_training(batch)
    prepared = algorithm.postprocess_batch_for_training(prepared, obs_normalization_stats=None)
    return algorithm.log_info(algorithm.train_on_batch(prepared, epoch=1))["Loss"]


def parameters(algorithm: Any) -> int:
    """How many numbers it learns."""
    return sum(p.numel() for p in algorithm.nets.parameters() if p.requires_grad)


class RobomimicPolicy:
    """A trained one as a policy of Muse: robomimic's own `get_action`, its memory begun anew with each episode."""

    def __init__(self, algorithm: Any, observations: Sequence[str], low: np.ndarray, high: np.ndarray) -> None:
        """Take over a trained algorithm.

        Args:
            algorithm: It is set to evaluation here.
            observations: Keys that it sees.
            low: What an action of -1 means, (A,).
            high: What an action of 1 means, (A,).
        """
        import robomimic.utils.obs_utils as obs_utils

        algorithm.set_eval()
        self._algorithm, self._observations = algorithm, tuple(observations)
        self._low, self._high = low, high
        self._process = obs_utils.process_obs_dict

    def reset(self) -> None:
        """Begin an episode."""
        self._algorithm.reset()

    def act(self, observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The action for one observation, in its own units."""
        tensors = {k: torch.from_numpy(np.array(observation[k])[None]).float() for k in self._observations}
        with torch.no_grad():
            action = self._algorithm.get_action(self._process(tensors))[0].numpy()
        return {"action": unscale(action, self._low, self._high).astype(np.float32)}


def scale(actions: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Actions in units to -1..1."""
    return (2.0 * (actions - low) / (high - low) - 1.0).astype(np.float32)


def unscale(actions: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The inverse of :func:`scale`."""
    return low + (actions + 1.0) / 2.0 * (high - low)
