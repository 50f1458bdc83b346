"""`muse train` on a small made-up dataset, in this process and in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.environments.registry import make_environment
from muse_core.spec import ArraySpec, Spec

ROOT = Path(__file__).resolve().parents[3]
CONFIG = str(ROOT / "config" / "train" / "sim" / "lift.py")
SMALL = ["--batch_size", "4", "--horizon", "4", "--model.hidden_size", "16", "--model.encoder.channels", "4", "4", "4"]
COMMON = ["--dataset", "tiny", "--threads", "1", "--device", "cpu"]


class Workplace:
    """The folder that holds `data` and that experiments go to; the working directory.

    Attributes:
        patience_s: How long a child may take: only a child that hangs takes so long, however busy the machine is.
    """

    patience_s = 600.0

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lift = [CONFIG, *COMMON, *SMALL]
        self.children: list[subprocess.Popen] = []

    def train(self, *arguments: str, config: bool = True) -> int:
        """Run `muse train` here, by default the small model on the made-up dataset; returns the exit status."""
        from muse_core.trainers.train import main

        return main([*(self.lift if config else []), *arguments])

    def begin(self, *arguments: str, processes: int = 1) -> subprocess.Popen:
        """Start `muse train`, or as many as torchrun starts, in a process of its own."""
        several = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"]
        command = [sys.executable, "-m", *(several if processes > 1 else []), "muse_core.trainers.train", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with self.log(len(self.children)).open("w") as log:
            child = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self.children.append(child)
        return child

    def log(self, number: int = -1) -> Path:
        """What the child of this number said."""
        return self.path / f"child_{number % len(self.children) if number < 0 else number}.log"

    def reached(self, child: subprocess.Popen, name: str, step: int) -> bool:
        """Wait until an experiment has logged this step; False where its process ended before."""
        metrics = self.path / "experiments" / name / "metrics.jsonl"
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline and child.poll() is None:
            text = metrics.read_text() if metrics.exists() else ""
            if any(json.loads(line)["step"] >= step for line in text.splitlines(keepends=True) if line.endswith("\n")):
                return True
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.01)
        return False


@pytest.fixture
def workplace(tiny_dataset: EpisodeFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """Where `muse train` is run. What still runs at the end is killed."""
    place = Workplace(tiny_dataset.path.parents[1])
    monkeypatch.chdir(place.path)
    yield place
    for child in place.children:
        child.kill()
        child.wait()


@pytest.fixture
def train(workplace: Workplace) -> Callable[..., int]:
    """:meth:`Workplace.train`."""
    return workplace.train


@pytest.fixture
def point_dataset(tmp_path: Path) -> EpisodeFolder:
    """A few made-up episodes of the point mass, in ``data/points``."""
    environment = make_environment("point_mass")
    spec = Spec({**environment.observation_spec, **environment.action_spec})
    environment.close()
    folder = EpisodeFolder.create(tmp_path / "data" / "points", spec)
    rng = np.random.default_rng(0)
    for i in range(4):
        folder.add_episode(f"e{i}", spec.sample(rng, 20))
    return folder


@pytest.fixture
def uneven_dataset(tiny_dataset: EpisodeFolder) -> str:
    """A dataset of episodes of different lengths, some shorter than a window, with a key `mode` of 0 and 1."""
    spec = Spec({**tiny_dataset.spec, "mode": ArraySpec((1,), "int64", role="output")})
    folder = EpisodeFolder.create(tiny_dataset.path.with_name("uneven"), spec)
    for i in range(len(tiny_dataset)):
        length = 2 + i
        arrays = {name: np.array(array)[:length] for name, array in tiny_dataset.get_episode(i).arrays.items()}
        folder.add_episode(f"episode_{i}", {**arrays, "mode": np.arange(length)[:, None] // 3 % 2})
    return "uneven"
