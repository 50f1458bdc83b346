"""The ``metadata.yaml`` of a rosbag2 folder: written in a version that every rosbag2 reads. Imports no ROS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from muse_core.files import write_text
from muse_ros.bags.qos import Qos

# Version 8 keeps QoS as text with rmw's numbers, which Humble reads too; 9 keeps it as a list, which only Jazzy does.
VERSION = 8
FILE_NAME = "metadata.yaml"


@dataclass(frozen=True)
class TopicRecord:
    """One topic of a bag: absolute name, type, offered QoS, type hash, number of messages."""

    name: str
    type: str
    qos: tuple[Qos, ...]
    type_hash: str
    count: int


def write_metadata(
    folder: Path,
    file_name: str,
    topics: Sequence[TopicRecord],
    start_ns: int,
    end_ns: int,
    custom: Mapping[str, str],
) -> None:
    """Write ``metadata.yaml`` for a bag of one MCAP file; times are receive times [ns]."""
    count = sum(topic.count for topic in topics)
    start = {"nanoseconds_since_epoch": start_ns}
    duration = {"nanoseconds": end_ns - start_ns}
    information = {
        "version": VERSION,
        "storage_identifier": "mcap",
        "duration": duration,
        "starting_time": start,
        "message_count": count,
        "topics_with_message_count": [_topic(topic) for topic in topics],
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [file_name],
        "files": [{"path": file_name, "starting_time": start, "duration": duration, "message_count": count}],
        "custom_data": {key: _Quoted(value) for key, value in custom.items()} or None,
        "ros_distro": "muse",
    }
    text = yaml.dump(
        {"rosbag2_bagfile_information": information}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**30
    )
    write_text(folder / FILE_NAME, text)


def qos_text(qos: Sequence[Qos]) -> str:
    """Offered QoS as the text that rosbag2 keeps per topic and per MCAP channel."""
    return str(yaml.safe_dump([offer.to_rosbag2() for offer in qos], sort_keys=False)).strip() if qos else ""


def read_metadata(folder: Path) -> dict[str, Any] | None:
    """The content of ``metadata.yaml``; None where there is none, or only half of one."""
    try:
        data = yaml.safe_load((folder / FILE_NAME).read_text(encoding="utf-8"))
        information = data["rosbag2_bagfile_information"]
    except (FileNotFoundError, yaml.YAMLError, KeyError, TypeError):
        return None
    return information if isinstance(information, dict) else None


def _topic(topic: TopicRecord) -> dict[str, Any]:
    return {
        "topic_metadata": {
            "name": topic.name,
            "type": topic.type,
            "serialization_format": "cdr",
            "offered_qos_profiles": _Quoted(qos_text(topic.qos)),
            "type_description_hash": topic.type_hash,
        },
        "message_count": topic.count,
    }


class _Quoted(str):
    """Text that is written in double quotes, line breaks and all."""


class _Dumper(yaml.SafeDumper):
    """Plain YAML without anchors, which other parsers need not know."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(_Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
