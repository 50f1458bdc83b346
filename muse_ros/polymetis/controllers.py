"""The controllers that Muse sends to a Polymetis server, as the bytes that travel.

`joint_impedance` follows set-points (set_points.py), `gravity_compensation` lets a hand guide the arm. Both begin where
the arm is measured in their first cycle: nothing about the pose travels with them. Importing this imports torch.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import torch

from muse_ros.polymetis.controller_limits import GUIDED_DAMPING, ControllerLimits
from muse_ros.polymetis.gravity_compensation import GravityCompensation
from muse_ros.polymetis.joint_impedance import JointImpedance

CONTROL_HZ = 1000.0
"""Of the Panda's servers. Matters only where the states' stamps do not advance."""


def joint_impedance(
    kp: Sequence[float],
    kd: Sequence[float],
    *,
    hz: float = CONTROL_HZ,
    limits: ControllerLimits | None = None,
    leader: int = 0,
) -> bytes:
    """The archive of a controller that follows set-points.

    Args:
        kp: Stiffnesses [N m/rad], 7 of them.
        kd: Dampings [N m s/rad], 7 of them.
        hz: Control cycles a second, as the server's metadata have it.
        limits: What the controller keeps; those of a Panda if not given.
        leader: Below 2^53. It takes the set-points of a `SetPointArchive` with this number alone.

    Raises:
        ValueError: A gain is not positive and finite or far too large, their number is not 7, or `hz` is no rate.
    """
    return archive(JointImpedance(kp, kd, hz, limits or ControllerLimits(), leader))


def gravity_compensation(
    kd: Sequence[float] = GUIDED_DAMPING, *, hz: float = CONTROL_HZ, limits: ControllerLimits | None = None
) -> bytes:
    """The archive of a controller under which the arm floats.

    Args:
        kd: Dampings of fast joints [N m s/rad], 7 of them; a guiding hand feels a part of it.
        hz: Control cycles a second, as the server's metadata have it.
        limits: What the controller keeps; those of a Panda if not given.

    Raises:
        ValueError: A damping is not positive and finite or far too large, their number is not 7, or `hz` is no rate.
    """
    return archive(GravityCompensation(kd, hz, limits or ControllerLimits()))


def archive(module: torch.nn.Module) -> bytes:
    """A module as TorchScript, as it travels."""
    return saved(scripted(module))


def scripted(module: torch.nn.Module) -> torch.jit.ScriptModule:
    """A module as TorchScript. That torch calls it deprecated is of no use to who starts an arm: servers run 1.13.1."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit", category=DeprecationWarning)
        return torch.jit.script(module.eval())


def saved(module: torch.jit.ScriptModule) -> bytes:
    """The bytes of a scripted module."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit", category=DeprecationWarning)
        torch.jit.save(module, buffer)
    return buffer.getvalue()
