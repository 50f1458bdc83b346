"""What can happen to a recording session (events) and what is to be done about it (effects).

Plain values between the state machine of ``episodes.py``, which turns the first into the second, and the collect node,
which gathers the first and carries out the second. Imports neither ROS nor any file handling.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """Somebody asks for one of ``episodes.VERBS`` at `now_ns` on the node's clock."""

    name: str
    now_ns: int


@dataclass(frozen=True)
class Gate:
    """What keeps an episode from starting, as of now; empty where nothing does."""

    problems: tuple[str, ...]


@dataclass(frozen=True)
class Opened:
    """The bag is open and everything that arrives is written: the episode begins at this instant."""

    now_ns: int


@dataclass(frozen=True)
class Filed:
    """The bag was closed and put in its place."""

    kept: bool


@dataclass(frozen=True)
class Failed:
    """An effect could not be carried out, or writing failed."""

    reason: str
    now_ns: int


@dataclass(frozen=True)
class Interrupted:
    """The process is about to end."""

    reason: str
    now_ns: int


Event = Verb | Gate | Opened | Filed | Failed | Interrupted


@dataclass(frozen=True)
class OpenBag:
    """Open a bag for this episode and write to it all that arrives; answer with ``Opened`` or ``Failed``."""

    episode_id: str


@dataclass(frozen=True)
class Mark:
    """Publish an EpisodeEvent, and write it to the open bag."""

    event: str
    stamp_ns: int
    detail: str = ""


@dataclass(frozen=True)
class EndData:
    """From now on only marks go to the bag."""


@dataclass(frozen=True)
class FileBag:
    """Close the bag if it is open and move the episode to where it belongs; answer with ``Filed`` or ``Failed``."""

    episode_id: str
    kept: bool


@dataclass(frozen=True)
class LeaveBag:
    """Close the bag and leave the episode under its recording name, with the reason in its ``episode.json``."""

    episode_id: str
    reason: str


@dataclass(frozen=True)
class MoveEpisode:
    """Move an episode that has been filed: back among the kept, or to the discarded."""

    episode_id: str
    kept: bool


Effect = OpenBag | Mark | EndData | FileBag | LeaveBag | MoveEpisode
