"""Set-points as they travel to a Polymetis server: TorchScript archives whose `forward` gives a dictionary of tensors.

Scripting takes milliseconds, and saving half of one where nothing is in the processor's caches, as between two
set-points: a container is scripted and saved once, and its values are then replaced where they lie in the archive.
Importing this imports torch.
"""

# ruff: noqa: UP006, UP035 - torch 1.13 cannot script list[...] and dict[...]

# No `from __future__ import annotations`: TorchScript reads the annotations of attributes as objects.
from typing import Dict

import numpy as np
import torch
from torch import Tensor

from muse_ros.polymetis.controller_limits import LONGEST_DURATION_S
from muse_ros.polymetis.controllers import saved, scripted
from muse_ros.polymetis.stored_values import StoredValues


class _Container(torch.nn.Module):
    parameters_of_update: Dict[str, Tensor]

    def __init__(self, leader: int) -> None:
        super().__init__()
        self.parameters_of_update = {
            "leader": torch.tensor([leader], dtype=torch.float64),
            "position": torch.zeros(7, dtype=torch.float64),
            "velocity": torch.zeros(7, dtype=torch.float64),
            "duration": torch.zeros(1, dtype=torch.float64),
            "number": torch.zeros(1, dtype=torch.float64),
        }

    def forward(self) -> Dict[str, Tensor]:
        return self.parameters_of_update


class _Sign(torch.nn.Module):
    parameters_of_update: Dict[str, Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.parameters_of_update = {"leader_lives": torch.ones(1)}

    def forward(self) -> Dict[str, Tensor]:
        return self.parameters_of_update


def sign_of_life() -> bytes:
    """What `GravityCompensation` waits for, again and again."""
    return saved(scripted(_Sign()))


class SetPointArchive:
    """Packs set-points for `JointImpedance`. Not for several threads at once.

    Args:
        leader: Of the controllers that they are for; others refuse them.
    """

    def __init__(self, leader: int = 0) -> None:
        container = scripted(_Container(leader))
        # no other values of the archive: by these each is found in it
        marks = {name: np.arange(1.0, 8.0) * np.pi * k for k, name in enumerate(("position", "velocity"), start=1)}
        marks |= {name: np.array([np.pi * k]) for k, name in enumerate(("duration", "number"), start=20)}
        for name, mark in marks.items():
            container.parameters_of_update[name].copy_(torch.from_numpy(mark))
        self._values = StoredValues(saved(container), {name: mark.tobytes() for name, mark in marks.items()})

    def pack(self, position: np.ndarray, velocity: np.ndarray, duration_s: float, number: int) -> bytes:
        """One set-point.

        Args:
            position: Of the joints at the set-point [rad], shape (7,).
            velocity: With which they go through it [rad/s], shape (7,). Zeros where the arm is to stand there: a stream
                of moving set-points with zeros stops and goes.
            duration_s: From the set-point before this one to this one, along the motion (not between their departures),
                above 0 and at most 1 [s].
            number: Counts up with each set-point of a controller; from which number on does not matter.

        Raises:
            ValueError: A shape is wrong, a value not finite, the duration or the number out of range.
        """
        position, velocity = np.asarray(position, dtype=np.float64), np.asarray(velocity, dtype=np.float64)
        if position.shape != (7,) or velocity.shape != (7,):
            raise ValueError(f"a set-point has 7 positions and 7 velocities, found {position.shape}, {velocity.shape}")
        if not (np.isfinite(position).all() and np.isfinite(velocity).all()):
            raise ValueError(f"a set-point must be finite, found {position.tolist()} and {velocity.tolist()}")
        if not 0.0 < duration_s <= LONGEST_DURATION_S or not 0 <= number < 2**53:
            raise ValueError(f"a set-point needs a duration in (0, 1] s and a number, found {duration_s} and {number}")
        values = {"position": position, "velocity": velocity, "duration": duration_s, "number": number}
        return self._values.replaced({name: np.array(value, "<f8").tobytes() for name, value in values.items()})
