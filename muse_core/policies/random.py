"""A policy that acts at random within limits: the least that a trained one must beat, and a test of environments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from muse_core.spec import Arrays, Spec

RANDOM = "random"
"""What a person writes in place of a checkpoint."""

Limits = Mapping[str, tuple[np.ndarray, np.ndarray]]
EE_DELTA_LIMITS = (np.array([-0.02] * 3 + [-0.05] * 3 + [0.0]), np.array([0.02] * 3 + [0.05] * 3 + [1.0]))
"""What chance asks of an arm in one `ee_delta` action [m, rad, 1]: some 0.2 m/s and 0.5 rad/s at 10 Hz."""


class RandomPolicy:
    """Uniform actions within the limits, which are part of what may be drawn.

    Args:
        action_spec: What to return.
        seed: Of the actions. Every :meth:`reset` begins the same stream anew, unless :meth:`seed` gives another.
        limits: Key to (low, high), each a number or an array of the action's shape; for keys without limits in the
            spec, and instead of them.

    Raises:
        ValueError: naming an action that has no limits, or whose limits do not fit it.
    """

    def __init__(self, action_spec: Spec, seed: int = 0, limits: Limits | None = None) -> None:
        limits = limits or {}
        unknown = [key for key in limits if key not in action_spec]
        if unknown:
            raise ValueError(f"limits of {', '.join(unknown)}, but the actions are {', '.join(action_spec)}")
        self._spec = action_spec
        self._limits = {key: _limits(key, action_spec, limits.get(key)) for key in action_spec}
        self.seed(seed)
        self.reset()

    def seed(self, seed: int) -> None:
        """Let the actions from the next :meth:`reset` on follow from `seed`."""
        self._seed = int(seed)

    def reset(self) -> None:
        """Begin the stream of the seed."""
        self._rng = np.random.default_rng([self._seed, 0x72616E64])

    def act(self, observation: Arrays) -> Arrays:
        """Random actions, whatever is observed."""
        return {key: self._draw(key) for key in self._spec}

    def _draw(self, key: str) -> np.ndarray:
        array, (low, high) = self._spec[key], self._limits[key]
        dtype = np.dtype(array.dtype)
        if dtype.kind in "iub":
            return self._rng.integers(
                np.ceil(low).astype(np.int64), np.floor(high).astype(np.int64), endpoint=True
            ).astype(dtype)
        # Rounding to the dtype may step over a limit that the dtype cannot hold.
        drawn = self._rng.uniform(low, high).astype(dtype)
        return np.clip(drawn, _inner(low, dtype, np.inf), _inner(high, dtype, -np.inf))


def _limits(key: str, spec: Spec, given: tuple[np.ndarray, np.ndarray] | None) -> tuple[np.ndarray, np.ndarray]:
    array = spec[key]
    low, high = (array.low, array.high) if given is None else given
    if array.dtype == "bool":
        low, high = (0, 1) if given is None else given
    if low is None or high is None:
        raise ValueError(f"{key!r} has no limits in the spec to draw between; give limits={{{key!r}: (low, high)}}")
    try:
        bounds = [np.broadcast_to(np.asarray(bound, np.float64), array.shape) for bound in (low, high)]
    except ValueError:
        raise ValueError(f"{key!r}: limits {low}, {high} do not fit an action of shape {array.shape}") from None
    if not (np.isfinite(bounds).all() and (bounds[0] <= bounds[1]).all()):
        raise ValueError(f"{key!r}: limits must be finite, low at most high, got {low}, {high}")
    return bounds[0], bounds[1]


def _inner(bound: np.ndarray, dtype: np.dtype, towards: float) -> np.ndarray:
    """The nearest value of `dtype` that does not lie outside `bound`, seen from the side of `towards`."""
    rounded = bound.astype(dtype)
    outside = rounded < bound if towards > 0 else rounded > bound
    return np.where(outside, np.nextafter(rounded, dtype.type(towards)), rounded)
