"""Training configs: frozen dataclasses, declared as values in Python files, saved as JSON.

A config file ends in ``export = TrainConfig(...)``. Every field can be overridden on the command line; the text under a
field is its help. Nothing here imports torch, so that ``--help`` and an error come at once.
"""

from __future__ import annotations

import difflib
import json
import re
import runpy
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints


class ConfigError(ValueError):
    """A config that cannot be used; the message says which file and field, what was found and what would do."""


def _require(condition: bool, where: str, expected: str, found: object) -> None:
    if not condition:
        raise ConfigError(f"{where} must be {expected}, got {found!r}")


def _check_types(config: Any) -> None:
    """Raise unless every field holds what its annotation says."""
    hints = get_type_hints(type(config))
    for one in fields(config):
        value = getattr(config, one.name)
        _require(_is_of_type(value, hints[one.name]), one.name, _type_name(hints[one.name]), value)


def _is_of_type(value: Any, hint: Any) -> bool:
    kind, parts = get_origin(hint), get_args(hint)
    if kind is Literal:
        return value in parts
    if kind is UnionType:
        return any(_is_of_type(value, part) for part in parts)
    if kind is tuple:
        return isinstance(value, tuple) and all(_is_of_type(item, parts[0]) for item in value)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def _type_name(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(repr, get_args(hint)))}"
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


@dataclass(frozen=True)
class EncoderConfig:
    """The vision encoder: convolutions, then a spatial softmax that gives one keypoint for each last channel."""

    channels: tuple[int, ...] = (16, 32, 32)
    """Channels of each convolution."""
    kernels: tuple[int, ...] = (3, 3, 3)
    """Kernel size of each convolution, in pixels."""
    strides: tuple[int, ...] = (2, 2, 1)
    """Stride of each convolution."""
    temperature: float = 0.1
    """Temperature of the spatial softmax at the start of training; it is learnt from there."""
    shared: bool = False
    """One encoder for all cameras, rather than one each."""

    def __post_init__(self) -> None:
        _check_types(self)
        layers = {len(self.channels), len(self.kernels), len(self.strides)}
        _require(len(layers) == 1, "encoder: channels, kernels and strides", "equally many", sorted(layers))
        _require(self.temperature > 0, "encoder.temperature", "positive", self.temperature)


