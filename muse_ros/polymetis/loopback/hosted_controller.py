"""One uploaded controller: a TorchScript module that answers a robot's state with torques, run as Polymetis runs it.

The archive comes from whoever may reach the port, and TorchScript can compute anything but cannot touch files or the
network; it is loaded for no other purpose. Must not import ROS.
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import numpy as np
import torch

WARM_UP_CALLS = 5
"""TorchScript compiles during its first calls: these are made before the controller is let at the arm."""


class TorchState:
    """The state dict that controllers are given: the same tensors each cycle, filled anew.

    Args:
        joints: How many the arm has.
    """

    def __init__(self, joints: int) -> None:
        self._timestamp = np.zeros(2, dtype=np.int32)
        names = ("joint_positions", "joint_velocities", "motor_torques_measured", "motor_torques_external")
        self._values = {name: np.zeros(joints, dtype=np.float32) for name in names}
        self.joints = joints
        self.tensors = {"timestamp": torch.from_numpy(self._timestamp)}
        self.tensors |= {name: torch.from_numpy(values) for name, values in self._values.items()}

    def fill(self, state: Any) -> None:
        """Take over the values of a RobotState message; what it leaves out stays as it was."""
        self._timestamp[:] = state.timestamp.seconds, state.timestamp.nanos
        for name, values in self._values.items():
            given = getattr(state, name)
            if len(given) == self.joints:
                values[:] = given


class HostedController:
    """A controller, loaded and warm.

    Args:
        archive: A TorchScript module as `torch.jit.save` writes it.
        state: The tensors that it will read.

    Raises:
        Exception: whatever libtorch raises of an archive that it cannot load or run; the server passes the text on.
    """

    def __init__(self, archive: bytes, state: TorchState) -> None:
        self._module = load(archive)
        self._state = state
        fresh = copy.deepcopy(self._module)  # the calls below may change the controller's own state
        for _ in range(WARM_UP_CALLS):
            self.torques()
        self._module = fresh

    def torques(self) -> list[float]:
        """The controller's answer to the state as it is filled now [N m], one a joint."""
        with torch.no_grad():
            answer = self._module.forward(self._state.tensors)
        return answer["joint_torques"][: self._state.joints].tolist()

    def update(self, parameters: dict[str, torch.Tensor]) -> None:
        """Give the controller new parameters; it raises where it does not want them."""
        with torch.no_grad():
            self._module.update(parameters)

    def is_terminated(self) -> bool:
        """Whether the controller says that its work is done."""
        return bool(self._module.is_terminated())

    def reset(self) -> None:
        """Have the controller begin anew; only the default controller is asked to."""
        self._module.reset()


def parameters(container: Any) -> dict[str, torch.Tensor]:
    """What a loaded container of parameters holds: the answer of its `forward`, which takes no arguments.

    Raises:
        Exception: whatever it raises.
    """
    with torch.no_grad():
        return container.forward()


def load(archive: bytes) -> Any:
    """The module of an archive."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit: it is what the protocol carries
        return torch.jit.load(io.BytesIO(archive), map_location="cpu")
