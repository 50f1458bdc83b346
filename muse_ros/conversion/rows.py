"""From ticks to the rows of a dataset: observation and action at t, reward for t + 1, done on the last.

Ticks without an observation or without an action become no rows: an episode is split there into segments, never padded
and never closed up, and every tick is accounted for. Imports no ROS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from muse_core.spec import ArraySpec, Spec
from muse_ros.contract.action_track import TELEOP, Label
from muse_ros.contract.assemble import Observation, Selection
from muse_ros.contract.contract import Contract
from muse_ros.conversion.bag_contents import BagContents
from muse_ros.conversion.spans import Span, Tick

POLICY_TYPES = {"teleop": 255, "policy": 253, "replay": 252}
INTERVENTIONS = "interventions"
NOT_BY_HAND = "not driven by a teleoperator"
MIN_ROWS = 2
Map = Callable[[Callable[[Selection], Observation], Sequence[Selection]], Iterable[Observation]]


@dataclass
class Row:
    """A tick on its way to becoming a row: complete when `problem` is None."""

    tick: Tick
    selection: Selection
    labels: dict[str, Label]
    problem: str | None
    observation: Observation | None = field(default=None, repr=False)


@dataclass(frozen=True)
class TickCounts:
    """What became of the ticks of an episode.

    Attributes:
        ticks: All of them.
        rows: Became rows.
        leading: Came before the first complete one.
        trailing: Came after the last complete one.
        gaps: Lie between segments.
        short: Were complete, in a segment too short to keep.
        reasons: Why ticks became no rows, with how many each.
    """

    ticks: int
    rows: int
    leading: int
    trailing: int
    gaps: int
    short: int
    reasons: dict[str, int]


def row_spec(contract: Contract) -> Spec:
    """Everything that a dataset of this contract holds: the contract's arrays and those that the converter makes."""
    keys = len(contract.observations)
    made = {
        "reward": ArraySpec((1,), "float32", "1 on the last row of a success, for the state after it", role="output"),
        "done": ArraySpec((), "bool", "last row of the segment", role="output"),
        "rollout_timestep": ArraySpec((), "int64", "rows since the segment's first", role="output"),
        "policy_type": ArraySpec((1,), "uint8", "255 teleop, 253 policy, 252 replay, 0 other", role="output"),
        "policy_switch": ArraySpec((1,), "bool", "who acts has changed since the row before", role="output"),
        "segment": ArraySpec((1,), "int32", "number of the segment in its episode", role="output"),
        "click_state": ArraySpec((1,), "bool", "the operator clicked within this row's period", role="output"),
        "stamp_ns": ArraySpec((), "int64", "ns", role="output"),
        "sample_stamp_ns": ArraySpec((keys,), "int64", "ns; per observation key: stamp less latency_s", role="output"),
    }
    return Spec({**contract.spec(), **made})


def choose_rows(
    contents: BagContents, ticks: Sequence[Tick], stop_ns: int, trusted: set[str], only: str = ""
) -> list[Row]:
    """For every tick its samples and its action, or why it has none. Nothing is decoded yet but actions.

    Args:
        contents: The recording.
        ticks: Its instants, in order.
        stop_ns: Actions stamped after this belong to no row [ns].
        trusted: Observation keys for which the samples that a live tick used are used again.
        only: ``interventions``: what nobody but a teleoperator drove becomes rows; empty: all.
    """
    period_ns = round(1e9 / contents.contract.rate_hz)
    rows = []
    for place, tick in enumerate(ticks):
        following = ticks[place + 1].stamp_ns if place + 1 < len(ticks) else tick.stamp_ns + period_ns
        end_ns = min(following, tick.stamp_ns + period_ns, stop_ns + 1)
        used = tick.live.samples_ns if tick.live else {}
        limits = {key: stamp for key, stamp in used.items() if key in trusted}
        selection = contents.assembler.select(tick.stamp_ns, limits)
        labels, problem = {}, next(iter(selection.missing.values()), None)
        for key, track in contents.actions.items():
            label = track.label(tick.stamp_ns, end_ns)
            if isinstance(label, Label):
                labels[key] = label
            else:
                problem = problem or label
        if only == INTERVENTIONS and any(label.source != TELEOP for label in labels.values()):
            problem = problem or NOT_BY_HAND
        rows.append(Row(tick, selection, labels, problem))
    return rows


