"""A proposed contract as the text of a file, with a comment on every line that a person may want to change."""

from __future__ import annotations

import json
from typing import Any

from muse_ros.contract.contract import SCHEMA_VERSION
from muse_ros.survey.propose import Proposal

_WHY = {
    "topic": "relative, so that a namespace works",
    "max_age_s": "an older sample is not used; rows without one are left out [s]",
    "rate_hz": "messages a second; the recorder warns where it has much fewer",
    "align": "sum or next",
    "label_topic": "where it has an action of the same stamp, that one is the label",
}
_WIDTH = 100


def contract_text(proposal: Proposal, name: str, rate_hz: float) -> str:
    """The file.

    Args:
        proposal: What it is to say.
        name: The robot's name.
        rate_hz: Ticks per second [Hz].
    """
    explained: set[str] = set()
    lines = [
        f"# A contract for {name}, proposed by `muse contract init` from {proposal.source}.",
        "# It says which topic becomes which array. Read it through: lines with a question mark are yours to decide.",
        "# Take out keys that no policy shall see: everything is recorded anyway, and can be converted again.",
        "# `muse contract check` compares it with a bag or with the live topics.",
        f"schema_version: {SCHEMA_VERSION}",
        f"name: {_plain(name)}",
        _commented(f"rate_hz: {rate_hz:g}", "rows of a dataset and actions of a policy per second [Hz]"),
        _commented(
            f"settle_s: {proposal.settle_s:g}", "the live policy waits so long for what was stamped in time [s]"
        ),
        _commented(f"base_frame: {_plain(proposal.base_frame)}", "of poses and Cartesian actions"),
    ]
    if proposal.gripper_max_width is not None:
        lines.append(
            _commented(f"gripper_max_width: {proposal.gripper_max_width:g}", "opening of the open gripper? [m]")
        )
    lines += ["", "observations:"]
    for key, entry in proposal.observations.items():
        lines += _stream(key, entry, proposal.comments.get(key, []), explained)
    if proposal.actions:
        lines += ["", "actions:"]
        for key, entry in proposal.actions.items():
            lines += _stream(key, entry, proposal.comments.get(key, []), explained)
    else:
        lines += [
            "",
            "# No actions were seen. Without them recordings convert to observations only; the arm's node publishes",
            "# what it was asked for as muse_ros/msg/Action on `action`, as config/robot/panda.yaml has it.",
        ]
    if proposal.left_out:
        lines += ["", "# Not used:"]
        lines += [f"#   {topic}: {reason}" for topic, reason in sorted(proposal.left_out.items())]
    return "\n".join(lines) + "\n"


def _stream(key: str, entry: dict[str, Any], comments: list[str], explained: set[str]) -> list[str]:
    lines = [f"  # {comment}" for comment in comments] + [f"  {key}:"]
    for name, value in entry.items():
        text = f"    {name}: {_value(value)}"
        if name == "fields" and len(text) > _WIDTH:
            lines += [f"    {name}:", *(f"      - {_plain(each)}" for each in value)]
            continue
        why = _WHY.get(name, "") if name not in explained else ""
        explained.add(name)
        lines.append(_commented(text, why))
    return lines


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    return _plain(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """A text as YAML: bare where that is safe, else quoted."""
    words = text.replace("/", "a").replace("_", "a").replace(".", "a").replace(" ", "a")
    bare = words.isalnum() and not text[0].isdigit() and text.lower() not in ("true", "false", "null", "yes", "no")
    return text if bare and not text.startswith(" ") else json.dumps(text)


def _commented(text: str, comment: str) -> str:
    return f"{text:<34} # {comment}" if comment else text
