"""Checks a list of topics against a contract: what is missing, what has another type, and what was probably meant.

Used by ``muse convert`` and ``muse inspect`` on a bag; live streams are watched by ``recording/health.py``. No ROS.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from muse_ros.contract.contract import Contract


def absolute(topic: str, namespace: str = "") -> str:
    """The absolute name of a contract's relative topic, in a namespace such as ``/left``."""
    prefix = namespace.strip("/")
    return f"/{prefix}/{topic}" if prefix else f"/{topic}"


def problems(contract: Contract, topics: Mapping[str, str], namespace: str = "") -> list[str]:
    """What keeps these topics from serving the contract, one sentence each; empty where nothing does.

    Args:
        contract: What is needed. Label topics may be absent: then the topics that they label are taken.
        topics: Absolute topic name to message type.
        namespace: The robot's namespace.
    """
    found = (topic_problem(contract, topic, topics, namespace) for topic in contract.topics())
    return [problem for problem in found if problem]


def topic_problem(contract: Contract, topic: str, topics: Mapping[str, str], namespace: str = "") -> str:
    """What keeps one topic of the contract from serving it; empty where nothing does.

    Args:
        contract: What is needed.
        topic: One of its topics, relative.
        topics: Absolute topic name to message type.
        namespace: The robot's namespace.
    """
    wanted, name = contract.topics()[topic], absolute(topic, namespace)
    if name not in topics:
        optional = {stream.label_topic for stream in contract.actions.values()}
        return "" if topic in optional else _missing(contract, topic, wanted, name, topics)
    if topics[name] != wanted:
        return f"{name} has type {topics[name]}, the contract says {wanted} for {_keys(contract, topic)}"
    return ""


def _missing(contract: Contract, topic: str, wanted: str, name: str, topics: Mapping[str, str]) -> str:
    text = f"{name} ({wanted}, for {_keys(contract, topic)}) is not there"
    elsewhere = sorted(other for other in topics if other.endswith(name))
    if elsewhere:
        prefixes = ", ".join(other[: -len(name)] for other in elsewhere)
        return f"{text}, but {', '.join(elsewhere)} is: try --namespace {prefixes}"
    near = get_close_matches(name, topics, n=3, cutoff=0.5)
    same = sorted(other for other, type_name in topics.items() if type_name == wanted and other not in near)
    likely = [f"{other} ({topics[other]})" for other in [*near, *same[:3]]]
    return f"{text}; nearest are {', '.join(likely)}" if likely else f"{text}; there is nothing like it"


def _keys(contract: Contract, topic: str) -> str:
    streams = contract.streams.values()
    return ", ".join(repr(stream.key) for stream in streams if topic in (stream.topic, stream.label_topic))
