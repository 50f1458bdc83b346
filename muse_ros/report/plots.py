"""Charts of the report, each returned as SVG text to be set into the page. Draws only: the figures are arguments."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, GRID = "#3d4451", "#e6e8ec"
BLUE, ORANGE, GREEN, RED = "#2f6fde", "#e07b39", "#2e9e6b", "#c8443c"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "muse",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    axes = figure.subplots()
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def loss_curve(train: Sequence[tuple[float, float]], validation: Sequence[tuple[float, float]]) -> str:
    """Training and validation loss over gradient steps, on a logarithmic scale.

    Args:
        train: (step, loss) pairs.
        validation: (step, loss) pairs; may be empty.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(8.8, 2.9)
        if train:
            steps, losses = np.asarray(train, dtype=float).T
            axes.plot(steps, losses, color=BLUE, alpha=0.25, linewidth=0.8)
            axes.plot(steps, _smooth(losses, max(1, len(losses) // 40)), color=BLUE, label="training")
        if validation:
            steps, losses = np.asarray(validation, dtype=float).T
            axes.plot(steps, losses, color=ORANGE, marker="o", markersize=3, linewidth=1.2, label="held-out episodes")
        axes.set_yscale("log")
        axes.set_xlabel("gradient step")
        axes.set_ylabel("loss")
        if train or validation:
            axes.legend()
        return _svg(figure)


def _smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Centred moving average that shortens its window at both ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    left, right = np.maximum(index - window, 0), np.minimum(index + window + 1, len(values))
    return (sums[right] - sums[left]) / (right - left)


def stage_bars(seconds: Mapping[str, float]) -> str:
    """Wall time of each stage of the run, in minutes."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(8.8, 0.42 * max(len(seconds), 1) + 0.6)
        names, minutes = list(seconds), [value / 60 for value in seconds.values()]
        axes.barh(names, minutes, color=BLUE, height=0.6)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.18 * max([*minutes, 1e-9]))
        for row, value in enumerate(minutes):
            axes.annotate(f" {value:.1f} min", (value, row), va="center")
        axes.set_xlabel("minutes")
        axes.grid(axis="y", visible=False)
        return _svg(figure)


def distributions(samples_ms: Mapping[str, Sequence[float]]) -> str:
    """One box per stage of the loop: quartiles, with whiskers at the 1st and 99th percentile, in milliseconds."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(8.8, 0.42 * max(len(samples_ms), 1) + 0.7)
        values = [np.asarray(stage, dtype=float) for stage in samples_ms.values()]
        if values:
            boxes = axes.boxplot(values, orientation="horizontal", whis=(1, 99), showfliers=False, patch_artist=True)
            for box, median in zip(boxes["boxes"], boxes["medians"], strict=True):
                box.set(facecolor="#dbe7fb", edgecolor=BLUE)
                median.set(color=INK)
            axes.set_yticks(range(1, len(values) + 1), list(samples_ms))
        axes.invert_yaxis()
        axes.set_xlabel("milliseconds (box: quartiles, whiskers: p1 and p99)")
        axes.grid(axis="y", visible=False)
        return _svg(figure)


def histogram(values: Sequence[float], label: str, target: float | None = None) -> str:
    """Histogram of `values`; `target` is drawn as a line."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(8.8, 2.2)
        if len(values):
            axes.hist(np.asarray(values, dtype=float), bins=60, color=BLUE)
        if target is not None:
            axes.axvline(target, color=RED, linewidth=1)
        axes.set_xlabel(label)
        axes.set_ylabel("count")
        return _svg(figure)
