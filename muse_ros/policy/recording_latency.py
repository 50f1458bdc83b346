"""Reads what episodes recorded at 1x say about time: bags in, latencies by stage out. No ROS needed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from muse_ros.bags.bags import Bag, open_bag
from muse_ros.contract.contract import Contract
from muse_ros.contract.message_fields import cdr_stamp_ns
from muse_ros.policy.latency import LatencyLog

STATUS, APPLIED = "policy/status", "panda/applied_action"


class NoPolicyError(ValueError):
    """The recordings hold no tick of a policy, so there is nothing to measure."""


def measure_recordings(bags: Iterable[str | Path], contract: Contract | None = None) -> LatencyLog:
    """What all ticks of all bags say about time.

    Args:
        bags: Folders of episodes that a policy drove, recorded at 1x.
        contract: The contract in force; the first bag's own by default.

    Raises:
        BagError: where a bag cannot be read.
        NoPolicyError: where no bag holds a tick of a policy, or there is no contract.
    """
    log: LatencyLog | None = None
    paths = [Path(path) for path in bags]
    for path in paths:
        bag = open_bag(path)
        if contract is None and "muse_contract" in bag.custom:
            contract = Contract.from_dict(json.loads(bag.custom["muse_contract"]))
        if contract is None:
            raise NoPolicyError(f"{path} carries no contract, and none was given")
        if log is None:
            latency_ns = {key: stream.latency_ns for key, stream in contract.observations.items() if stream.is_image}
            log = LatencyLog(contract.rate_hz, frozenset(latency_ns), latency_ns)
        _read(bag, contract, log)
    if log is None or not log.ticks:
        raise NoPolicyError(f"no tick of a policy in {', '.join(map(str, paths)) or 'no bag'}")
    return log


def _read(bag: Bag, contract: Contract, log: LatencyLog) -> None:
    images = {stream.topic for stream in contract.observations.values() if stream.is_image}
    wanted = {name: topic for name in bag.topics if (topic := _relative(name, {STATUS, APPLIED, *images}))}
    codec = bag.codec(wanted)
    take: Mapping[str, Any] = {STATUS: log.status, APPLIED: log.applied}
    for name, type_name, data, received_ns in bag.messages(wanted):
        topic = wanted[name]
        if topic in images:
            log.camera(cdr_stamp_ns(data), received_ns)
        else:
            take[topic](codec.parse(type_name, data))


def _relative(name: str, topics: set[str]) -> str | None:
    """The topic, of those wanted, that an absolute name stands for, whatever its namespace."""
    return next((topic for topic in topics if name.endswith(f"/{topic}")), None)
