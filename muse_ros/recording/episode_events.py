"""What can happen to a recording session (events) and what is to be done about it (effects).

Plain values between the state machine of ``episodes.py``, which turns the first into the second, and the collect node,
which gathers the first and carries out the second. Imports neither ROS nor any file handling.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """Somebody asks for one of ``session.VERBS`` at `now_ns` on the node's clock; `seed` is a simulated reset's."""

    name: str
    now_ns: int
    seed: int | None = None


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


@dataclass(frozen=True)
class Alarms:
    """The streams of the running episode were looked at.

    Attributes:
        begun: What the alarms that begin now say.
        ended: Topics of the alarms that end now.
        standing: What all alarms say that stand now.
        now_ns: Now [ns].
        abort: An alarm ends the episode.
    """

    begun: tuple[str, ...]
    ended: tuple[str, ...]
    standing: tuple[str, ...]
    now_ns: int
    abort: bool = False


@dataclass(frozen=True)
class End:
    """The running episode must end, undecided: the disk runs short, say."""

    reason: str
    now_ns: int


@dataclass(frozen=True)
class Heard:
    """Another node published an EpisodeEvent that belongs to this moment."""

    event: str
    detail: str
    now_ns: int


@dataclass(frozen=True)
class ResetDone:
    """A reset has come to its end.

    Attributes:
        failure: Why it failed; empty where it did not.
        to_prepare: What it leaves to the operator; empty where nothing.
    """

    failure: str = ""
    to_prepare: str = ""


Event = Verb | Gate | Opened | Filed | Failed | Interrupted | Alarms | End | Heard | ResetDone


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


@dataclass(frozen=True)
class Relabel:
    """Write another label into a kept episode."""

    episode_id: str
    outcome: str


@dataclass(frozen=True)
class Reset:
    """Begin to reset arm and scene, a simulated one with `seed` (None: the next one); ``ResetDone`` follows later."""

    seed: int | None = None


Effect = OpenBag | Mark | EndData | FileBag | LeaveBag | MoveEpisode | Relabel | Reset
