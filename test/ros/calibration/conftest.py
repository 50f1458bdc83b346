"""The simulated arm, swaying once for all tests of this folder: inverse kinematics, safety filter, physics, cameras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from muse_ros.contract.contract import Contract
from synthetic import JOINTS, Sent, header, jpeg, make, write_bag

PERIOD_NS = 10_000_000
START_NS = 1_760_000_000_000_000_000
CAMERAS = ("front", "wrist")


@dataclass(frozen=True)
class Swayed:
    """100 Hz of joints and of where the tool was, and 20 Hz of pictures of an arm that sways and stands a second.

    Attributes:
        stamps_ns: Of the states, shape (K,) [ns].
        q: Joints [rad], shape (K, 7).
        positions: Of the tool [m], shape (K, 3).
        picture_stamps_ns: When the pictures were taken, shape (N,) [ns].
        pictures: Camera to RGB pictures, shape (N, 128, 128, 3).
    """

    stamps_ns: np.ndarray
    q: np.ndarray
    positions: np.ndarray
    picture_stamps_ns: np.ndarray
    pictures: dict[str, np.ndarray]


@pytest.fixture(scope="session")
def swayed() -> Swayed:
    """What the simulated arm and its cameras did during a sway of 20 s."""
    pytest.importorskip("muse_core.environments.panda.mujoco_gl", exc_type=ImportError)
    from muse_core.control.kinematics import PandaKinematics
    from muse_core.control.limits import default_limits
    from muse_core.control.motion import MotionController
    from muse_core.control.state import ArmAction
    from muse_core.environments.panda.world import PandaWorld
    from muse_ros.calibration.motion import sway

    world = PandaWorld("lift")
    world.reset(0)
    motion = MotionController(PandaKinematics(default_limits()), default_limits())
    motion.anchor(world.state())
    due = {50 * PERIOD_NS + each.stamp_ns: each for each in sway(20.0)}
    states, pictures = [], {camera: [] for camera in CAMERAS}
    for now_ns in range(0, 2100 * PERIOD_NS, PERIOD_NS):
        states.append(world.state())
        if now_ns % (5 * PERIOD_NS) == 0:
            for camera in CAMERAS:
                pictures[camera].append(world.render(camera))
        if (action := due.get(now_ns)) is not None:
            motion.accept(
                ArmAction(action.space, action.values, action.period_s, now_ns + 1, "replay", deadman=True), now_ns + 1
            )
        world.advance(motion.update(now_ns + 1, states[-1]), PERIOD_NS * 1e-9)
    world.close()
    stamps_ns = START_NS + np.arange(len(states)) * PERIOD_NS
    return Swayed(
        stamps_ns,
        np.array([each.q for each in states]),
        np.array([each.ee_position for each in states]),
        stamps_ns[::5],
        {camera: np.array(each) for camera, each in pictures.items()},
    )


@pytest.fixture
def swayed_bag(swayed: Swayed, tmp_path: Path) -> Callable[..., Path]:
    """``swayed_bag(front=0.043, wrist=0.0)`` writes a bag of cameras so late [s], heard 3 ms later."""
    from muse_core.images import encode_jpeg

    def write(name: str = "bag", contract: Contract | None = None, namespace: str = "", **late_s: float) -> Path:
        sent = []
        for stamp_ns, q in zip(swayed.stamps_ns.tolist(), swayed.q, strict=True):
            joints = {"name": JOINTS, "position": np.append(q, [0.04, 0.04]), "velocity": np.zeros(9)}
            message = make("sensor_msgs/msg/JointState", header=header(stamp_ns, ""), effort=np.zeros(9), **joints)
            sent.append(Sent(f"{namespace}/panda/joint_states", message, stamp_ns + 1_000_000))
        for camera, pictures in swayed.pictures.items():
            for taken_ns, picture in zip(swayed.picture_stamps_ns.tolist(), pictures, strict=True):
                stamp_ns = taken_ns + round(late_s.get(camera, 0.0) * 1e9)
                message = jpeg(stamp_ns, encode_jpeg(picture))
                sent.append(Sent(f"{namespace}/cameras/{camera}/image/compressed", message, stamp_ns + 3_000_000))
        return write_bag(tmp_path / name, sorted(sent, key=lambda each: each.received_ns), contract)

    return write
