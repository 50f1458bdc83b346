"""The content of ``episode.json``: what an episode shows, how it ended, what its bag holds and what made it.

Plain data from plain arguments. Imports no ROS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from muse_ros.contract.contract import Contract
from muse_ros.recording.recorder import Recording
from muse_ros.recording.session import Session

SCHEMA_VERSION = 1
_NS_PER_S = 1e9


@dataclass(frozen=True)
class Description:
    """What the operator says about an episode.

    Attributes:
        task: What is shown.
        operator: Who shows it.
        note: Anything else about this one episode.
        seed: Seed of the simulated reset before it; -1 where there was none.
    """

    task: str = ""
    operator: str = ""
    note: str = ""
    seed: int = -1


@dataclass(frozen=True)
class Setting:
    """What all episodes of a session have in common.

    Attributes:
        session: The session's name.
        contract: The contract that the recordings are audited by.
        clock: ``system`` or ``simulated``: what all stamps and times are on.
        namespace: Where the recorded nodes and topics live; ``/`` is the root.
        software: Versions of what makes the recordings.
    """

    session: str
    contract: Contract
    clock: str
    namespace: str
    software: Mapping[str, str | None]


def episode_content(
    setting: Setting,
    session: Session,
    description: Description,
    recording: Recording,
    left_out: Mapping[str, str],
    shortcomings: Sequence[str] = (),
    cut_short: str = "",
    complete: bool = True,
) -> dict[str, Any]:
    """The mapping that ``episode.json`` holds.

    Args:
        setting: What all episodes of the session have in common.
        session: The state machine's memory.
        description: What the operator says.
        recording: Figures of the bag.
        left_out: Topics that were not recorded, with the reason.
        shortcomings: What makes it a degraded episode; empty where it is whole.
        cut_short: Why the episode did not end as it should; empty where it did.
        complete: The bag is closed, and the figures are final.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "episode": session.episode_id,
        "index": session.episode_index,
        "session": setting.session,
        "task": description.task,
        "operator": description.operator,
        "note": description.note,
        "seed": None if description.seed < 0 else description.seed,
        "outcome": session.outcome.name.lower(),
        "clock": setting.clock,
        "namespace": setting.namespace,
        "start_ns": session.start_ns,
        "stop_ns": session.stop_ns or None,
        "duration_s": (session.stop_ns - session.start_ns) / _NS_PER_S if session.stop_ns else None,
        "complete": complete,
        "cut_short": cut_short or None,
        "ended_because": session.ended_because or None,
        "degraded": bool(shortcomings),
        "degraded_because": list(shortcomings),
        "messages_lost": recording.lost,
        "topics": recording.to_dict(),
        "left_out": dict(sorted(left_out.items())),
        "contract_digest": setting.contract.digest(),
        "contract": setting.contract.to_dict(),
        "software": dict(setting.software),
    }
