"""One training run as a config: data, model, optimiser, what is measured and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from muse_core.configs.checks import ConfigError, check_types, require, suggestion
from muse_core.configs.construction import construct, plain
from muse_core.configs.models import BCRNNConfig, ModelConfig


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of training batches. They are seeded for each sample, and never applied at evaluation."""

    shift: int = 4
    """Pictures are moved by up to this many pixels, each camera on its own. 0 turns it off."""
    brightness: float = 0.0
    """Brightness changes by up to this share."""
    contrast: float = 0.0
    """Contrast changes by up to this share."""
    saturation: float = 0.0
    """Saturation changes by up to this share."""
    hue: float = 0.0
    """Hue changes by up to this share of the colour circle, at most 0.5."""
    noise: dict[str, float] = field(default_factory=dict)
    """Gaussian noise on observations: key and standard deviation in the key's unit, such as `ee_position 0.005`."""
    per: Literal["window", "frame"] = "window"
    """Draw once for all steps of a window, which keeps its motion true, or anew for each frame."""

    def __post_init__(self) -> None:
        check_types(self)
        require(self.shift >= 0, "augment.shift", "at least 0", self.shift)
        for name, limit in (("brightness", 1.0), ("contrast", 1.0), ("saturation", 1.0), ("hue", 0.5)):
            require(0 <= getattr(self, name) <= limit, f"augment.{name}", f"in [0, {limit:g}]", getattr(self, name))
        for key, std in self.noise.items():
            require(std >= 0, f"augment.noise of {key}", "at least 0", std)


@dataclass(frozen=True)
class GoalConfig:
    """What the model is told of where to get to."""

    keys: tuple[str, ...] = ()
    """Observations whose value at the goal the model sees as `goal/<key>`; none: it is not conditioned on a goal."""
    kind: Literal["final", "future"] = "final"
    """In training the goal is the episode's last step, or any step from the window's end on."""

    def __post_init__(self) -> None:
        check_types(self)
        require(len(set(self.keys)) == len(self.keys), "goal.keys", "each named once", self.keys)


