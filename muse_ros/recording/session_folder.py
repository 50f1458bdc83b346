"""Where a session's episodes lie on disk, and how they move: recording, kept, discarded.

``<root>/<session>/<episode>.recording/`` while it is written, ``<episode>/`` once kept, ``.discarded/<episode>/`` once
discarded. Every move is one rename, so a crash leaves an episode in one place or the other. Imports no ROS.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from muse_core.files import sync_folder, write_text
from muse_ros.bags.writer import UNFINISHED_SUFFIX

EPISODE_FILE = "episode.json"
DISCARDED_FOLDER = ".discarded"
BAG_SUFFIXES = {".mcap", ".db3"}
_NUMBERED = re.compile(r"episode_(\d+)")


class SessionFolder:
    """The folder of one recording session."""

    def __init__(self, root: str | Path, session: str) -> None:
        """Nothing is made yet.

        Raises:
            ValueError: if `session` is not a plain folder name.
        """
        if not session or Path(session).name != session or session.startswith("."):
            raise ValueError(f"session must be a plain folder name such as monday, got {session!r}")
        self.session = session
        self.path = Path(root).expanduser() / session

    def make(self) -> None:
        """Make the folder where it is missing.

        Raises:
            OSError: if that is not possible, naming the folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if not os.access(self.path, os.W_OK):
            raise PermissionError(f"{self.path} cannot be written; choose another root_dir")

    def recording(self, episode_id: str) -> Path:
        """Folder of an episode that is being recorded or was cut short."""
        return self.path / f"{episode_id}{UNFINISHED_SUFFIX}"

    def filed(self, episode_id: str, kept: bool) -> Path:
        """Folder of an episode that has been decided about."""
        return self.path / episode_id if kept else self.path / DISCARDED_FOLDER / episode_id

    def next_index(self) -> int:
        """One more than the highest episode number in use, whatever became of the episode."""
        places = [self.path, self.path / DISCARDED_FOLDER]
        names = [entry.name for place in places if place.is_dir() for entry in place.iterdir()]
        numbers = [int(match[1]) for name in names if (match := _NUMBERED.match(name))]
        return max(numbers, default=-1) + 1

    def newest_seed(self) -> int:
        """The highest seed of all episodes, whatever became of them; -1 where none has one."""
        places = (self.path.glob("episode_*"), self.path.glob(f"{DISCARDED_FOLDER}/episode_*"))
        return max((_field(path, "seed", -1) for place in places for path in place), default=-1)

    def counts(self) -> dict[str, int]:
        """Episodes kept, discarded and (kept ones) labelled a success or a failure, as they lie on disk."""
        kept = [path for path in self.path.glob("episode_*") if path.suffix != UNFINISHED_SUFFIX]
        outcomes = [_field(path, "outcome", "") for path in kept]
        return {
            "kept": len(kept),
            "discarded": len(list(self.path.glob(f"{DISCARDED_FOLDER}/episode_*"))),
            "successes": outcomes.count("success"),
            "failures": outcomes.count("failure") + outcomes.count("fault"),
        }

    def cut_short(self) -> list[Path]:
        """Episodes that still have their recording name: a crash or an interruption left them."""
        return sorted(self.path.glob(f"*{UNFINISHED_SUFFIX}")) if self.path.is_dir() else []

    def missing(self, episode_id: str) -> str:
        """Why there is nothing to keep of an episode that is being recorded; empty where its bag is there."""
        folder = self.recording(episode_id)
        if any(BAG_SUFFIXES & {*path.suffixes} for path in folder.glob("*")):
            return ""
        return f"the bag in {folder} is gone: somebody deleted or moved it while it was recorded"

    def drop_remains(self, episode_id: str) -> None:
        """Delete what a writer left of an episode whose bag is gone; nothing where there is a bag."""
        if self.missing(episode_id):
            shutil.rmtree(self.recording(episode_id), ignore_errors=True)

    def file(self, episode_id: str, kept: bool) -> Path:
        """Move a recorded episode to the kept or to the discarded ones.

        Raises:
            OSError: if it cannot be moved; it is then where it was.
        """
        return self._move(self.recording(episode_id), self.filed(episode_id, kept))

    def refile(self, episode_id: str, kept: bool) -> Path:
        """Move an episode that has been decided about to the other side.

        Raises:
            OSError: if it cannot be moved; it is then where it was.
        """
        return self._move(self.filed(episode_id, not kept), self.filed(episode_id, kept))

    def relabel(self, episode_id: str, outcome: str) -> None:
        """Write another label into a kept episode's file.

        Raises:
            OSError: if it cannot be written; the old label then stands.
        """
        folder = self.filed(episode_id, kept=True)
        write_episode_file(folder, {**read_episode_file(folder), "outcome": outcome})

    def _move(self, source: Path, target: Path) -> Path:
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            raise FileExistsError(f"{target} exists already; {source} stays where it is")
        source.rename(target)
        sync_folder(target.parent)
        sync_folder(source.parent)
        return target


def _field(folder: Path, name: str, default: Any) -> Any:
    """A field of an episode's file; `default` where the file is missing or damaged, as after a full disk."""
    try:
        found = read_episode_file(folder).get(name)
    except ValueError:
        return default
    return found if isinstance(found, type(default)) else default


def write_episode_file(folder: Path, content: dict[str, Any]) -> None:
    """Write ``episode.json`` into an episode's folder, whole or not at all."""
    write_text(folder / EPISODE_FILE, json.dumps(content, indent=2) + "\n")


def read_episode_file(folder: Path) -> dict[str, Any]:
    """Read ``episode.json`` of an episode's folder; an empty mapping where there is none."""
    path = folder / EPISODE_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
