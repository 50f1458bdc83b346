"""Draws what a calibration found, one row per camera: how well each delay fits, the pictures with and without it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from muse_core.files import replacing
from muse_ros.calibration.from_bag import CameraDelay
from muse_ros.calibration.latency import Delay

INK, GRID, BLUE, ORANGE = "#3d4451", "#e6e8ec", "#2f6fde", "#e07b39"
STYLE = {
    "font.size": 10,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
SHOWN_S = 5.0


def draw(cameras: Sequence[CameraDelay], path: Path) -> bool:
    """Write a PNG; returns whether there was anything to draw.

    Args:
        cameras: Those without an estimate are left out.
        path: The file.
    """
    found = [(camera, camera.delay) for camera in cameras if camera.delay is not None]
    if not found:
        return False
    with rc_context(STYLE):
        figure = Figure(figsize=(11.0, 3.2 * len(found)), layout="constrained")
        rows = figure.subplots(len(found), 2, squeeze=False, width_ratios=(2, 3))
        for (camera, delay), (fit, trace) in zip(found, rows, strict=True):
            for axes in (fit, trace):
                axes.grid(True, color=GRID, linewidth=0.8)
                axes.set_axisbelow(True)
            _fit(fit, camera, delay)
            _trace(trace, delay)
        with replacing(path) as partial:
            figure.savefig(partial, format="png", dpi=110)
    return True


def _fit(axes: Axes, camera: CameraDelay, delay: Delay) -> None:
    axes.plot(1e3 * delay.tried_s, 100.0 * delay.left, color=BLUE)
    axes.axvspan(1e3 * (delay.delay_s - delay.error_s), 1e3 * (delay.delay_s + delay.error_s), color=ORANGE, alpha=0.3)
    axes.axvline(1e3 * delay.delay_s, color=ORANGE, linewidth=1.2)
    axes.set_ylim(0.0, None)
    axes.set_xlabel("delay tried [ms]")
    axes.set_ylabel("left unexplained [%]")
    word = " (not to be relied on)" if camera.trouble else ""
    error_ms = 1e3 * delay.error_s
    axes.set_title(f"{camera.topic}\n{1e3 * delay.delay_s:.1f} ms ± {error_ms:.1f}{word}", loc="left", fontsize=10)


def _trace(axes: Axes, delay: Delay) -> None:
    shown = _most_telling(delay)
    seconds = delay.seconds[shown]
    axes.plot(seconds, delay.seen[shown], "o", color=INK, markersize=3, label="pictures")
    axes.plot(seconds, delay.fitted[shown], color=ORANGE, label="the state, delayed so")
    axes.plot(
        seconds, delay.unshifted[shown], color=BLUE, linestyle="--", linewidth=1.2, label="the state, not delayed"
    )
    axes.set_xlabel("time [s]")
    axes.set_ylabel("main change of the pictures")
    axes.legend(loc="upper right", fontsize=8, ncols=3)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.18 * (high - low))  # room for the legend


def _most_telling(delay: Delay) -> slice:
    """The stretch of :data:`SHOWN_S` in which the delay makes the largest difference."""
    difference = np.abs(delay.fitted - delay.unshifted)
    ends = np.searchsorted(delay.seconds, delay.seconds + SHOWN_S)
    sums = np.concatenate([[0.0], np.cumsum(difference)])
    best = int(np.argmax(sums[ends] - sums[:-1]))
    return slice(best, int(ends[best]))