def decode_rows(contents: BagContents, rows: Sequence[Row], apply: Map) -> None:
    """Decode the observations of complete rows; `apply` is ``map``, or a thread pool's."""
    wanted = [row for row in rows if row.problem is None]
    observations = apply(contents.assembler.decode, [row.selection for row in wanted])
    for row, observation in zip(wanted, observations, strict=True):
        row.observation = observation
        row.problem = next(iter(observation.missing.values()), None)


def split(rows: Sequence[Row], rate_hz: float) -> tuple[list[list[Row]], TickCounts]:
    """The segments: runs of complete rows one period apart, of at least two rows."""
    complete = [place for place, row in enumerate(rows) if row.problem is None]
    runs: list[list[Row]] = []
    last = None
    for place in complete:
        apart_ns = rows[place].tick.stamp_ns - rows[last].tick.stamp_ns if last is not None else 0
        if last != place - 1 or not runs or apart_ns > 1.5e9 / rate_hz:
            runs.append([])
        runs[-1].append(rows[place])
        last = place
    segments = [run for run in runs if len(run) >= MIN_ROWS]
    kept = sum(map(len, segments))
    leading = complete[0] if complete else len(rows)
    trailing = len(rows) - 1 - complete[-1] if complete else 0
    reasons = Counter(_kind(row.problem) for row in rows if row.problem is not None)
    counts = TickCounts(
        ticks=len(rows),
        rows=kept,
        leading=leading,
        trailing=trailing,
        gaps=len(rows) - leading - trailing - len(complete),
        short=len(complete) - kept,
        reasons=dict(reasons.most_common()),
    )
    return segments, counts


def segment_arrays(
    contents: BagContents, span: Span, segment: Sequence[Row], number: int, previous: Row | None, is_last: bool
) -> dict[str, np.ndarray]:
    """The arrays of one segment, as :func:`row_spec` describes them.

    Args:
        contents: The recording, for its contract and its clicks.
        span: The episode.
        segment: Complete, decoded rows.
        number: Which segment of the episode, from 0.
        previous: The last row of the segment before; None at the first.
        is_last: Whether the episode ends with it, so that a success is rewarded.
    """
    length = len(segment)
    contract = contents.contract
    observations = [row.observation for row in segment if row.observation is not None]
    arrays = {key: np.stack([each.arrays[key] for each in observations]) for key in contract.observations}
    arrays |= {key: np.stack([row.labels[key].values for row in segment]) for key in contract.actions}
    stamps = np.array([row.tick.stamp_ns for row in segment], np.int64)
    types = np.array([_policy_type(row) for row in segment], np.uint8)
    before = types[0] if previous is None else _policy_type(previous)
    clicks = np.array([event.stamp_ns for event in contents.events if event.name == "click"], np.int64)
    click_rows = np.searchsorted(stamps, clicks, side="right") - 1
    inside = (click_rows >= 0) & (clicks < stamps[-1] + round(1e9 / contract.rate_hz))
    last = np.arange(length) == length - 1
    return {
        **arrays,
        "reward": (last & bool(span.success and is_last)).astype(np.float32)[:, None],
        "done": last,
        "rollout_timestep": np.arange(length, dtype=np.int64),
        "policy_type": types[:, None],
        "policy_switch": (types != np.concatenate([[before], types[:-1]]))[:, None],
        "segment": np.full((length, 1), number, np.int32),
        "click_state": np.isin(np.arange(length), click_rows[inside])[:, None],
        "stamp_ns": stamps,
        "sample_stamp_ns": np.array(
            [[each.stamps_ns[key] for key in contract.observations] for each in observations], np.int64
        ),
    }


def _policy_type(row: Row) -> int:
    label = next(iter(row.labels.values()), None)
    return POLICY_TYPES.get(label.source, 0) if label else 0


def _kind(problem: str | None) -> str:
    """A problem without its figures, so that like ones are counted together."""
    return str(problem).split(" is ")[0] + " is too old" if " s old" in str(problem) else str(problem)
