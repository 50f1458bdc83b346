"""What an evaluation found, as plain numbers: successes, the rate with its interval, times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from muse_core.evaluation.rollout import EpisodeResult
from muse_core.metrics.intervals import wilson_interval


def summarize(results: Sequence[EpisodeResult]) -> dict[str, Any]:
    """Figures over all episodes, and one entry for each.

    Returns:
        ``episodes``, ``successes``, ``success_rate``, ``wilson_95`` (low, high), ``steps`` (mean over the successes),
        ``inference_ms`` (p50, p95, p99, max) and ``results`` (seed, success, steps by episode, in order of the seeds).
    """
    ordered = sorted(results, key=lambda r: r.seed)
    successes = sum(r.success for r in ordered)
    times = np.array([t for r in ordered for t in r.inference_ms])
    lengths = [r.steps for r in ordered if r.success]
    return {
        "episodes": len(ordered),
        "successes": successes,
        "success_rate": successes / len(ordered) if ordered else 0.0,
        "wilson_95": list(wilson_interval(successes, len(ordered))),
        "steps": float(np.mean(lengths)) if lengths else None,
        "inference_ms": percentiles(times),
        "results": [{"seed": r.seed, "success": r.success, "steps": r.steps} for r in ordered],
    }


def percentiles(values: np.ndarray) -> dict[str, float] | None:
    """Median, 95th and 99th percentile and maximum; nothing of nothing."""
    if not len(values):
        return None
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": float(values.max())}


def headline(summary: dict[str, Any]) -> str:
    """One line for people: ``93 of 100 succeeded: 93.0 %, 95 % interval 86.3 .. 96.6 %``."""
    low, high = summary["wilson_95"]
    return (
        f"{summary['successes']} of {summary['episodes']} succeeded: {100 * summary['success_rate']:.1f} %, "
        f"95 % interval {100 * low:.1f} .. {100 * high:.1f} %"
    )
