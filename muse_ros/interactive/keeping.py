"""What becomes of kept episodes: converted at once, counted, and in the end assembled into one file.

Everything is done from what lies on disk, so that it can be done again: after a crash the same call goes on where the
last one stopped. Conversion is `muse convert` in a process of its own, lest it take time from whoever calls. No ROS.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.exchange.exchange import export_dataset
from muse_core.datasets.store import EpisodeStore
from muse_core.datasets.subset import EpisodeSubset
from muse_core.metrics.intervals import wilson_interval
from muse_ros.bags.writer import UNFINISHED_SUFFIX
from muse_ros.conversion.convert_cli import DONE, INTERRUPTED, SOME_REFUSED
from muse_ros.interactive.flags import Plan

HEADER = "dataset.json"
REDUCE: dict[str, Callable[[np.ndarray], float]] = {
    "sum": lambda rewards: float(rewards.sum()),
    "mean": lambda rewards: float(rewards.mean()),
    "max": lambda rewards: float(rewards.max()),
    "min": lambda rewards: float(rewards.min()),
}


class KeepingError(RuntimeError):
    """A kept episode could not be converted; the message says where it lies and what the converter said."""


@dataclass(frozen=True)
class Kept:
    """One kept episode, converted.

    Attributes:
        recording: Its name.
        ids: Its segments in the dataset.
        rows: Of all of them.
        success: Its label; None without one.
    """

    recording: str
    ids: tuple[str, ...]
    rows: int
    success: bool | None


@dataclass(frozen=True)
class Tally:
    """What has been kept so far."""

    episodes: tuple[Kept, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all episodes."""
        return sum(kept.rows for kept in self.episodes)

    def enough(self, plan: Plan) -> bool:
        """Whether no more is wanted."""
        return self.rows >= plan.max_steps or (plan.max_eps is not None and len(self.episodes) >= plan.max_eps)

    def text(self, plan: Plan) -> str:
        """One line for an operator."""
        successes = sum(kept.success is True for kept in self.episodes)
        labelled = sum(kept.success is not None for kept in self.episodes)
        rate = "none labelled"
        if labelled:
            low, high = wilson_interval(successes, labelled)
            share = f"{successes / labelled:.0%}, 95 % interval {low:.0%} to {high:.0%}"
            rate = f"{successes} of {labelled} succeeded ({share})"
        of = f" of {plan.max_eps}" if plan.max_eps is not None else ""
        return f"{len(self.episodes)}{of} episodes kept, {rate}; {self.rows} of {plan.max_steps} rows"


class Keeper:
    """The kept episodes of one session.

    Args:
        plan: Where they go.
        recordings: Folder of the session.
    """

    def __init__(self, plan: Plan, recordings: Path) -> None:
        self._plan, self._recordings = plan, recordings
        self._converter: subprocess.Popen | None = None

    def convert(self) -> Tally:
        """Bring the dataset up to date with the kept episodes, failures among them; what was undone leaves it.

        Raises:
            KeepingError: when an episode does not convert. It is safe where it was recorded.
        """
        bags = [p for p in self._recordings.glob("episode_*") if p.suffix != UNFINISHED_SUFFIX]
        if not bags and not (self._plan.dataset / HEADER).is_file():
            return Tally()
        command = [sys.executable, "-m", "muse_ros.command", "convert", str(self._recordings)]
        command += ["-o", str(self._plan.dataset), "--include", "failures", "--workers", "1"]
        self._converter = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        _, said = self._converter.communicate()
        status = self._converter.returncode
        if status == INTERRUPTED or status < 0:
            return self.tally()
        if status not in (DONE, SOME_REFUSED) and bags:
            raise KeepingError(f"{self._recordings} is not converted: {said.strip() or f'exit status {status}'}")
        if status == SOME_REFUSED:
            raise KeepingError(f"not all of {self._recordings} is converted: {_refusals(said)}")
        return self.tally()

    def stop(self) -> None:
        """End a conversion that runs; what it has not done, the next one does."""
        if self._converter is not None and self._converter.poll() is None:
            self._converter.terminate()

    def tally(self) -> Tally:
        """What the dataset holds of this session."""
        if not (self._plan.dataset / HEADER).is_file():
            return Tally()
        folder = EpisodeFolder.open(self._plan.dataset)
        found: dict[str, list[str]] = {}
        for name in folder.ids:
            found.setdefault(str(folder.metadata(name).get("recording", name)), []).append(name)
        lengths = dict(zip(folder.ids, folder.lengths.tolist(), strict=True))
        return Tally(
            tuple(
                Kept(recording, tuple(ids), sum(lengths[i] for i in ids), folder.metadata(ids[0]).get("success"))
                for recording, ids in found.items()
            )
        )

    def returns(self, kept: Kept) -> float:
        """The rewards of an episode, reduced as the plan says."""
        folder = EpisodeFolder.open(self._plan.dataset)
        rewards = [np.asarray(folder.get_episode(name, ["reward"]).arrays["reward"]) for name in kept.ids]
        return REDUCE[self._plan.returns or "sum"](np.concatenate(rewards))

    def last_observation(self, kept: Kept) -> dict[str, list[float]]:
        """The numbers, not the pictures, of the last observation of an episode."""
        folder = EpisodeFolder.open(self._plan.dataset)
        episode = folder.get_episode(kept.ids[-1])
        names = [n for n, a in folder.spec.items() if a.role == "observation" and len(a.shape) == 1]
        return {name: np.asarray(episode.arrays[name][-1], np.float64).round(4).tolist() for name in names}

    def assemble(self) -> list[Path]:
        """Write the file, or the files, that the kept episodes become; returns those written now.

        What is newer than the dataset already is left as it is.

        Raises:
            OSError: when a file cannot be written; what was there before is as it was.
        """
        tally = self.tally()
        if not tally.episodes:
            return []
        folder = EpisodeFolder.open(self._plan.dataset)
        wanted: dict[Path, EpisodeStore] = {self._plan.save_file: folder}
        if self._plan.episodic:
            wanted = {self._plan.file_of(i): EpisodeSubset(folder, kept.ids) for i, kept in enumerate(tally.episodes)}
        written = [path for path, store in wanted.items() if not self._is_current(path, store)]
        for path in written:
            path.parent.mkdir(parents=True, exist_ok=True)
            export_dataset(wanted[path], path)
        return written

    def _is_current(self, path: Path, store: EpisodeStore) -> bool:
        """Whether a file is newer than the episodes that it is to hold, and than the last that came or went."""
        if not path.is_file():
            return False
        changed = [self._plan.dataset, *(self._plan.dataset / name for name in store.ids)]
        return path.stat().st_mtime_ns > max(each.stat().st_mtime_ns for each in changed)


def _refusals(said: str) -> str:
    lines = [line.removeprefix("refused ") for line in said.splitlines() if line.startswith("refused ")]
    return "; ".join(lines) or said.strip()
