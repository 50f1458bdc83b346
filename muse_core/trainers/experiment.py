"""The folder of one experiment: config, git state, log, metrics and models. Nothing in it is left half written."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from pathlib import Path
from typing import Any, TextIO

from muse_core.configs import TrainConfig
from muse_core.files import write_text

logger = logging.getLogger(__name__)


class ExperimentError(RuntimeError):
    """An experiment that cannot be begun or gone on with; the message says what to do."""


class Experiment:
    """``experiments/<name>/``: ``config.json``, ``git/``, ``log.txt``, ``metrics.jsonl``, TensorBoard, ``models/``."""

    def __init__(self, path: Path) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self.path = path
        self._metrics: TextIO | None = None
        self._log: logging.Handler | None = None

    @classmethod
    def create(cls, path: str | Path, config: TrainConfig) -> Experiment:
        """Begin a new experiment.

        Raises:
            ExperimentError: when there is one of that name already.
        """
        path = Path(path)
        if path.exists():
            raise ExperimentError(cls.exists_message(path))
        commit, diff = git_state()
        experiment = cls(path)
        try:
            (path / "models").mkdir(parents=True)
            write_text(path / "config.json", config.to_json() + "\n")
            write_text(path / "git" / "commit.txt", commit + "\n")
            write_text(path / "git" / "diff.txt", diff)
            experiment._start()
        except BaseException:
            experiment.remove()
            raise
        return experiment

    @classmethod
    def open(cls, path: str | Path, step: int) -> Experiment:
        """Go on with an experiment from `step`: metrics of later steps, which will be taken again, are forgotten.

        Raises:
            ExperimentError: when the folder holds none that can go on.
        """
        path = Path(path)
        if not (path / "models" / "model.pt").is_file():
            raise ExperimentError(f"cannot resume {path}: there is no {path / 'models' / 'model.pt'}")
        experiment = cls(path)
        experiment._forget_after(step)
        experiment._start()
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

    def log_metrics(self, step: int, scalars: dict[str, Any]) -> None:
        """Append one line to ``metrics.jsonl``."""
        if self._metrics is not None:
            self._metrics.write(json.dumps({"step": step, **scalars}) + "\n")
            self._metrics.flush()

    def close(self) -> None:
        """Close the log and the metrics. Safe to call twice."""
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None
        if self._log is not None:
            logging.getLogger("muse_core").removeHandler(self._log)
            self._log.close()
            self._log = None

    def remove(self) -> None:
        """Close it and delete its folder: for a start that failed."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def _forget_after(self, step: int) -> None:
        path = self.path / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        # A line that a crash cut short has no newline.
        write_text(path, "".join(n for n in lines if n.endswith("\n") and json.loads(n)["step"] <= step))

    def _start(self) -> None:
        self._metrics = (self.path / "metrics.jsonl").open("a", encoding="utf-8")
        self._log = logging.FileHandler(self.path / "log.txt", encoding="utf-8")
        self._log.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logging.getLogger("muse_core").addHandler(self._log)


def git_state() -> tuple[str, str]:
    """Commit and uncommitted changes of the checkout that this code runs from; empty where it is no checkout."""
    folder = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        try:
            result = subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return result.stdout

    return git("rev-parse", "HEAD").strip(), git("diff", "HEAD")
