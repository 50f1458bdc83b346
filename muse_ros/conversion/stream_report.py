"""Sync quality of a recording: per stream its rate, gaps and delays, per key the age of the samples that rows used.

Pure arithmetic on stamps; imports no ROS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muse_ros.contract.sample_buffer import SampleBuffer
from muse_ros.conversion.text_table import text_table

GAP_FACTOR = 2.5
CLOCK_DRIFT_S = 0.05


def stream_figures(buffer: SampleBuffer, start_ns: int, stop_ns: int) -> dict[str, Any]:
    """Figures of one topic within an episode.

    Returns:
        count; ``rate_hz`` (from the median interval; None below two samples); gaps (intervals of more than 2.5 medians)
        and the longest interval [s]; ``delay_s``: received minus stamped, p50, p95 and max; and of the whole bag:
        duplicates, out_of_order, zero_stamps.
    """
    samples = buffer.between(start_ns, stop_ns + 1)
    stamps = np.array([sample.stamp_ns for sample in samples], np.int64)
    delays = np.array([sample.received_ns for sample in samples], np.int64) - stamps
    intervals = np.diff(stamps) * 1e-9
    median = float(np.median(intervals)) if len(intervals) else 0.0
    return {
        "count": len(stamps),
        "rate_hz": round(1.0 / median, 3) if median else None,
        "gaps": int((intervals > GAP_FACTOR * median).sum()) if median else 0,
        "longest_s": round(float(intervals.max()), 6) if len(intervals) else None,
        "delay_s": percentiles(delays * 1e-9),
        "duplicates": buffer.counts.duplicates,
        "out_of_order": buffer.counts.out_of_order,
        "zero_stamps": buffer.counts.zero_stamps,
    }


def clock_note(topic: str, buffer: SampleBuffer) -> str | None:
    """A sentence where the publisher's clock moved against the recorder's between the bag's start and its end."""
    delays = np.array([sample.received_ns - sample.stamp_ns for sample in buffer], np.int64) * 1e-9
    if len(delays) < 20:
        return None
    tenth = max(5, len(delays) // 10)
    moved = float(np.median(delays[-tenth:]) - np.median(delays[:tenth]))
    if abs(moved) < CLOCK_DRIFT_S:
        return None
    return (
        f"the clock of {topic} moved by {-moved * 1e3:+.0f} ms against the recorder's; are the computers synchronised?"
    )


def percentiles(values: np.ndarray) -> dict[str, float] | None:
    """p50, p95 and max of some seconds, rounded to a microsecond; None of none."""
    if not len(values):
        return None
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), 6), "p95": round(float(p95), 6), "max": round(float(values.max()), 6)}


def table(streams: Mapping[str, Mapping[str, Any]]) -> str:
    """The report as text: one line per key, ages in milliseconds."""
    head = ("key", "topic", "Hz", "samples", "gaps", "longest s", "age p50", "p95", "max ms", "late", "dup", "rows")
    lines = [head]
    for key, figures in streams.items():
        age = figures.get("age_s") or {}
        lines.append(
            (
                key,
                figures["topic"],
                _number(figures.get("rate_hz"), 1),
                str(figures["count"]),
                str(figures["gaps"]),
                _number(figures.get("longest_s"), 3),
                *(_number(age[name] * 1e3 if age else None, 1) for name in ("p50", "p95", "max")),
                str(figures.get("late", "")),
                str(figures["duplicates"]),
                str(figures["rows"]),
            )
        )
    return text_table(lines, left=2)


def merged(episodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of one topic over several episodes: sums, extremes, and the median of the rates."""
    rates = [figures["rate_hz"] for figures in episodes if figures["rate_hz"]]
    longest = [figures["longest_s"] for figures in episodes if figures["longest_s"] is not None]
    delays = [figures["delay_s"] for figures in episodes if figures["delay_s"]]
    sums = ("count", "gaps", "duplicates", "out_of_order", "zero_stamps")
    return {
        **{name: sum(figures[name] for figures in episodes) for name in sums},
        "rate_hz": round(float(np.median(rates)), 3) if rates else None,
        "longest_s": max(longest, default=None),
        "delay_max_s": max((delay["max"] for delay in delays), default=None),
    }


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
