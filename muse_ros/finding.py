"""What `muse doctor` and `muse contract check` find: a verdict, the facts, a cure. Plain values, and how they look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum


class Verdict(str, Enum):
    """How a check ends. ``skip``: it does not apply here, or could not be made."""

    OK = "ok"
    SKIP = "skip"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        area: What it is about, such as ``disk``.
        name: What was looked at.
        verdict: How it is.
        found: The facts, with units.
        cure: What to type or to do; empty where nothing is wrong.
    """

    area: str
    name: str
    verdict: Verdict
    found: str
    cure: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain data for JSON."""
        return {**asdict(self), "verdict": self.verdict.value.lower()}


_COLOURS = {Verdict.OK: 32, Verdict.SKIP: 90, Verdict.WARN: 33, Verdict.FAIL: 31}


def text(findings: Sequence[Finding], colour: bool) -> str:
    """The report: one line each below its area, a cure below its line, and a summary.

    Args:
        findings: In the order of the checks.
        colour: With ANSI colours.
    """
    width = max((len(finding.name) for finding in findings), default=0)
    lines, area = [], ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            lines.append(f"\033[1m{area}\033[0m" if colour else area)
        verdict = f"{finding.verdict.value:<4}"
        painted = f"\033[{_COLOURS[finding.verdict]}m{verdict}\033[0m" if colour else verdict
        lines.append(f"  {painted}  {finding.name:<{width}}  {finding.found}")
        if finding.cure:
            lines.append(f"        {'':<{width}}  -> {finding.cure}")
    counts = Counter(finding.verdict for finding in findings)
    names = {Verdict.OK: "ok", Verdict.WARN: "to look at", Verdict.FAIL: "failed", Verdict.SKIP: "skipped"}
    lines.append("")
    lines.append(", ".join(f"{counts[verdict]} {name}" for verdict, name in names.items() if counts[verdict]))
    return "\n".join(lines)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 where anything failed, else 0."""
    return int(any(finding.verdict is Verdict.FAIL for finding in findings))