@dataclass(frozen=True)
class BCRNNConfig:
    """Behaviour cloning with an LSTM over what the cameras and the proprioception say."""

    kind: Literal["bc_rnn"] = "bc_rnn"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    hidden_size: int = 256
    """Width of the LSTM."""
    layers: int = 2
    """Depth of the LSTM."""
    memory: Literal["sliding", "flush"] = "sliding"
    """At run time: run the LSTM over the last `horizon` steps at each step, or keep its state and set it to zero every
    `horizon` steps. Either way it never sees a history longer than in training."""

    def __post_init__(self) -> None:
        _check_types(self)
        _require(self.hidden_size > 0, "model.hidden_size", "positive", self.hidden_size)
        _require(self.layers > 0, "model.layers", "positive", self.layers)


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    dataset: str = ""
    """Name of a dataset under `data_dir`, or the path of one."""
    task: str = ""
    """The simulator's task that `muse eval` runs by default; empty for a real robot's."""
    exp_name: str = ""
    """Name of the experiment under `experiments_dir`; made from the dataset, model and seed where it is empty."""
    observations: tuple[str, ...] = ("ee_position", "ee_orientation", "gripper_width", "image", "ego_image")
    """Keys that the model sees."""
    actions: tuple[str, ...] = ("action",)
    """Keys that the model gives."""
    horizon: int = 10
    """Steps in a training window, and the longest history that the policy uses."""
    model: BCRNNConfig = field(default_factory=BCRNNConfig)
    batch_size: int = 16
    """Windows in a batch."""
    max_steps: int = 6000
    """Stop after this many gradient steps."""
    max_minutes: float | None = None
    """Stop after this many minutes of training, if that comes first. The learning rate follows whichever is nearer."""
    learning_rate: float = 1e-3
    """Adam's learning rate after the warm-up."""
    final_learning_rate: float = 0.02
    """Share of `learning_rate` that is left at the end; it falls along a half cosine."""
    warmup_steps: int = 100
    """Steps over which the learning rate rises from zero."""
    max_gradient_norm: float = 10.0
    """Longer gradients are scaled down to this norm."""
    random_shift: int = 4
    """Training images are moved by up to this many pixels, each window and camera on its own. 0 turns it off."""
    include_failures: bool = False
    """Train on episodes that are labelled as failures too. Episodes without a label are always used."""
    validation_fraction: float = 0.05
    """Share of the episodes that is held out, chosen by a hash of their ids."""
    validate_every: int = 500
    """Steps between validations (loss on all held-out episodes); the best model is kept as `best_model.pt`."""
    save_every: int = 500
    """Steps between writes of `model.pt`."""
    checkpoint_every: int = 0
    """Steps between checkpoints that are kept, `chkpt_<step>.pt`. 0 keeps none."""
    log_every: int = 50
    """Steps between entries in `metrics.jsonl` and TensorBoard."""
    seed: int = 0
    """Seed of the weights, the order of the data and its augmentation."""
    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: a GPU where there is one."""
    threads: int = 0
    """CPU threads for torch; 0 uses as many as this process may run on."""
    memory_gb: float = 2.0
    """Keep this much of the dataset in memory; what does not fit is read from its memory-mapped files."""
    data_dir: str = "data"
    """Where datasets lie."""
    experiments_dir: str = "experiments"
    """Where experiments go."""

    def __post_init__(self) -> None:
        _check_types(self)
        for name in ("horizon", "batch_size", "max_steps", "validate_every", "save_every", "log_every"):
            _require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("checkpoint_every", "warmup_steps", "random_shift", "threads", "memory_gb", "seed"):
            _require(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))
        for name in ("learning_rate", "max_gradient_norm"):
            _require(getattr(self, name) > 0, name, "positive", getattr(self, name))
        _require(self.max_minutes is None or self.max_minutes > 0, "max_minutes", "positive", self.max_minutes)
        _require(0 <= self.validation_fraction < 1, "validation_fraction", "in [0, 1)", self.validation_fraction)
        _require(0 < self.final_learning_rate <= 1, "final_learning_rate", "in (0, 1]", self.final_learning_rate)
        for name in ("observations", "actions"):
            _require(len(getattr(self, name)) > 0, name, "a list of keys", getattr(self, name))
        keys = (*self.observations, *self.actions)
        twice = sorted({key for key in keys if keys.count(key) > 1})
        _require(not twice, "observations and actions", "different keys, each named once", twice)
        is_name = self.exp_name not in (".", "..") and "/" not in self.exp_name
        _require(is_name, "exp_name", "a name, without folders (see experiments_dir)", self.exp_name)

    @property
    def dataset_path(self) -> Path:
        """Where the dataset lies: `dataset` itself where that is a folder, else below `data_dir`."""
        path = Path(self.dataset)
        return path if path.is_dir() else Path(self.data_dir) / self.dataset

    @property
    def experiment_name(self) -> str:
        """`exp_name`, or a readable name that follows from the config."""
        name = f"{Path(self.dataset).name}_{self.model.kind}_h{self.horizon}_b{self.batch_size}_s{self.seed}"
        return self.exp_name or name

    @property
    def experiment_path(self) -> Path:
        """The experiment's folder."""
        return Path(self.experiments_dir) / self.experiment_name

    def to_dict(self) -> dict[str, Any]:
        """Plain data; :meth:`from_dict` reads it back to an equal config."""
        return _plain(asdict(self))

    def to_json(self) -> str:
        """The whole config, readable."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrainConfig:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ConfigError: naming an unknown key, and the most similar known one.
        """
        return _construct(cls, data, "config")


# Fields that hold another config.
_NESTED = {"model": BCRNNConfig, "encoder": EncoderConfig}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _construct(cls: type, data: Mapping[str, Any], where: str) -> Any:
    known = [f.name for f in fields(cls)]
    for key in data:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}{suggestion(key, known)}")
    values = {}
    for key, value in data.items():
        if key in _NESTED and not is_dataclass(value):
            value = _construct(_NESTED[key], value, f"{where}.{key}")
        values[key] = tuple(value) if isinstance(value, list) else value
    return cls(**values)


def suggestion(name: str, known: list[str]) -> str:
    """``; did you mean ...?`` where a known name is close, else the list of all."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def load_config(path: str | Path) -> TrainConfig:
    """The config that a Python file exports.

    Raises:
        ConfigError: when there is no such file, it exports no config, or it names an unknown field.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such config file{_nearby(path)}")
    try:
        config = runpy.run_path(str(path)).get("export")
    except Exception as error:  # the file is the user's code: it can raise anything
        raise ConfigError(f"{_place(path, error)}: {_explain(error)}") from error
    if not isinstance(config, TrainConfig):
        raise ConfigError(f"{path}: expected a line `export = TrainConfig(...)`, found export = {config!r}")
    return config


def _nearby(path: Path) -> str:
    names = sorted(str(p) for p in path.parent.glob("*.py")) if path.parent.is_dir() else []
    return suggestion(str(path), names) if names else ""


def _place(path: Path, error: Exception) -> str:
    """The file, and the line of it that raised the error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return f"{path}:{line}" if line else str(path)


def _explain(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}"
    found = re.search(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", str(error))
    classes = {cls.__name__: cls for cls in (TrainConfig, *_NESTED.values())}
    if not found or found[1] not in classes:
        return f"{type(error).__name__}: {error}"
    return f"{found[1]} has no field {found[2]!r}{suggestion(found[2], [f.name for f in fields(classes[found[1]])])}"
