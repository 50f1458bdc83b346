"""Sets a report's figures into `index.html`, and writes them as `report.json`. Does not know where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from muse_core.files import write_text
from muse_ros.policy.latency import STAGES
from muse_ros.report import plots

TEMPLATE = Path(__file__).with_name("page.html.j2")


def write_report(folder: Path, report: dict[str, Any], series: dict[str, Any]) -> Path:
    """Write `report.json` and `index.html` into `folder` and return the page's path.

    Args:
        folder: Where the report's film and contact sheet lie too.
        report: The figures, plain data; see :func:`muse_ros.report.gather.gather`.
        series: What only the charts need: ``train`` and ``validation`` (step, loss) pairs, ``latency_ms`` stage to
            samples, ``period_ms`` samples.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "report.json", json.dumps(report, indent=2) + "\n")
    page = folder / "index.html"
    write_text(page, render(report, series))
    return page


def render(report: dict[str, Any], series: dict[str, Any]) -> str:
    """The page as text. A figure the template names and the report lacks is an error, not a blank."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = lambda value: f"{100 * value:.0f} %"
    environment.filters["milliseconds"] = lambda seconds: f"{1000 * seconds:.1f}"
    environment.filters["duration"] = duration
    environment.filters["settings"] = settings
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    charts = {
        "stages": plots.stage_bars({k: v for k, v in report["wall_s"].items() if k != "total"}),
        "loss": plots.loss_curve(series["train"], series["validation"]),
        "latency": plots.distributions(series["latency_ms"]),
        "period": plots.histogram(series["period_ms"], "time between actions [ms]", 1000 / report["rate_hz"]),
    }
    return template.render(report=report, charts=charts, stages=STAGES)


def duration(seconds: float) -> str:
    """`seconds` as a person says it: ``45 s``, ``7 min 20 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def settings(value: Any) -> str:
    """Nested plain data in one line: ``x_m 0.3 .. 0.5, yaw_deg 15``; two numbers are a range."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {settings(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        numbers = len(value) == 2 and all(isinstance(item, (int, float)) for item in value)
        return (" .. " if numbers else ", ").join(settings(item) for item in value)
    return str(value)
