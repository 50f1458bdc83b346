"""Puts a latency into a contract's file and leaves everything else there as a person wrote it: comments, order, layout.

PyYAML says where in the text each value stands; only those characters are replaced, or one line is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import yaml

from muse_ros.calibration.latency import CalibrationError
from muse_ros.contract.contract import Contract, ContractError

NAME = "latency_s"


def with_latencies(text: str, latencies_s: Mapping[str, float], comment: str = "") -> str:
    """The text of a contract with these streams' ``latency_s``.

    Args:
        text: The contract's file.
        latencies_s: Observation key to latency [s].
        comment: Written behind each value, in place of the comment there; empty: comments stay.

    Raises:
        CalibrationError: where the text has no such key, or is written in a way that cannot be edited.
    """
    edits = [_edit(text, key, f"{latency_s:.4f}", comment) for key, latency_s in latencies_s.items()]
    changed = text
    for start, end, new in sorted(edits, reverse=True):
        changed = changed[:start] + new + changed[end:]
    _check(text, changed, latencies_s)
    return changed


def _edit(text: str, key: str, value: str, comment: str) -> tuple[int, int, str]:
    """From where, to where, and by what the text is to be replaced."""
    stream = _value(_value(yaml.compose(text, yaml.SafeLoader), "observations"), key)
    if not isinstance(stream, yaml.MappingNode) or not stream.value:
        raise CalibrationError(f"the contract's file has no observation {key!r} to put {NAME} into")
    if stream.flow_style:
        comment = ""  # what followed on the line would become part of it
    behind = f"  # {comment}" if comment else ""
    present = _value(stream, NAME)
    if present is not None:
        start, end = present.start_mark.index, present.end_mark.index
        return start, _end_of_line(text, end) if behind else end, value + behind
    if stream.flow_style:
        place = stream.end_mark.index - 1
        return place, place, f", {NAME}: {value}"
    last_name, last = stream.value[-1]
    place = _end_of_line(text, _last_character(last))
    return place, place, f"\n{' ' * last_name.start_mark.column}{NAME}: {value}{behind}"


def _value(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """The value of a name in a mapping; None where it has none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key, value in pairs if key.value == name), None)


def _last_character(node: yaml.Node) -> int:
    """Where a value ends; a block's end mark lies behind the comments that follow it, its last scalar's does not."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node.end_mark.index


def _end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _check(text: str, changed: str, latencies_s: Mapping[str, float]) -> None:
    """Raise unless the changed text means the same contract, but for these latencies."""
    try:
        before, after = (Contract.from_dict(yaml.safe_load(each)) for each in (text, changed))
    except (ContractError, yaml.YAMLError) as error:
        raise CalibrationError(f"the contract's file cannot be edited, put {NAME} there by hand: {error}") from error
    wanted = dict(before.observations)
    for key, latency_s in latencies_s.items():
        wanted[key] = replace(wanted[key], latency_s=round(latency_s, 4))
    if after.digest() != replace(before, observations=wanted).digest():
        raise CalibrationError(
            f"the contract's file is written in a way (anchors?) that cannot be edited here: put {NAME} there by hand"
        )
