"""From messages to what the window shows of them. Pure: takes anything with the fields of the messages.

The instant at which a message came is the caller's: ages are by the steady clock of this machine, not by stamps, so
that a wrong clock elsewhere makes nothing look stale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from muse_ros.recording.session import Outcome, State
from muse_ros.window.view import EpisodeView, Level, PolicyView, StreamView

LIMITS = {
    "WORKSPACE": "workspace",
    "JOINT_POSITION": "joint position",
    "JOINT_VELOCITY": "joint speed",
    "CARTESIAN_SPEED": "tool speed",
    "STEP_SIZE": "step size",
    "NOT_FINITE": "action not finite",
    "STALE": "action too old",
    "UNREACHABLE": "out of reach",
    "SINGULARITY": "singularity",
}
"""What acts, in words. Holding without a deadman and the latched stop are shown elsewhere, and acceleration and jerk
nowhere: they shape every start and every turn, and a light that is always lit is not looked at."""

POLICY_STATES = ("INACTIVE", "WAITING", "ACTING", "SHADOW", "HOLDING", "STOPPED", "TAKEN_OVER")


def makes_sense(status: Any) -> bool:
    """Whether an EpisodeStatus has a state, a label and counts that can be: anybody can publish anything."""
    counts = status.successes + status.failures <= status.kept
    return status.state in set(State) and status.outcome in set(Outcome) and counts


def finite(value: float) -> float:
    """The number, or 0 where it is none: it is only to be shown."""
    return value if math.isfinite(value) else 0.0


def too_old(age_s: float, allowed_s: float) -> float | None:
    """An age [s], rounded to what is shown, where it is above what is allowed; None where it is not."""
    return round(age_s, 1) if age_s > allowed_s else None


def episode_view(status: Any, silent_s: float | None) -> EpisodeView:
    """What an EpisodeStatus that makes sense says."""
    return EpisodeView(
        known=True,
        silent_s=silent_s,
        state=State(status.state),
        episode_id=status.episode_id,
        index=status.episode_index,
        elapsed_s=round(max(0.0, finite(status.elapsed)), 1),
        outcome=Outcome(status.outcome),
        degraded=status.degraded,
        alarm=status.alarm,
        kept=status.kept,
        discarded=status.discarded,
        successes=status.successes,
        failures=status.failures,
        free_disk_gb=round(finite(status.free_disk), 1),
        legal_verbs=tuple(status.legal_verbs),
        texts=tuple(texts_of(status).items()),
        message=status.message,
    )


def texts_of(status: Any) -> dict[str, str]:
    """The texts that can be typed in, by field."""
    seed = "" if status.seed < 0 else str(status.seed)
    return {"note": status.note, "task": status.task, "operator": status.operator_name, "seed": seed}


def stream_views(status: Any) -> tuple[StreamView, ...]:
    """The streams of an EpisodeStatus; a problem is told without the topic that it stands below."""
    return tuple(
        StreamView(
            topic=each.topic,
            level=Level(each.level) if each.level in set(Level) else Level.MISSING,
            problem=each.problem.removeprefix(f"{each.topic}: "),
            rate_hz=round(finite(each.rate)),
            expected_hz=round(finite(each.expected_rate)),
        )
        for each in status.streams
    )


def limit_words(limited_by: int, bits: Mapping[str, int]) -> tuple[str, ...]:
    """The limits that act, in words.

    Args:
        limited_by: The bit mask of an AppliedAction.
        bits: The message's constants by name.
    """
    return tuple(words for name, words in LIMITS.items() if limited_by & bits[name])


def policy_view(status: Any, silent_s: float | None) -> PolicyView:
    """What a PolicyStatus says."""
    latency_s = status.wait + status.assembly + status.inference + status.publish
    rate_hz = 1.0 / status.period if status.period > 0 else 0.0
    state = POLICY_STATES[status.state] if status.state < len(POLICY_STATES) else f"STATE {status.state}"
    return PolicyView(state, status.reason, finite(rate_hz), finite(1e3 * latency_s), silent_s)


def twist_of(action: Any) -> tuple[float, ...] | None:
    """The velocity that an ``ee_delta`` Action asks for: x y z [m/s], about x y z [rad/s]; None for any other."""
    if action.action_space != action.EE_DELTA or len(action.values) != 7 or action.period <= 0:
        return None
    return tuple(finite(value / action.period) for value in list(action.values)[:6])
