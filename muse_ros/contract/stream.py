"""One stream of a contract: where a dataset key comes from, and how its messages become an array.

Pure data with its checks. :mod:`muse_ros.contract.contract` collects streams,
:mod:`muse_ros.contract.decode` carries them out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from muse_core.control.state import ACTION_SIZES
from muse_core.spec import ArraySpec, SpecError

COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
RAW_IMAGE = "sensor_msgs/msg/Image"
IMAGE_TYPES = (COMPRESSED_IMAGE, RAW_IMAGE)
ALIGNS = {"observation": ("previous",), "action": ("next", "sum")}
TRANSFORMS = ("none", "sum", "gripper_closed", "euler_xyz")
DELTA_SPACES = ("ee_delta", "joint_delta")
_TYPE = re.compile(r"[a-zA-Z]\w*/msg/[A-Z]\w*")
_TOPIC = re.compile(r"[a-zA-Z_]\w*(/[a-zA-Z_]\w*)*")


class ContractError(ValueError):
    """A contract says something impossible; the message names the place, what was found and what is legal."""


@dataclass(frozen=True)
class Stream:
    """Where one dataset key comes from.

    Attributes:
        key: Name of the array in observations and datasets.
        role: ``observation`` or ``action``.
        topic: Topic name, relative (no leading slash), so that a namespace works.
        type: Message type, such as ``sensor_msgs/msg/JointState``.
        fields: Dotted paths into the message, one number or one array each, in the order of the array. Behind an array
            field of a message with names (JointState) a name picks its element: ``position.panda_joint1``; a number
            picks by index: ``values.0``. Empty for images.
        shape: Shape of one time step.
        dtype: numpy dtype name.
        unit: SI unit or convention, in plain text.
        align: ``previous``: the newest sample stamped at or before the tick. ``next``: the first action stamped within
            the tick's period. ``sum``: all delta actions stamped within the tick's period, added up (Cartesian
            rotations are composed, the gripper's value is the last).
        max_age_s: Oldest sample that an observation may use [s].
        latency_s: Time from the event to its stamp [s]; subtracted from every stamp.
        size: Height and width of the image [px].
        crop: Top, left, height, width cut out before resizing, in pixels of the image as sent.
        transform: ``none``; ``sum`` of the fields; ``gripper_closed``: 1 minus the sum of the fields over the
            contract's ``gripper_max_width``; ``euler_xyz``: extrinsic xyz Euler angles [rad] of a quaternion xyzw.
        space: Action space that the messages must name (actions only).
        label_topic: Actions only. Where the action on `topic` came from a teleoperator and this topic holds an action
            of the same stamp, that one is the label (a clean label beside a noisy executed action). In a bag without
            this topic, and for actions of any other source, `topic` alone labels.
        rate_hz: Messages a second that the topic should have [Hz]; 0: any. It only judges a recording, and is no part
            of the contract's digest: what messages become does not depend on it.
    """

    key: str
    role: str
    topic: str
    type: str
    fields: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    unit: str = ""
    align: str = "previous"
    max_age_s: float = 0.0
    latency_s: float = 0.0
    size: tuple[int, int] | None = None
    crop: tuple[int, int, int, int] | None = None
    transform: str = "none"
    space: str | None = None
    label_topic: str | None = None
    rate_hz: float = 0.0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w+", self.key):
            raise ContractError(f"{self.where}: a key is made of letters, digits and underscores")
        for name, topic in (("topic", self.topic), ("label_topic", self.label_topic)):
            if topic is not None and not _TOPIC.fullmatch(topic):
                raise ContractError(
                    f"{self.where}: {name} must be a relative topic such as panda/ee_pose, got {topic!r}"
                )
        if not _TYPE.fullmatch(self.type):
            raise ContractError(f"{self.where}: type must look like sensor_msgs/msg/JointState, got {self.type!r}")
        self._one_of("align", self.align, ALIGNS[self.role])
        self._one_of("transform", self.transform, TRANSFORMS)
        if self.latency_s < 0.0:
            raise ContractError(f"{self.where}: latency_s must be >= 0, got {self.latency_s}")
        if self.rate_hz < 0.0:
            raise ContractError(f"{self.where}: rate_hz must be >= 0, got {self.rate_hz}")
        if self.role == "observation":
            self._check_observation()
        else:
            self._check_action()
        try:
            self.array_spec()
        except (SpecError, TypeError) as error:
            raise ContractError(f"{self.where}: {error}") from error

    def _check_observation(self) -> None:
        if self.max_age_s <= 0.0:
            raise ContractError(f"{self.where}: max_age_s must be > 0, got {self.max_age_s}")
        if self.space is not None or self.label_topic is not None:
            raise ContractError(f"{self.where}: space and label_topic belong to actions")
        if self.is_image:
            self._check_image()
        elif self.size is not None or self.crop is not None:
            raise ContractError(f"{self.where}: size and crop belong to images, type is {self.type}")
        else:
            self._check_fields()

    def _check_image(self) -> None:
        if self.size is None or min(self.size) < 1:
            raise ContractError(f"{self.where}: size must be [height, width] in pixels, got {self.size}")
        if self.fields or self.transform != "none":
            raise ContractError(f"{self.where}: an image has neither fields nor transform")
        if self.crop is not None and (min(self.crop[:2]) < 0 or min(self.crop[2:]) < 1):
            raise ContractError(f"{self.where}: crop must be [top, left, height, width] in pixels, got {self.crop}")
        if len(self.shape) != 3 or self.shape[:2] != self.size:
            raise ContractError(
                f"{self.where}: shape must be [*size, channels] = [{self.size[0]}, {self.size[1]}, 3], "
                f"got {list(self.shape)}"
            )

    def _check_fields(self) -> None:
        if not self.fields:
            raise ContractError(f"{self.where}: fields must name at least one field of {self.type}")
        if not self.shape:
            raise ContractError(f"{self.where}: shape must be given, such as [3]")
        if self.transform in ("sum", "gripper_closed") and self.shape != (1,):
            raise ContractError(f"{self.where}: transform {self.transform} makes shape [1], got {list(self.shape)}")
        if self.transform == "euler_xyz" and (self.shape != (3,) or len(self.fields) != 4):
            raise ContractError(
                f"{self.where}: transform euler_xyz makes shape [3] of 4 fields (quaternion x y z w), "
                f"got shape {list(self.shape)} of {len(self.fields)} fields"
            )

    def _check_action(self) -> None:
        if self.space is None:
            raise ContractError(f"{self.where}: space must be given: one of {', '.join(ACTION_SIZES)}")
        self._one_of("space", self.space, ACTION_SIZES)
        if self.size is not None or self.crop is not None or self.transform != "none" or self.max_age_s:
            raise ContractError(f"{self.where}: size, crop, transform and max_age_s belong to observations")
        if self.shape != (ACTION_SIZES[self.space],):
            raise ContractError(
                f"{self.where}: space {self.space} has shape [{ACTION_SIZES[self.space]}], got {list(self.shape)}"
            )
        if self.align == "sum" and self.space not in DELTA_SPACES:
            raise ContractError(f"{self.where}: align sum adds deltas ({', '.join(DELTA_SPACES)}), not {self.space}")
        if not self.fields:
            raise ContractError(f"{self.where}: fields must name the field that holds the values, such as [values]")

    def _one_of(self, name: str, value: str, legal: Iterable[str]) -> None:
        if value not in legal:
            raise ContractError(f"{self.where}: {name} must be one of {', '.join(legal)}, got {value!r}")

    @property
    def where(self) -> str:
        """How errors name this stream."""
        return f"{self.role} {self.key!r}"

    @property
    def is_image(self) -> bool:
        """Whether the messages are images."""
        return self.type in IMAGE_TYPES

    @property
    def max_age_ns(self) -> int:
        """`max_age_s` in nanoseconds."""
        return round(self.max_age_s * 1e9)

    @property
    def latency_ns(self) -> int:
        """`latency_s` in nanoseconds."""
        return round(self.latency_s * 1e9)

    def array_spec(self) -> ArraySpec:
        """Shape, dtype, unit and role of the array."""
        return ArraySpec(shape=self.shape, dtype=self.dtype, unit=self.unit, role=self.role)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without the key and the role, and without a rate of 0; :meth:`from_dict` reads it back."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("key", "role")}
        if not self.rate_hz:
            del data["rate_hz"]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}

    @classmethod
    def from_dict(cls, key: str, role: str, data: Mapping[str, Any]) -> Stream:
        """Read one stream.

        Raises:
            ContractError: naming the key, what was found and what is legal.
        """
        where = f"{role} {key!r}"
        if not isinstance(data, Mapping):
            raise ContractError(f"{where}: must be a mapping with topic, type, fields, ..., got {data!r}")
        known_keys_only(where, data, [f.name for f in fields(cls) if f.name not in ("key", "role")])
        missing = [name for name in ("topic", "type") if not data.get(name)]
        if missing:
            raise ContractError(f"{where}: missing {', '.join(missing)}")
        given = {name: value for name, value in data.items() if value is not None}
        size = _integers(where, "size", given, 2)
        shape = _integers(where, "shape", given)
        is_image = given["type"] in IMAGE_TYPES
        if shape is None and is_image and size is not None:
            shape = (*size, 3)
        names = given.get("fields", [])
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise ContractError(f"{where}: fields must be a list of dotted paths, got {names!r}")
        return cls(
            key=key,
            role=role,
            topic=str(given["topic"]),
            type=str(given["type"]),
            fields=tuple(names),
            shape=shape or (),
            dtype=_dtype(where, given.get("dtype", "uint8" if is_image else "float32")),
            unit=str(given.get("unit", "")),
            align=str(given.get("align", ALIGNS[role][0])),
            max_age_s=number(f"{where}: max_age_s", given.get("max_age_s", 0.0)),
            latency_s=number(f"{where}: latency_s", given.get("latency_s", 0.0)),
            size=size,  # type: ignore[arg-type]
            crop=_integers(where, "crop", given, 4),  # type: ignore[arg-type]
            transform=str(given.get("transform", "none")),
            space=given.get("space"),
            label_topic=given.get("label_topic"),
            rate_hz=number(f"{where}: rate_hz", given.get("rate_hz", 0.0)),
        )


def known_keys_only(where: str, data: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise unless every key of `data` is known.

    Raises:
        ContractError: listing the known keys.
    """
    unknown = [str(name) for name in data if name not in known]
    if unknown:
        raise ContractError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(known)}")


def number(where: str, value: Any) -> float:
    """`value` as a finite float.

    Raises:
        ContractError: if it is no number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ContractError(f"{where} must be a number, got {value!r}")
    return float(value)


def _integers(where: str, name: str, given: Mapping[str, Any], length: int | None = None) -> tuple[int, ...] | None:
    value = given.get(name)
    if value is None:
        return None
    ok = isinstance(value, (list, tuple)) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
    if not ok or (length is not None and len(value) != length):
        wanted = f"a list of {length} whole numbers" if length else "a list of whole numbers"
        raise ContractError(f"{where}: {name} must be {wanted}, got {value!r}")
    return tuple(value)


def _dtype(where: str, value: Any) -> str:
    try:
        return np.dtype(str(value)).name
    except TypeError as error:
        raise ContractError(f"{where}: dtype must be a numpy dtype such as float32, got {value!r}") from error
