"""The scripted expert of the point mass: a policy that steers to the target from what the observation says."""

from __future__ import annotations

import numpy as np

from muse_core.environments.point_mass import MAX_ACCELERATION_M_S2, MAX_SPEED_M_S, Dynamics
from muse_core.spec import Arrays

APPROACH_PER_S = 1.5  # share of the remaining way covered in a second; slow enough to brake within the limits
FOLLOW_PER_S = 4.0  # share of the missing speed made up in a second


class PointMassExpert:
    """Heads straight for the target, slower the nearer it is. A function of the observation, without memory.

    Args:
        dynamics: As the environment's.
        noise: Standard deviation of the noise on each axis of the executed action, in its unit. The label has none.
        seed: Of the noise.
    """

    def __init__(self, dynamics: Dynamics = "velocity", noise: float = 0.0, seed: int = 0) -> None:
        self._dynamics = dynamics
        self._noise = noise
        self.seed(seed)
        self.reset()

    @property
    def label(self) -> Arrays | None:
        """What the last action was meant to be, without the noise; None before the first."""
        return self._label

    def seed(self, seed: int) -> None:
        """Let the noise from the next :meth:`reset` on follow from `seed`."""
        self._seed = int(seed)

    def reset(self) -> None:
        """Begin an episode, and the noise of the seed."""
        self._rng = np.random.default_rng([self._seed, 0x6E6F6973])
        self._label = None

    def act(self, observation: Arrays) -> Arrays:
        """The action for ``position``, ``velocity`` and ``goal/position``, shape (2,) float32 within its limits."""
        way = observation["goal/position"].astype(np.float64) - observation["position"]
        wanted = _capped(APPROACH_PER_S * way, MAX_SPEED_M_S)
        if self._dynamics == "velocity":
            meant, limit = wanted, MAX_SPEED_M_S
        else:
            limit = MAX_ACCELERATION_M_S2
            meant = _capped(FOLLOW_PER_S * (wanted - observation["velocity"]), limit)
        executed = np.clip(meant + self._noise * self._rng.standard_normal(2), -limit, limit)
        self._label = {"action": meant.astype(np.float32)}
        return {"action": executed.astype(np.float32)}


def _capped(vector: np.ndarray, longest: float) -> np.ndarray:
    length = float(np.linalg.norm(vector))
    return vector if length <= longest else vector * (longest / length)
