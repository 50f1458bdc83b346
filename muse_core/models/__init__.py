"""Models: torch modules with plain constructor arguments, and the table that builds each from its config.

Importing this package does not import torch; building a model does.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.models.model import Model
    from muse_core.spec import Spec

# Kind of model, as its config names it -> module that has `build(config, spec, statistics)`.
MODELS = {
    "act": "muse_core.models.act",
    "bc": "muse_core.models.bc",
    "bc_rnn": "muse_core.models.bc_rnn",
    "bc_transformer": "muse_core.models.bc_transformer",
    "diffusion": "muse_core.models.diffusion_policy",
    "hydra": "muse_core.models.hydra",
}


def build_model(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None = None) -> Model:
    """The model that `config` describes, for the observations and actions of `spec`.

    Args:
        config: What to build; its field `model` says which kind.
        spec: What goes in (role ``observation``) and comes out (role ``action``).
        statistics: What to normalise by; left out where weights will be loaded, which carry them.
    """
    return import_module(MODELS[config.model.kind]).build(config, spec, statistics)
