"""The folder of one experiment: config, git state, log, metrics and models. Nothing in it is left half written."""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from pathlib import Path
from typing import TextIO

from muse_core.checkpoints import load_checkpoint
from muse_core.configs import TrainConfig
from muse_core.files import write_text
from muse_core.trainers.git_state import git_state

LAST = "model.pt"
# What a start leaves that was killed before it saved a model; a folder with anything else is not ours to clear.
OURS = (
    "config.json",
    "git",
    "log.txt",
    "metrics.jsonl",
    "models",
    "wandb",
    "wandb_run.json",
    "events.out.tfevents.*",
    ".*",
)


class ExperimentError(RuntimeError):
    """An experiment that cannot be begun or gone on with; the message says what to do."""


class Experiment:
    """``experiments/<name>/``: ``config.json``, ``git/``, ``log.txt``, ``metrics.jsonl``, TensorBoard, ``models/``.

    While one is open, no other process can open it: the lock goes with the process, however that ends.
    """

    def __init__(self, path: Path) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self.path = path
        self._lock: TextIO | None = None
        self._log: logging.Handler | None = None

    @classmethod
    def create(cls, path: str | Path, config: TrainConfig) -> Experiment:
        """Begin a new experiment, in place of one that was killed before it saved any model.

        Raises:
            ExperimentError: when there is one of that name already.
        """
        path = Path(path)
        if path.exists() and not is_remnant(path):
            raise ExperimentError(cls.exists_message(path))
        experiment = cls(path)
        try:
            (path / "models").mkdir(parents=True, exist_ok=True)
            experiment._take_lock()
        except OSError as error:
            raise ExperimentError(f"{path} cannot be written: {error}") from error
        try:
            _clear(path)
            (path / "models").mkdir()
            commit, diff = git_state()
            write_text(path / "config.json", config.to_json() + "\n")
            write_text(path / "git" / "commit.txt", commit + "\n")
            write_text(path / "git" / "diff.txt", diff)
            experiment._start_log()
        except BaseException:
            experiment.remove()
            raise
        return experiment

    @classmethod
    def open(cls, path: str | Path, config: TrainConfig) -> Experiment:
        """Go on with an experiment, its config written anew.

        Raises:
            ExperimentError: when another process is at it.
        """
        experiment = cls(Path(path))
        experiment._take_lock()
        write_text(experiment.path / "config.json", config.to_json() + "\n")
        experiment._start_log()
        return experiment

    @staticmethod
    def exists_message(path: Path) -> str:
        """What to say when a new experiment would go where one is."""
        return (
            f"experiment {path} exists already. Continue it with `muse train --resume {path}`, "
            "choose another --exp_name, or remove the folder"
        )

    @property
    def models(self) -> Path:
        """Where checkpoints go."""
        return self.path / "models"

    def close(self) -> None:
        """Close the log and let others at it. Safe to call twice."""
        if self._log is not None:
            logging.getLogger("muse_core").removeHandler(self._log)
            self._log.close()
            self._log = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Close it and delete its folder: for a start that failed."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.close()

    def _take_lock(self) -> None:
        lock = (self.path / ".lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise ExperimentError(f"experiment {self.path} is being trained by another process") from None
        self._lock = lock

    def _start_log(self) -> None:
        self._log = logging.FileHandler(self.path / "log.txt", encoding="utf-8")
        self._log.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logging.getLogger("muse_core").addHandler(self._log)


def saved_config(path: Path) -> TrainConfig:
    """The config of an experiment, as it was last begun or resumed.

    Raises:
        ExperimentError: when the folder is no experiment.
        ConfigError: when the file is not what it should be.
    """
    file, model = path / "config.json", path / "models" / LAST
    if not file.is_file() and model.is_file():
        return load_checkpoint(model).train_config
    if not file.is_file():
        raise ExperimentError(f"cannot resume {path}: there is neither {file} nor {model}")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ExperimentError(f"cannot resume {path}: {file} is no JSON ({error})") from error
    return TrainConfig.from_dict(data)


def is_remnant(path: Path) -> bool:
    """Whether this folder holds nothing but what a start that was killed leaves: no model, nothing of anyone else."""
    if not path.is_dir() or list(path.glob("models/[!.]*.pt")):
        return False
    known = {each for pattern in OURS for each in path.glob(pattern)}
    return all(each in known for each in path.iterdir())


def _clear(path: Path) -> None:
    """Empty the folder of an experiment but for its lock."""
    for each in path.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name != ".lock":
            each.unlink()
