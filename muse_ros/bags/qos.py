"""Quality of service as bags store it: what a publisher offered, so that a replay can offer it again. No ROS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The numbers are those of rmw's enumerations, which rosbag2 writes.
_HISTORY = {"system_default": 0, "keep_last": 1, "keep_all": 2, "unknown": 3}
_RELIABILITY = {"system_default": 0, "reliable": 1, "best_effort": 2, "unknown": 3, "best_available": 4}
_DURABILITY = {"system_default": 0, "transient_local": 1, "volatile": 2, "unknown": 3, "best_available": 4}
_LIVELINESS = {"system_default": 0, "automatic": 1, "manual_by_topic": 3, "unknown": 4, "best_available": 5}
_FOREVER_NS = 9223372036854775807


@dataclass(frozen=True)
class Qos:
    """One publisher's offer, with rmw's names in lower case and durations in nanoseconds."""

    reliability: str = "reliable"
    durability: str = "volatile"
    history: str = "keep_last"
    depth: int = 10
    deadline_ns: int = _FOREVER_NS
    lifespan_ns: int = _FOREVER_NS
    liveliness: str = "automatic"
    lease_ns: int = _FOREVER_NS

    @classmethod
    def of(cls, profile: Any) -> Qos:
        """From an rclpy ``QoSProfile`` or anything with the same attributes."""
        if isinstance(profile, Qos):
            return profile
        return cls(
            reliability=_name(profile.reliability, _RELIABILITY),
            durability=_name(profile.durability, _DURABILITY),
            history=_name(profile.history, _HISTORY),
            depth=int(profile.depth),
            deadline_ns=_duration_ns(profile.deadline),
            lifespan_ns=_duration_ns(profile.lifespan),
            liveliness=_name(profile.liveliness, _LIVELINESS),
            lease_ns=_duration_ns(profile.liveliness_lease_duration),
        )

    def to_rosbag2(self) -> dict[str, Any]:
        """As rosbag2 writes it up to metadata version 8, which every rosbag2 reads."""
        return {
            "history": _HISTORY[self.history],
            "depth": self.depth,
            "reliability": _RELIABILITY[self.reliability],
            "durability": _DURABILITY[self.durability],
            "deadline": _seconds(self.deadline_ns),
            "lifespan": _seconds(self.lifespan_ns),
            "liveliness": _LIVELINESS[self.liveliness],
            "liveliness_lease_duration": _seconds(self.lease_ns),
            "avoid_ros_namespace_conventions": False,
        }


def offers(qos: Any) -> tuple[Qos, ...]:
    """One offer, several, or none (None), as :class:`Qos`."""
    if qos is None:
        return ()
    return tuple(map(Qos.of, qos)) if isinstance(qos, (list, tuple)) else (Qos.of(qos),)


def _name(value: Any, table: dict[str, int]) -> str:
    name = str(getattr(value, "name", value)).lower()
    return name if name in table else "unknown"


def _duration_ns(value: Any) -> int:
    """A duration in nanoseconds; zero, rmw's word for unspecified, means for ever."""
    nanoseconds = int(getattr(value, "nanoseconds", value))
    return nanoseconds if 0 < nanoseconds < _FOREVER_NS else _FOREVER_NS


def _seconds(nanoseconds: int) -> dict[str, int]:
    return {"sec": nanoseconds // 1_000_000_000, "nsec": nanoseconds % 1_000_000_000}
