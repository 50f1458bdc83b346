"""What `muse eval` takes: every option with its help, checks, and the paths that follow from them. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from muse_core.configs import suggestion
from muse_core.policies.random import RANDOM

EXPERT, REPLAY = "expert", "replay:"
FIRST_SEED, FIRST_RECORDED_SEED = 1000, 1_000_000
RESULTS_FILE = "results.json"


class EvaluationError(ValueError):
    """An evaluation that cannot be run; the message says why and what to do."""


@dataclass(frozen=True)
class EvaluateConfig:
    """Run a policy in an environment on seeds it has not seen, and report its success rate.

    Prints successes, the rate and its 95 % Wilson interval; writes results.json and a video. With --record, the
    episodes become a dataset: `muse eval --policy expert --task lift --episodes 200 --record data/lift`.
    """

    model_file: Path | None = None
    """A checkpoint, an experiment's folder (then its models/model.pt), or with --experiment a name in its models/."""
    experiment: Path | None = None
    """An experiment's folder, or its name in experiments/."""
    policy: str = ""
    """Who acts in place of a checkpoint: `expert` (the task's scripted one), `random`, or `replay:DATASET`, which plays
    the episode that was recorded with each seed. A path means the same as --model_file."""
    task: str = ""
    """Environment: reach, lift, place or coffee of the simulator, or another by its name. The one that the checkpoint
    was trained for by default."""
    episodes: int = 100
    """How many episodes."""
    seed: int | None = None
    """Seed of the first episode; each further one has the next number. 1000 by default, and 1000000 with --record, so
    that nothing is evaluated on the seeds that it learnt from."""
    presets: bool = False
    """Begin at the environment's presets, one after the other, rather than where the seed says."""
    group_by: str = ""
    """Report by group too, with the worst one: `preset`, or a key of what the environment says at the end."""
    baseline: Path | None = None
    """Compare with another policy on the same seeds: the results.json of its evaluation (or the folder of one), or
    its checkpoint or experiment, which is then evaluated first."""
    record: Path | None = None
    """Record the episodes, failures too, as this dataset, such as data/lift; one that exists is added to."""
    noise_m: float | None = None
    """Shake the expert's hand: standard deviation of each axis of the executed translation [m]. The recorded action is
    the one without. 0.006 with --record, else 0."""
    noise_rad: float = 0.0
    """The same for the rotation [rad]."""
    image_size: tuple[int, int] = (64, 64)
    """Height and width of the observed images, where no checkpoint says so [px]."""
    output: Path | None = None
    """Folder for results.json and the videos; by default `eval` in the experiment's folder, `eval_2` the next time."""
    overwrite: bool = False
    """Write into --output even if results are there."""
    videos: int = 6
    """How many episodes the video shows, from the first on. 0 makes none."""
    video_per_episode: bool = False
    """One video file for each shown episode, rather than one of all."""
    workers: int = 0
    """Processes that run episodes side by side; 0 is one for each CPU."""
    threads: int = 1
    """CPU threads for torch in each process."""
    device: str = "cpu"
    """Where the model runs: `cpu`, `cuda`, or `auto`: a GPU where there is one."""
    wide: bool = False
    """Use the task's wide variant, with objects spread further."""
    camera_size: tuple[int, int] = (128, 128)
    """Height and width of the simulated cameras' pictures; the panda node's camera_height and camera_width [px]."""
    max_steps: int | None = None
    """End an episode after this many steps; the task's own limit by default."""

    def __post_init__(self) -> None:
        for name, least in (("episodes", 1), ("videos", 0), ("workers", 0), ("threads", 1), ("noise_rad", 0)):
            _at_least(name, getattr(self, name), least)
        for name, least in (("seed", 0), ("max_steps", 1), ("noise_m", 0)):
            if getattr(self, name) is not None:
                _at_least(name, getattr(self, name), least)
        if self.scripted and (self.model_file or self.experiment):
            raise EvaluationError(f"--policy {self.policy} needs no --model_file and no --experiment: leave one out")
        if self.policy and self.model_file:
            raise EvaluationError("--policy and --model_file name two checkpoints: leave one out")
        if not (self.policy or self.model_file or self.experiment):
            raise EvaluationError("who is to act? Give --experiment, --model_file or --policy (expert, random, ...)")
        if self.scripted and not self.task:
            raise EvaluationError(f"--policy {self.policy} needs a --task, such as lift")

    @property
    def scripted(self) -> bool:
        """Whether no checkpoint acts."""
        return self.policy in (EXPERT, RANDOM) or self.policy.startswith(REPLAY)

    @property
    def actor_name(self) -> str:
        """Who acts, for people and datasets: ``expert``, or the checkpoint's path."""
        return self.policy if self.scripted else str(self.checkpoint_path)

    @property
    def checkpoint_path(self) -> Path:
        """The checkpoint's file.

        Raises:
            EvaluationError: when the experiment holds no checkpoint of this name, or --policy means nothing.
        """
        given = Path(self.policy) if self.policy else self.model_file
        if self.experiment is None:
            path = checkpoint_file(given)
            if self.policy and not path.is_file():
                choices = (EXPERT, RANDOM, f"{REPLAY}DATASET")
                raise EvaluationError(
                    f"no policy {self.policy!r}, nor such a file{suggestion(self.policy, list(choices))}"
                )
            return path
        models = _experiment_folder(self.experiment) / "models"
        name = given or Path("model.pt")
        if (models / name).is_file():
            return models / name
        if name.is_file():
            return name
        there = sorted(path.name for path in models.glob("*.pt"))
        raise EvaluationError(f"{models} has no checkpoint {str(name)!r}{suggestion(str(name), there)}")

    @property
    def seeds(self) -> range:
        """Seeds of the episodes."""
        default = FIRST_SEED if self.record is None else FIRST_RECORDED_SEED
        first = default if self.seed is None else self.seed
        return range(first, first + self.episodes)

    @property
    def expert_noise_m(self) -> float:
        """Standard deviation of the expert's noise on each axis [m]."""
        if self.noise_m is not None:
            return self.noise_m
        return 0.006 if self.record is not None else 0.0

    def output_path(self) -> Path:
        """The folder for the results: a new one, unless --output and --overwrite say otherwise.

        Raises:
            EvaluationError: when --output holds results already.
        """
        if self.output is not None:
            if (self.output / RESULTS_FILE).exists() and not self.overwrite:
                raise EvaluationError(
                    f"{self.output} holds the results of another evaluation; choose another --output, or --overwrite"
                )
            return self.output
        if self.scripted:
            name = self.policy.split(":")[0]
            first = Path("evaluations") / f"{name}_{self.task.replace(':', '_').replace('/', '_')}"
        else:
            folder = self.checkpoint_path.parent
            first = folder.parent / "eval" if folder.name == "models" else folder / "eval"
        number, path = 1, first
        while (path / RESULTS_FILE).exists():
            number += 1
            path = first.with_name(f"{first.name}_{number}")
        return path


def checkpoint_file(path: Path) -> Path:
    """The checkpoint that a path means: the file itself, or the ``models/model.pt`` of an experiment's folder."""
    return path / "models" / "model.pt" if path.is_dir() else path


def _experiment_folder(path: Path) -> Path:
    for folder in (path, Path("experiments") / path):
        if folder.is_dir():
            return folder
    raise EvaluationError(f"no experiment {str(path)!r}: there is no such folder, neither here nor in experiments/")


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise EvaluationError(f"--{name} must be at least {least}, got {value}")
