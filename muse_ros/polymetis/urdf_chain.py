"""The chain of joints that a server's URDF describes, to hold Muse's own kinematics against it.

An arm that is built otherwise than Muse thinks would go elsewhere than the safety filter allows; so it is compared
before the first movement. Knows fixed, revolute and continuous joints. Imports neither ROS nor torch.
"""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from muse_core.control.kinematics import PandaKinematics

SAMPLES = 200
SAME_ARM = 1e-4
"""Up to this difference [m, rad] two descriptions are of one arm: quarter turns written as 1.5708 make 2e-5 of it, an
arm that is a millimetre longer makes 1e-3."""
TO_TOOL = {"link8": (-np.pi / 4, 0.1034), "hand": (0.0, 0.1034), "hand_tcp": (0.0, 0.0)}
"""From links that a URDF's chain may end in, by the end of their names, to the tool: turn about z [rad], then move
along z [m]."""


class UrdfError(ValueError):
    """A URDF that does not describe an arm that Muse can compare itself with; the message says why."""


class UrdfChain:
    """The joints between a link of a URDF and what carries the first moving joint above it.

    Args:
        urdf: The URDF's XML.
        tip: Name of the link at the end of the chain.

    Attributes:
        base: Name of the link that carries the first moving joint; poses are given in its frame.
        joint_names: The moving joints from `base` to `tip`.
        lower, upper: Their limits [rad], infinite for those that have none.

    Raises:
        UrdfError: if it is no URDF, has no such link, or a joint of the chain neither is fixed nor turns.
    """

    def __init__(self, urdf: str, tip: str) -> None:
        joints = self._joints_to(tip, _parsed(urdf))
        self.base, self.joint_names, self._steps = "", [], []
        lower, upper = [], []
        for joint in joints:
            kind, axis = joint.get("type"), None
            if kind in ("revolute", "continuous"):
                self.base = self.base or _link(joint, "parent")
                self.joint_names.append(joint.get("name", ""))
                axis = _numbers(joint, "axis", "xyz", "1 0 0")
                axis /= np.linalg.norm(axis)
                limit = joint.find("limit") if kind == "revolute" else None
                lower.append(-np.inf if limit is None else float(limit.get("lower", "0")))
                upper.append(np.inf if limit is None else float(limit.get("upper", "0")))
            elif kind != "fixed":
                raise UrdfError(f"joint {joint.get('name')!r} of the chain to {tip!r} is {kind!r}, and does not turn")
            if self.base:  # what stands still below the first moving joint is not the arm's
                self._steps.append((_origin(joint), axis))
        if not self.base:
            raise UrdfError(f"no joint moves link {tip!r}")
        self.lower, self.upper = np.array(lower), np.array(upper)

    def forward(self, q: np.ndarray) -> np.ndarray:
        """The pose of the tip in the base's frame, shape (4, 4), for joint positions [rad]."""
        if len(q) != len(self.joint_names):
            raise ValueError(f"{len(q)} joint positions for {len(self.joint_names)} joints")
        T, angles = np.eye(4), iter(q)
        for origin, axis in self._steps:
            T = T @ origin
            if axis is not None:
                T = T @ _turn(axis, next(angles))
        return T

    @staticmethod
    def _joints_to(tip: str, root: ElementTree.Element) -> list[ElementTree.Element]:
        """The joints that lead to a link, from the root on."""
        above = {_link(joint, "child"): joint for joint in root.findall("joint")}
        if tip not in above:
            links = ", ".join(link.get("name", "") for link in root.findall("link"))
            raise UrdfError(f"no joint leads to a link {tip!r}; the URDF's links are {links or 'none'}")
        found: list[ElementTree.Element] = []
        while tip in above:
            found.append(above[tip])
            tip = _link(above.pop(tip), "parent")
        return found[::-1]


def largest_difference(urdf: str, kinematics: PandaKinematics, tip: str = "panda_link8") -> float:
    """How far Muse's forward kinematics is from a URDF's, at joint positions all over its range.

    Args:
        urdf: The URDF's XML.
        kinematics: What it is compared with.
        tip: The link that the chain ends in; its name ends as one of :data:`TO_TOOL`.

    Returns:
        The largest difference of any element of the tool's pose, as a matrix: of the position [m], and of its
        axes' directions, which for small angles are radians.

    Raises:
        UrdfError: if the two cannot be compared.
    """
    chain = UrdfChain(urdf, tip)
    if len(chain.joint_names) != 7:
        raise UrdfError(f"{len(chain.joint_names)} joints lead from {chain.base!r} to {tip!r}; Muse's arms have 7")
    ending = next((each for each in sorted(TO_TOOL, key=len, reverse=True) if tip.endswith(each)), None)
    if ending is None:
        raise UrdfError(f"where the tool is at link {tip!r} is not known; Muse knows it at {', '.join(TO_TOOL)}")
    angle, length = TO_TOOL[ending]
    to_tool = _turn(np.array([0.0, 0.0, 1.0]), angle)
    to_tool[2, 3] = length
    low, high = np.maximum(chain.lower, -np.pi), np.minimum(chain.upper, np.pi)
    samples = np.random.default_rng(0).uniform(low, high, (SAMPLES, 7))
    found = np.array([chain.forward(q) @ to_tool for q in samples])
    return float(np.abs(found - kinematics.tool_transforms(samples)).max())


def _parsed(urdf: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(urdf)
    except ElementTree.ParseError as error:
        raise UrdfError(f"the server's URDF is no XML: {error}") from error


def _link(joint: ElementTree.Element, end: str) -> str:
    found = joint.find(end)
    if found is None or not found.get("link"):
        raise UrdfError(f"joint {joint.get('name')!r} names no {end} link")
    return found.get("link", "")


def _numbers(joint: ElementTree.Element, element: str, attribute: str, default: str) -> np.ndarray:
    found = joint.find(element)
    text = default if found is None else found.get(attribute, default)
    try:
        values = np.array([float(each) for each in text.split()])
    except ValueError:
        values = np.empty(0)
    if values.shape != (3,):
        raise UrdfError(f"joint {joint.get('name')!r}: {element} {attribute}={text!r} is not three numbers")
    return values


def _origin(joint: ElementTree.Element) -> np.ndarray:
    roll, pitch, yaw = _numbers(joint, "origin", "rpy", "0 0 0")
    x, y, z = np.eye(3)
    T = _turn(z, yaw) @ _turn(y, pitch) @ _turn(x, roll)
    T[:3, 3] = _numbers(joint, "origin", "xyz", "0 0 0")
    return T


def _turn(axis: np.ndarray, angle: float) -> np.ndarray:
    """A rotation about a unit axis, shape (4, 4)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    T = np.eye(4)
    T[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return T
