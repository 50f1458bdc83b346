"""Finds episodes on disk: the recorder's own folders and anybody's bags, with what is known about each. No ROS."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from muse_ros.bags.bags import is_bag
from muse_ros.bags.metadata import FILE_NAME
from muse_ros.bags.writer import UNFINISHED_SUFFIX
from muse_ros.recording.session_folder import DISCARDED_FOLDER, EPISODE_FILE

INCLUDE = ("failures", "unfinished", "discarded")


@dataclass(frozen=True)
class Recording:
    """One bag.

    Attributes:
        path: Its folder or file.
        id: Name of the episode, unique among those found together.
        info: The content of its ``episode.json``; empty where it has none.
        kind: ``kept``, ``unfinished`` (still being recorded, or cut short) or ``discarded``.
    """

    path: Path
    id: str
    info: dict[str, Any] = field(default_factory=dict)
    kind: str = "kept"

    @property
    def success(self) -> bool | None:
        """The label: True for a success, False for a failure or a fault of the arm, None where nobody said."""
        return {"success": True, "failure": False, "fault": False}.get(str(self.info.get("outcome", "")).lower())

    @property
    def namespace(self) -> str:
        """Where the robot's topics lie, as the recorder noted it; empty for the root, and where nothing is noted."""
        return str(self.info.get("namespace") or "").strip("/")

    @property
    def excluded_as(self) -> str | None:
        """The word of ``INCLUDE`` that this recording needs to be converted; None where it needs none."""
        if self.kind != "kept":
            return self.kind
        return "failures" if self.success is False else None


def find_recordings(paths: Sequence[str | Path]) -> list[Recording]:
    """Every bag in these folders, at any depth, in the order of their ids.

    Raises:
        FileNotFoundError: if a path does not exist, or nowhere is a bag.
    """
    found: dict[Path, Recording] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder")
        for bag in _bags_below(path):
            found.setdefault(bag.resolve(), _recording(bag))
    if not found:
        raise FileNotFoundError(f"no bag in {', '.join(map(str, paths))}; record some with `muse up collect`")
    return sorted(_with_unique_ids(found.values()), key=lambda recording: recording.id)


def fingerprint(recording: Recording) -> str:
    """SHA-256 of all files of a recording: changes with its messages and with its label."""
    files = [recording.path]
    if recording.path.is_dir():
        files = sorted(path for path in recording.path.iterdir() if path.is_file() and not path.name.startswith("."))
    whole = hashlib.sha256()
    for path in files:
        one = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(1 << 22):
                one.update(block)
        whole.update(path.name.encode() + b"\0" + one.digest())
    return whole.hexdigest()


def _bags_below(path: Path) -> list[Path]:
    if is_bag(path):
        return [path]
    if not path.is_dir():
        return []
    children = sorted(child for child in path.iterdir() if child.is_dir() or is_bag(child))
    return [bag for child in children for bag in _bags_below(child)]


def _recording(path: Path) -> Recording:
    info = _info(path / EPISODE_FILE) if path.is_dir() else {}
    name = path.name.removesuffix(UNFINISHED_SUFFIX) if path.is_dir() else path.stem
    session = str(info.get("session") or "")
    if not info and (path / EPISODE_FILE).exists():  # damaged: the recorder's folders still say what it is
        session = next(part for part in reversed(path.resolve().parts[:-1]) if part != DISCARDED_FOLDER)
    kind = "kept"
    if DISCARDED_FOLDER in path.parts:
        kind = "discarded"
    elif path.name.endswith(UNFINISHED_SUFFIX):
        kind = "unfinished"
    return Recording(path, _legal(f"{session}-{info.get('episode') or name}" if session else name), info, kind)


def _info(path: Path) -> dict[str, Any]:
    """The recorder's file; a damaged one counts as none, the bag itself is what matters."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return info if isinstance(info, dict) else {}


def _legal(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip("._-") or "episode"


def _with_unique_ids(recordings: Iterable[Recording]) -> list[Recording]:
    """Where two bags have one name, the folders around them tell them apart; at last a number does."""
    recordings = list(recordings)
    for depth in (1, 2):
        counts = Counter(recording.id for recording in recordings)
        recordings = [
            replace(recording, id=_legal("-".join((*recording.path.resolve().parts[-1 - depth : -1], recording.id))))
            if counts[recording.id] > 1
            else recording
            for recording in recordings
        ]
    seen: Counter[str] = Counter()
    unique = []
    for recording in recordings:
        seen[recording.id] += 1
        number = seen[recording.id]
        unique.append(recording if number == 1 else replace(recording, id=f"{recording.id}-{number}"))
    return unique


def bag_bytes(recording: Recording) -> int:
    """Size of a recording on disk, without its metadata [B]."""
    if recording.path.is_file():
        return recording.path.stat().st_size
    names = (EPISODE_FILE, FILE_NAME)
    return sum(path.stat().st_size for path in recording.path.iterdir() if path.is_file() and path.name not in names)
