"""One run of the demo as a value: what it does, where its files lie, and the commands of its stages. Starts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from muse_ros.resources import resource


@dataclass(frozen=True)
class Defaults:
    """What one task takes.

    Attributes:
        demonstrations: Episodes of the scripted expert to collect.
        minutes: Minutes of training, on 2 cores without a GPU.
        max_episode_s: An episode without success ends after this [s].
    """

    demonstrations: int
    minutes: float
    max_episode_s: float


DEFAULTS = {
    "reach": Defaults(60, 3.0, 6.0),
    "lift": Defaults(150, 7.0, 8.0),
    "place": Defaults(150, 10.0, 15.0),
    "coffee": Defaults(150, 20.0, 25.0),
}
ROBOTS = ("sim", "polymetis")
REAL_TIME_DEMONSTRATIONS = 50
"""At most so many by default where the arm makes its own time: each takes as long as it does, and a move home."""
EVALUATION_SEED = 100_000
"""Seed of the first evaluation episode: far from the demonstrations', which begin at 0."""
CONTRACT = "panda_sim"


@dataclass(frozen=True)
class Run:
    """One run of the demo: what it does and where its files lie.

    Attributes:
        task: The simulator's task.
        demonstrations: Episodes of the scripted expert to collect.
        minutes: Minutes of training.
        max_episode_s: An episode without success ends after this [s].
        episodes: Fresh seeds to evaluate on.
        name: Of its session, dataset and experiment.
        output: Folder of the report.
        robot: ``sim``, faster than real time; or ``polymetis``, the simulated arm behind a server on loopback.
    """

    task: str
    demonstrations: int
    minutes: float
    max_episode_s: float
    episodes: int
    name: str
    output: Path
    robot: str = "sim"

    @property
    def demonstration_session(self) -> Path:
        """Where the demonstrations are recorded."""
        return Path("recordings") / self.name

    @property
    def evaluation_session(self) -> Path:
        """Where the evaluation is recorded."""
        return Path("recordings") / f"{self.name}-eval"

    @property
    def dataset(self) -> Path:
        """The converted demonstrations."""
        return Path("data") / self.name

    @property
    def experiment(self) -> Path:
        """The training run."""
        return Path("experiments") / self.name

    def stages(self) -> dict[str, list[str]]:
        """Stage to the arguments of the ``muse`` command that it is."""
        common = [f"task:={self.task}", f"contract:={CONTRACT}", f"max_episode_s:={self.max_episode_s:g}"]
        common.append("window:=false")  # nobody leads: the expert and the policy do
        robot = ["robot:=polymetis", "loopback:=true"] if self.robot == "polymetis" else []
        common += robot
        fast = [] if robot else ["clock:=true"]
        return {
            "collect": [
                *("up", "collect", *common, "teleop:=expert", *fast),
                *(f"episodes:={self.demonstrations}", "seed:=0", f"session:={self.demonstration_session.name}"),
            ],
            "convert": ["convert", str(self.demonstration_session), "-o", str(self.dataset), "--contract", CONTRACT],
            "train": [
                *("train", str(_train_config(self.task)), "--dataset", self.dataset.name),
                *("--exp_name", self.experiment.name, "--max_minutes", f"{self.minutes:g}"),
            ],
            "evaluate": [
                *("up", "policy", *common, f"model_file:={self.experiment / 'models' / 'model.pt'}"),
                *(f"episodes:={self.episodes}", f"seed:={EVALUATION_SEED}"),
                f"session:={self.evaluation_session.name}",
            ],
        }


def _train_config(task: str) -> Path:
    """The task's training config: as one would type it in a checkout, else where it is installed."""
    name = Path("config/train/sim") / f"{task}.py"
    return name if name.is_file() else resource(str(name))