@dataclass(frozen=True)
class RolloutConfig:
    """Episodes that the policy runs in the simulator while it is being trained."""

    every: int = 0
    """Steps between evaluations; 0 runs none. The best by success is kept as `best_rollout_model.pt`."""
    episodes: int = 20
    """Episodes of each evaluation."""
    seed: int = 100_000
    """Seed of the first one."""
    workers: int = 0
    """Processes that run environments; 0 uses as many as there are processors."""
    videos: int = 2
    """Episodes of each evaluation that go to TensorBoard as video."""

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("every", "seed", "workers", "videos"):
            require(getattr(self, name) >= 0, f"rollouts.{name}", "at least 0", getattr(self, name))
        require(self.episodes >= 1, "rollouts.episodes", "at least 1", self.episodes)


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    dataset: str = ""
    """Name of a dataset under `data_dir`, or the path of one: a folder, an .npz or an .hdf5 file."""
    extra_datasets: tuple[str, ...] = ()
    """Further datasets to learn from."""
    dataset_weights: tuple[float, ...] = ()
    """Share of the batches that comes from each dataset, `dataset` first; by their sizes where empty."""
    validation_datasets: tuple[str, ...] = ()
    """Datasets to validate on as a whole, beside the held-out episodes."""
    task: str = ""
    """The environment that `muse eval` and `rollouts` run: a task of the simulator, or what
    `muse eval --task` takes; empty for a real robot's."""
    exp_name: str = ""
    """Name of the experiment under `experiments_dir`, in which fields are filled in: `{dataset}_b{batch_size}`. Made of
    dataset, model, horizon, batch size and seed where it is empty."""
    observations: tuple[str, ...] = ("ee_position", "ee_orientation", "gripper_width", "image", "ego_image")
    """Keys that the model sees."""
    actions: tuple[str, ...] = ("action",)
    """Keys that the model gives."""
    goal: GoalConfig = field(default_factory=GoalConfig)
    horizon: int = 10
    """Steps in a training window."""
    image_crop: float = 1.0
    """Share of the pictures' height and width that the model sees: a random crop in training, the centre otherwise."""
    image_size: tuple[int, int] | None = None
    """Height and width that pictures are resized to, in the model; None takes them as they are."""
    rotation: Literal["columns", "quaternion"] = "columns"
    """How orientations enter the model: as two columns of the rotation matrix, or as the quaternion, its sign fixed."""
    model: ModelConfig = field(default_factory=BCRNNConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    batch_size: int = 16
    """Windows in a batch of one process."""
    sampling: Literal["windows", "episodes", "weighted"] = "windows"
    """Windows are drawn uniformly; or an episode first, then one of its windows; or weighted by `sampling_key`."""
    sampling_key: str = ""
    """Integer array, such as `mode`, whose value at a window's first step selects its weight."""
    sampling_weights: tuple[float, ...] = ()
    """Weight of windows where `sampling_key` is 0, 1, ..."""
    max_steps: int = 6000
    """Stop after this many gradient steps."""
    max_minutes: float | None = None
    """Stop after this many minutes of training, if that comes first. The learning rate follows whichever is nearer."""
    optimizer: Literal["adam", "adamw"] = "adam"
    """Adam (with `weight_decay` as an L2 term) or AdamW."""
    learning_rate: float = 1e-3
    """Learning rate after the warm-up."""
    final_learning_rate: float = 0.02
    """Share of `learning_rate` that is left at the end; it falls along a half cosine. 1 keeps it constant."""
    warmup_steps: int = 100
    """Steps over which the learning rate rises from zero."""
    weight_decay: float = 0.0
    """Decay of weight matrices and kernels; biases, norms and embeddings are spared."""
    max_gradient_norm: float = 10.0
    """Longer gradients are scaled down to this norm; 0 leaves all as they are."""
    accumulate: int = 1
    """Batches whose gradients are added up for one step."""
    ema_decay: float = 0.0
    """Decay of an exponential moving average of the weights, which is what is validated and deployed; 0 keeps none."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Number format of the forward pass; weights stay float32."""
    compile: bool = False
    """Compile the model with torch.compile."""
    include_failures: bool = False
    """Train on episodes that are labelled as failures too. Episodes without a label are always used."""
    validation_fraction: float = 0.05
    """Share of the episodes that is held out, chosen by a hash of their ids."""
    validate_every: int = 500
    """Steps between validations: the loss over all held-out episodes, of which the lowest is kept as `best_model.pt`,
    and how far the actions are from the recorded ones along some."""
    open_loop_episodes: int = 8
    """Held-out episodes that the policy runs along at each validation, beside the recording; 0 leaves that out."""
    rollouts: RolloutConfig = field(default_factory=RolloutConfig)
    save_every: int = 500
    """Steps between writes of `model.pt`."""
    checkpoint_every: int = 0
    """Steps between checkpoints that are kept, `chkpt_<step>.pt`. 0 keeps none."""
    log_every: int = 50
    """Steps between entries in `metrics.jsonl` and TensorBoard."""
    images_every: int = 2000
    """Steps between pictures of what the network sees and histograms of its actions, in TensorBoard; 0 writes none."""
    wandb: bool = False
    """Log to Weights & Biases as well, which must be installed: `pip install wandb`."""
    wandb_project: str = "muse"
    """Project there."""
    seed: int = 0
    """Seed of the weights, the order of the data and its augmentation."""
    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: a GPU where there is one."""
    threads: int = 0
    """CPU threads for torch; 0 uses as many as this process may run on."""
    memory_gb: float = 2.0
    """Keep this much of the dataset in memory; what does not fit is read from its memory-mapped files."""
    data_on_device: bool = False
    """Keep the whole dataset in the device's memory: fastest, where it fits."""
    data_dir: str = "data"
    """Where datasets lie."""
    experiments_dir: str = "experiments"
    """Where experiments go."""

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("horizon", "batch_size", "max_steps", "validate_every", "save_every", "log_every", "accumulate"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("checkpoint_every", "images_every", "open_loop_episodes", "warmup_steps", "threads", "memory_gb",
                     "seed", "weight_decay", "max_gradient_norm"):  # fmt: skip
            require(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))
        require(self.learning_rate > 0, "learning_rate", "positive", self.learning_rate)
        require(self.max_minutes is None or self.max_minutes > 0, "max_minutes", "positive", self.max_minutes)
        require(0 <= self.validation_fraction < 1, "validation_fraction", "in [0, 1)", self.validation_fraction)
        require(0 <= self.ema_decay < 1, "ema_decay", "in [0, 1)", self.ema_decay)
        require(0 < self.final_learning_rate <= 1, "final_learning_rate", "in (0, 1]", self.final_learning_rate)
        require(self.image_size is None or min(self.image_size) >= 1, "image_size", "at least 1 pixel", self.image_size)
        require(0 < self.image_crop <= 1, "image_crop", "in (0, 1]", self.image_crop)
        self._check_keys()
        self._check_sampling()
        is_name = self.experiment_name not in (".", "..") and "/" not in self.experiment_name
        require(is_name, "exp_name", "a name, without folders (see experiments_dir)", self.exp_name)
        _ = self.model.window(self.horizon)  # says whether horizon and model fit

    def _check_keys(self) -> None:
        for name in ("observations", "actions"):
            require(len(getattr(self, name)) > 0, name, "a list of keys", getattr(self, name))
        keys = (*self.observations, *self.actions)
        twice = sorted({key for key in keys if keys.count(key) > 1})
        require(not twice, "observations and actions", "different keys, each named once", twice)
        goals = [key for key in self.observations if key.startswith("goal/")]
        require(not goals, "observations", "no goals: name KEY in goal.keys, and goal/KEY is seen", goals)
        for field_name, names in (("goal.keys", self.goal.keys), ("augment.noise", self.augment.noise)):
            unknown = [key for key in names if key not in self.observations]
            require(not unknown, field_name, f"among the observations {', '.join(self.observations)}", unknown)

    def _check_sampling(self) -> None:
        weighted = self.sampling == "weighted"
        require(weighted == bool(self.sampling_key), "sampling_key", "given with sampling weighted, and only then",
                self.sampling_key)  # fmt: skip
        for name in ("sampling_weights", "dataset_weights"):
            weights = getattr(self, name)
            require(all(w >= 0 for w in weights), name, "numbers of at least 0", weights)
            require(not weights or sum(weights) > 0, name, "not all zero", weights)
        names = (self.dataset, *self.extra_datasets)
        require(len(set(names)) == len(names), "extra_datasets", "others than dataset, each named once", names)
        count = len(names)
        fits = not self.dataset_weights or len(self.dataset_weights) == count
        require(fits, "dataset_weights", f"one for each of the {count} datasets", self.dataset_weights)

    @property
    def experiment_name(self) -> str:
        """`exp_name` with its fields filled in; by default dataset, model, horizon, batch size and seed."""
        dataset = "+".join(Path(name).name.split(".")[0] for name in (self.dataset, *self.extra_datasets))
        plain_fields = {
            f.name: value for f in fields(self) if isinstance(value := getattr(self, f.name), str | int | float)
        }
        known = plain_fields | {"dataset": dataset, "model": self.model.kind}
        name = self.exp_name or "{dataset}_{model}_h{horizon}_b{batch_size}_s{seed}"
        try:
            return name.format_map(known)
        except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
            wrong = error.args[0] if isinstance(error, KeyError) else name
            raise ConfigError(f"exp_name: no field {wrong!r} to fill in{suggestion(str(wrong), [*known])}") from error

    @property
    def experiment_path(self) -> Path:
        """The experiment's folder."""
        return Path(self.experiments_dir) / self.experiment_name

    def to_dict(self) -> dict[str, Any]:
        """Plain data; :meth:`from_dict` reads it back to an equal config."""
        return plain(asdict(self))

    def to_json(self) -> str:
        """The whole config, readable."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrainConfig:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ConfigError: naming an unknown key, and the most similar known one.
        """
        return construct(cls, data, "config")
