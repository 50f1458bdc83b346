"""Publishers and subscribers that the middleware never joins, because one offers less than the other asks for.

The rules of DDS for the two policies that ROS graphs trip over. Imports no ROS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from muse_ros.bags.qos import Qos

CURES = {
    "reliability": "publish it reliable, or subscribe best effort",
    "durability": "publish it transient local, or subscribe volatile",
}


@dataclass(frozen=True)
class End:
    """One end of a topic: the node's full name, and its quality of service."""

    node: str
    qos: Qos


def mismatched_policy(offer: Qos, request: Qos) -> str:
    """The policy by which an offer does not serve a request: reliability or durability; empty where it does."""
    if request.reliability == "reliable" and offer.reliability == "best_effort":
        return "reliability"
    if request.durability == "transient_local" and offer.durability == "volatile":
        return "durability"
    return ""


def mismatches(publishers: Iterable[End], subscribers: Iterable[End]) -> list[str]:
    """One sentence, with its cure, for every pair that cannot hear each other."""
    subscribers = list(subscribers)
    found = []
    for publisher in publishers:
        for subscriber in subscribers:
            policy = mismatched_policy(publisher.qos, subscriber.qos)
            if policy:
                offered, wanted = (getattr(end.qos, policy).replace("_", " ") for end in (publisher, subscriber))
                found.append(
                    f"{subscriber.node} cannot hear {publisher.node}, which offers {policy} {offered} where {wanted} "
                    f"is asked for: {CURES[policy]}"
                )
    return found
