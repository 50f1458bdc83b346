"""The scripted expert: steers the hand to a task's goal with capped `ee_delta` actions at 10 Hz.

The action is a function of what is measured now, so that a policy can learn it from observations. Noise goes on the
executed action only: demonstrations then visit states off the path, labelled with the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from muse_core.control.state import RobotState
from muse_core.environments.panda.scene import Pose
from muse_core.environments.panda.task import Goal, Task
from muse_core.environments.panda.tasks import find_task
from muse_core.geometry import euler_from_quaternion, quaternion_conjugate, quaternion_from_euler, quaternion_multiply

RATE_HZ = 10.0
SPEED_M_S = 0.22
TURN_RAD_S = 0.5
# Shares of the remaining way that one action goes: more overshoots, as the safety filter lets speed change slowly.
GAIN = 0.4
TURN_GAIN = 0.3
# The last action still runs for this long when the next one takes effect: the tool is taken to drift on until then.
PREVIEW_S = 0.04
_DOWN = np.array([1.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class ExpertAction:
    """One action of an expert, as `ee_delta`: translation [m], extrinsic-xyz Euler angles [rad], gripper (1 = closed).

    Attributes:
        executed: What the arm is to do, noise included, shape (7,) float32.
        label: What the expert meant, shape (7,) float32.
    """

    executed: np.ndarray
    label: np.ndarray


class Expert:
    """Acts in one task.

    Args:
        task: What to do.
        noise_m: Standard deviation of the noise on each axis of the executed translation [m].
        noise_rad: The same for the rotation [rad].
        seed: Of the noise.
    """

    def __init__(self, task: Task, noise_m: float = 0.0, noise_rad: float = 0.0, seed: int = 0) -> None:
        self._task = task
        self._noise = np.array([noise_m] * 3 + [noise_rad] * 3)
        self._seed = seed
        self.reset()

    def reset(self, seed: int | None = None) -> None:
        """Begin an episode; the same seed gives the same noise."""
        self._seed = self._seed if seed is None else seed
        self._rng = np.random.default_rng([self._seed, 0x6E6F6973])
        self._done = False

    @property
    def done(self) -> bool:
        """Whether the last goal said that nothing is left to do."""
        return self._done

    def act(self, state: RobotState, objects: Mapping[str, Pose]) -> ExpertAction:
        """The action for what is measured now."""
        goal = self._task.goal(state, objects)
        self._done = goal.done
        label = steer(state, goal)
        executed = label.copy()
        executed[:6] += goal.care * self._noise * self._rng.standard_normal(6)
        return ExpertAction(executed.astype(np.float32), label.astype(np.float32))


def steer(state: RobotState, goal: Goal) -> np.ndarray:
    """One capped `ee_delta` (7,) from the measured pose towards a goal."""
    position = state.ee_position + PREVIEW_S * state.ee_twist[:3]
    translation = _capped(GAIN * (goal.position - position), SPEED_M_S / RATE_HZ)
    wanted = quaternion_multiply(quaternion_from_euler(np.array([0.0, 0.0, goal.yaw])), _DOWN)
    turn = euler_from_quaternion(quaternion_multiply(wanted, quaternion_conjugate(state.ee_orientation)))
    rotation = _capped(TURN_GAIN * turn, TURN_RAD_S / RATE_HZ)
    return np.concatenate([translation, rotation, [goal.gripper]])


def make_expert(task: str, noise_m: float = 0.0, noise_rad: float = 0.0, seed: int = 0) -> Expert:
    """The expert of the task of this name.

    Raises:
        ValueError: on an unknown task; the message lists the known ones.
    """
    return Expert(find_task(task), noise_m, noise_rad, seed)


def _capped(vector: np.ndarray, longest: float) -> np.ndarray:
    length = float(np.linalg.norm(vector))
    return vector if length <= longest else vector * (longest / length)
