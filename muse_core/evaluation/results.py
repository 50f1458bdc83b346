"""What an evaluation found, as plain numbers: successes, the rate with its interval, groups, comparisons, times."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.evaluation.config import RESULTS_FILE, EvaluationError
from muse_core.evaluation.rollout import EpisodeResult
from muse_core.metrics.comparison import compare_paired
from muse_core.metrics.groups import group_means, worst
from muse_core.metrics.intervals import wilson_interval

PRESET = "preset"


def summarize(results: Sequence[EpisodeResult], group_by: str = "") -> dict[str, Any]:
    """Figures over all episodes, and one entry for each.

    Args:
        results: The episodes.
        group_by: ``preset``, or a key of the info at an episode's end: figures by its values are added.

    Returns:
        ``episodes``, ``successes``, ``success_rate``, ``wilson_95`` (low, high), ``steps`` (mean over the successes),
        ``mean_return``, ``inference_ms`` (p50, p95, p99, max), ``groups`` where asked for, and ``results`` (seed,
        success, steps, return by episode, and the preset where it had one; in order of the seeds).

    Raises:
        EvaluationError: when an episode says nothing of `group_by`.
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
        "mean_return": float(np.mean([r.total_reward for r in ordered])) if ordered else 0.0,
        "inference_ms": percentiles(times),
        **({"groups": grouped(ordered, group_by)} if group_by else {}),
        "results": [_entry(r) for r in ordered],
    }


def grouped(results: Sequence[EpisodeResult], group_by: str) -> dict[str, Any]:
    """Success by group: ``by``, ``worst`` (the lowest rate), and ``groups``, name to the same figures as of all.

    Raises:
        EvaluationError: when an episode says nothing of `group_by`.
    """
    labels = [_label(result, group_by) for result in results]
    names = sorted(set(labels))
    success = np.array([r.success for r in results], np.float64)
    means, counts = group_means(success, np.array([names.index(label) for label in labels]), len(names))
    groups = {}
    for name, mean, count in zip(names, means.tolist(), counts.tolist(), strict=True):
        successes = round(mean * count)
        interval = list(wilson_interval(successes, count))
        groups[name] = {"episodes": count, "successes": successes, "success_rate": mean, "wilson_95": interval}
    return {"by": group_by, "worst": worst(means, counts, higher_is_better=True), "groups": groups}


def read_results(path: Path) -> dict[str, Any]:
    """What an earlier evaluation wrote.

    Args:
        path: Its results.json, or the folder that holds it.

    Raises:
        EvaluationError: when the file is missing, or is none.
    """
    file = path / RESULTS_FILE if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvaluationError(f"{file}: no such results; `muse eval` writes them") from None
    except ValueError as error:
        raise EvaluationError(f"{file} is not readable as JSON: {error}") from error
    if not isinstance(found, dict) or "results" not in found:
        raise EvaluationError(f"{file} holds no results of `muse eval`")
    return found


def compare(summary: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """The paired comparison of two evaluations, on the episodes that both have.

    Args:
        summary: What the policy reached.
        baseline: What the other did.

    Returns:
        ``baseline`` (who that was), ``unpaired`` (episodes of either that the other lacks), and the numbers of
        :class:`~muse_core.metrics.comparison.PairedComparison`, the baseline being the second.

    Raises:
        EvaluationError: when the two were not evaluated on the same thing.
    """
    for key in ("task", "wide"):
        here, there = summary[key], baseline.get(key)
        if here != there:
            raise EvaluationError(f"the baseline was evaluated with {key} = {there!r}, not {here!r}")
    ours, theirs = _outcomes(summary), _outcomes(baseline)
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        raise EvaluationError("the baseline was evaluated on other seeds; see --seed, --episodes and --presets")
    found = compare_paired([ours[key] for key in shared], [theirs[key] for key in shared])
    unpaired = len(set(ours) ^ set(theirs))
    return {"baseline": baseline.get("policy") or baseline.get("model_file"), "unpaired": unpaired, **found.to_dict()}


def percentiles(values: np.ndarray) -> dict[str, float] | None:
    """Median, 95th and 99th percentile and maximum; nothing of nothing."""
    if not len(values):
        return None
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": float(values.max())}


def headline(summary: Mapping[str, Any]) -> str:
    """One line for people: ``93 of 100 succeeded: 93.0 %, 95 % interval 86.3 .. 96.6 %``."""
    low, high = summary["wilson_95"]
    return (
        f"{summary['successes']} of {summary['episodes']} succeeded: {100 * summary['success_rate']:.1f} %, "
        f"95 % interval {100 * low:.1f} .. {100 * high:.1f} %"
    )


def group_lines(groups: Mapping[str, Any]) -> list[str]:
    """One line for each group, and one that names the worst rate."""
    rows = [f"  {groups['by']} {name}: {headline(each)}" for name, each in groups["groups"].items()]
    return [*rows, f"worst {groups['by']}: {100 * groups['worst']:.1f} %"]


def comparison_line(comparison: Mapping[str, Any]) -> str:
    """One line for people: the difference in points, its interval, the test, and how many pairs there were."""
    difference, low, high = (100 * comparison[key] for key in ("difference", "low", "high"))
    return (
        f"{difference:+.1f} points against {comparison['baseline']}, 95 % interval {low:+.1f} .. {high:+.1f}, over "
        f"{comparison['trials']} pairs (won {comparison['first_only']}, lost {comparison['second_only']}; "
        f"McNemar's exact p = {comparison['p_value']:.3g})"
    )


def _entry(result: EpisodeResult) -> dict[str, Any]:
    entry: dict[str, Any] = {"seed": result.seed, "success": result.success, "steps": result.steps}
    entry["return"] = result.total_reward
    return entry if result.preset is None else {**entry, PRESET: result.preset}


def _label(result: EpisodeResult, group_by: str) -> str:
    found = result.preset if group_by == PRESET else result.info.get(group_by)
    if found is None:
        hint = "begin at them with --presets" if group_by == PRESET else f"it has {', '.join(map(str, result.info))}"
        raise EvaluationError(f"--group_by {group_by}: the episode of seed {result.seed} says nothing of it; {hint}")
    return str(found)


def _outcomes(summary: Mapping[str, Any]) -> dict[tuple[int, str], bool]:
    return {(int(each["seed"]), each.get(PRESET) or ""): bool(each["success"]) for each in summary["results"]}
