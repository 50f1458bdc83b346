"""The contract: which topic becomes which dataset key, for one robot, read from one YAML file.

The live policy node, the bag converter and the recorder's audit all read it. It is a value: frozen, checked when it is
made, and embedded with its digest in every recording, dataset and checkpoint. This module imports no ROS.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from muse_core.spec import Spec
from muse_ros.contract.stream import ContractError, Stream, known_keys_only, number
from muse_ros.contract.unique_keys import UniqueKeyLoader
from muse_ros.resources import resource

SCHEMA_VERSION = 1
_KEYS = (
    "schema_version",
    "name",
    "rate_hz",
    "settle_s",
    "base_frame",
    "gripper_max_width",
    "observations",
    "actions",
)


@dataclass(frozen=True)
class Contract:
    """One robot's translation from topics to arrays.

    Attributes:
        name: The robot's name.
        rate_hz: Ticks per second [Hz]: rows of a dataset, actions of a policy.
        settle_s: How long after its tick the live node assembles, so that samples stamped by then have arrived [s].
        base_frame: Frame of poses and of Cartesian actions.
        gripper_max_width: Opening of the open gripper [m]; None where no stream needs it.
        observations: Key to stream, in the order of the file.
        actions: Key to stream.
    """

    name: str
    rate_hz: float
    observations: Mapping[str, Stream]
    actions: Mapping[str, Stream] = field(default_factory=dict)
    settle_s: float = 0.02
    base_frame: str = "panda_link0"
    gripper_max_width: float | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ContractError("name must not be empty")
        if not 0.0 < self.rate_hz <= 1000.0:
            raise ContractError(f"rate_hz must lie in (0, 1000], got {self.rate_hz}")
        if not 0.0 <= self.settle_s < 1.0 / self.rate_hz:
            raise ContractError(f"settle_s must lie in [0, 1 / rate_hz = {1.0 / self.rate_hz:g}), got {self.settle_s}")
        if not self.observations:
            raise ContractError("observations must name at least one key")
        if self.gripper_max_width is not None and self.gripper_max_width <= 0.0:
            raise ContractError(f"gripper_max_width must be > 0, got {self.gripper_max_width}")
        both = sorted(set(self.observations) & set(self.actions))
        if both:
            raise ContractError(f"{', '.join(both)}: named among observations and among actions")
        for stream in self.streams.values():
            if stream.transform == "gripper_closed" and self.gripper_max_width is None:
                raise ContractError(f"{stream.where}: transform gripper_closed needs the contract's gripper_max_width")
        self.topics()

    @cached_property
    def streams(self) -> dict[str, Stream]:
        """Every stream by key, observations first."""
        return {**self.observations, **self.actions}

    @property
    def period_s(self) -> float:
        """Time between two ticks [s]."""
        return 1.0 / self.rate_hz

    def spec(self) -> Spec:
        """Key, shape, dtype, unit and role of everything that the contract makes."""
        return Spec({key: stream.array_spec() for key, stream in self.streams.items()})

    def topics(self) -> dict[str, str]:
        """Every topic that the contract reads, relative, with its message type. Label topics are among them.

        Raises:
            ContractError: if one topic is given two types.
        """
        topics: dict[str, str] = {}
        for stream in self.streams.values():
            for topic in filter(None, (stream.topic, stream.label_topic)):
                if topics.setdefault(topic, stream.type) != stream.type:
                    raise ContractError(
                        f"{stream.where}: topic {topic!r} has type {stream.type} here and {topics[topic]} elsewhere"
                    )
        return topics

    def observation_topics(self) -> dict[str, str]:
        """The topics that observations come from, relative, with their message types."""
        return {stream.topic: stream.type for stream in self.observations.values()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, bags and checkpoints; :meth:`from_dict` reads it back."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "rate_hz": self.rate_hz,
            "settle_s": self.settle_s,
            "base_frame": self.base_frame,
            "gripper_max_width": self.gripper_max_width,
            "observations": {key: stream.to_dict() for key, stream in self.observations.items()},
            "actions": {key: stream.to_dict() for key, stream in self.actions.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Contract:
        """Read what :meth:`to_dict` or a contract file holds.

        Raises:
            ContractError: naming the key, what was found and what is legal.
        """
        if not isinstance(data, Mapping):
            raise ContractError(f"must be a mapping with {', '.join(_KEYS)}, got {type(data).__name__}")
        known_keys_only("contract", data, _KEYS)
        version = data.get("schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise ContractError(f"schema_version must be {SCHEMA_VERSION}, got {version!r}; this Muse reads no other")
        missing = [key for key in ("name", "rate_hz", "observations") if data.get(key) is None]
        if missing:
            raise ContractError(f"missing {', '.join(missing)}")
        width = data.get("gripper_max_width")
        return cls(
            name=str(data["name"]),
            rate_hz=number("rate_hz", data["rate_hz"]),
            settle_s=number("settle_s", data.get("settle_s", cls.settle_s)),
            base_frame=str(data.get("base_frame", cls.base_frame)),
            gripper_max_width=None if width is None else number("gripper_max_width", width),
            observations=_streams(data["observations"], "observation"),
            actions=_streams(data.get("actions") or {}, "action"),
        )

    def digest(self) -> str:
        """SHA-256, in hex, of what the contract makes of messages.

        Comments, layout, defaults left out and the rates that streams should have do not change it.
        """
        data = self.to_dict()
        for stream in (*data["observations"].values(), *data["actions"].values()):
            stream.pop("rate_hz", None)
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def load_contract(path: str | Path) -> Contract:
    """Read a contract from a YAML file, or by the name of one in ``config/robot``, such as ``panda``.

    Raises:
        ContractError: naming the file, the key, what was found and what is legal.
    """
    found = contract_path(path)
    try:
        data = yaml.load(found.read_text(encoding="utf-8"), Loader=UniqueKeyLoader)
    except yaml.YAMLError as error:
        raise ContractError(f"{found}: not readable as YAML: {error}") from error
    try:
        return Contract.from_dict(data)
    except ContractError as error:
        raise ContractError(f"{found}: {error}") from error


def contract_path(path: str | Path) -> Path:
    """The file that :func:`load_contract` reads for a path or a name.

    Raises:
        ContractError: listing the names there are.
    """
    if Path(path).is_file():
        return Path(path)
    folder = resource("config/robot")
    named = folder / f"{path}.yaml"
    if Path(path).name == str(path) and named.is_file():
        return named
    names = ", ".join(sorted(p.stem for p in folder.glob("panda*.yaml"))) or "none"
    raise ContractError(f"no contract file {path}; by name there are: {names} (in {folder})")


def _streams(data: Any, role: str) -> dict[str, Stream]:
    if not isinstance(data, Mapping):
        raise ContractError(f"{role}s must be a mapping from key to stream, got {type(data).__name__}")
    return {str(key): Stream.from_dict(str(key), role, fields) for key, fields in data.items()}
