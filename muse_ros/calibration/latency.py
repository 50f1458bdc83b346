"""How much later a camera's pictures are stamped than the arm's state, from pictures of an arm that moves. Pure numpy.

What a camera sees depends on where the arm is: at the right delay every picture is a smooth function of the state at
its instant, whichever way the arm was going; at a wrong one the way there and the way back give two pictures of one
pose. So for each delay of a range the pictures are fitted by polynomials of the state at (stamp - delay), and the delay
that leaves least is taken. Leaving out one eighth of the recording at a time says how far that is to be trusted.

It measures one clock against another: a camera's computer whose clock is off by 30 ms is 30 ms late.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

EARLIEST_S = -0.2
"""Pictures stamped so much before the state would be: a state that is late is found out, not taken for zero."""
STEP_S = 0.01
FEWEST = 100
COMPONENTS = 12
"""So many of the ways in which the pictures change most; the rest is mostly noise."""
ENOUGH_OF_MOTION = 0.99
LARGEST_ERROR_S = 0.005
"""So much the method may err, whatever it says: joints under a soft controller follow each other with a lag [s]."""
SMALLEST_RANGE = 0.01
"""A joint that turns less [rad], or a tool that moves less [m], did not move."""
BLOCKS = 8
PICTURES_PER_TERM = 8


class CalibrationError(ValueError):
    """A delay cannot be estimated; the message says of what, why, and what to do."""


@dataclass(frozen=True)
class Delay:
    """An estimated delay.

    Attributes:
        delay_s: Stamp of a picture less the stamp of the state of the same instant [s].
        error_s: Standard error of that [s].
        explained: Share of the pictures' changes that follows the arm, 0 to 1.
        tried_s: Delays tried, rising, shape (D,) [s].
        left: Share of the pictures' changes that is left at each of them, shape (D,).
        seconds: When the pictures used were stamped, since the first state, shape (N,) [s].
        seen: Of each picture, along the way in which pictures change most, shape (N,) [grey levels].
        fitted: The same by the state at `delay_s`.
        unshifted: The same by the state at the pictures' own stamps, by the fit of `delay_s`.
    """

    delay_s: float
    error_s: float
    explained: float
    tried_s: np.ndarray
    left: np.ndarray
    seconds: np.ndarray
    seen: np.ndarray
    fitted: np.ndarray
    unshifted: np.ndarray

    @property
    def doubt(self) -> str:
        """Why this is not to be relied on, and what to do; empty where it is."""
        if self.left.argmin() in (0, len(self.left) - 1):
            return (
                f"no delay between {self.tried_s[0]:g} and {self.tried_s[-1]:g} s fits best: is it longer (--longest), "
                "or does this camera not see the arm or move with it?"
            )
        if self.error_s > LARGEST_ERROR_S:
            return (
                f"it is uncertain by {1e3 * self.error_s:.0f} ms, more than {1e3 * LARGEST_ERROR_S:.0f}: let the arm "
                "move for longer, back and forth over the same places, in view of this camera and with nothing else "
                "moving"
            )
        if self.delay_s < -2.0 * self.error_s - LARGEST_ERROR_S:
            return (
                f"the pictures are stamped {-1e3 * self.delay_s:.1f} ms before the state of the same instant: it is "
                "the state that is late, or the two clocks differ; a latency_s below 0 cannot be"
            )
        return ""

    @property
    def latency_s(self) -> float:
        """The delay as a contract takes it: not below 0, to a tenth of a millisecond [s]."""
        return max(0.0, round(self.delay_s, 4))


def estimate_delay(
    stamps_ns: np.ndarray,
    pictures: np.ndarray,
    state_stamps_ns: np.ndarray,
    states: np.ndarray,
    longest_s: float = 0.5,
) -> Delay:
    """Estimate how much later pictures are stamped than states.

    Args:
        stamps_ns: Of the pictures, rising, shape (N,) [ns].
        pictures: Small and grey, so that what moves passes gradually from pixel to pixel, shape (N, H, W).
        state_stamps_ns: Rising, shape (K,) [ns].
        states: Joints [rad] or a position [m], shape (K, S).
        longest_s: Longest delay that is looked for [s].

    Raises:
        CalibrationError: where there are too few pictures, or neither arm nor pictures change.
    """
    tried = np.arange(round(EARLIEST_S / STEP_S), round(longest_s / STEP_S) + 1) * STEP_S
    state_s, picture_s = ((each - state_stamps_ns[0]) * 1e-9 for each in (state_stamps_ns, stamps_ns))
    inside = (picture_s - tried[-1] >= state_s[0]) & (picture_s - tried[0] <= state_s[-1])
    if inside.sum() < FEWEST:
        raise CalibrationError(
            f"{inside.sum()} pictures with the arm's state {tried[-1]:g} s before and {-tried[0]:g} s after them; "
            f"{FEWEST} are the fewest: record the moving arm for longer"
        )
    picture_s = picture_s[inside]
    signal = _changes(pictures[inside])
    motion = _motion(states)
    degree = _degree(motion.shape[1], len(picture_s))

    def basis(delay_s: float) -> np.ndarray:
        at = np.stack([np.interp(picture_s - delay_s, state_s, each) for each in motion.T], axis=1)
        return np.concatenate([_polynomials(at, degree), _drift(picture_s)], axis=1)

    bases = [basis(delay_s) for delay_s in tried]
    everything = np.ones(len(picture_s), bool)
    left = _left(bases, signal, everything)
    delay_s = _minimum(tried, left)
    weights = np.linalg.lstsq(basis(delay_s), signal[:, 0], rcond=None)[0]
    return Delay(
        delay_s=delay_s,
        error_s=_jackknife(tried, bases, signal),
        explained=1.0 - float(left.min()),
        tried_s=tried,
        left=left,
        seconds=picture_s,
        seen=signal[:, 0],
        fitted=basis(delay_s) @ weights,
        unshifted=basis(0.0) @ weights,
    )


def _changes(pictures: np.ndarray) -> np.ndarray:
    """How each picture differs from the mean one, along the ways in which they differ most, shape (N, COMPONENTS)."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    along, sizes, _ = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    if sizes[0] < 1e-6:
        raise CalibrationError("its pictures are all the same: is the camera frozen?")
    return (along * sizes)[:, :COMPONENTS]


def _motion(states: np.ndarray) -> np.ndarray:
    """The state along the few directions in which it moved, each of unit size, shape (K, 1 to 3)."""
    largest = np.ptp(states, axis=0).max()
    if largest < SMALLEST_RANGE:
        raise CalibrationError(f"the arm hardly moved, by {largest:.4f} rad (or m): move it in the camera's view")
    along, sizes, _ = np.linalg.svd(states - states.mean(axis=0), full_matrices=False)
    shares = np.cumsum(sizes**2) / (sizes**2).sum()
    count = min(3, int(np.searchsorted(shares, ENOUGH_OF_MOTION)) + 1)
    return along[:, :count] * np.sqrt(len(states))


def _degree(directions: int, pictures: int) -> int:
    """The highest degree, 2 to 4, for which there are enough pictures."""
    counts = {degree: len(list(_terms(directions, degree))) for degree in (4, 3, 2)}
    return next((degree for degree, count in counts.items() if count * PICTURES_PER_TERM <= pictures), 2)


def _terms(directions: int, degree: int) -> list[tuple[int, ...]]:
    return [term for n in range(degree + 1) for term in combinations_with_replacement(range(directions), n)]


def _polynomials(at: np.ndarray, degree: int) -> np.ndarray:
    return np.stack([np.prod(at[:, term], axis=1) for term in _terms(at.shape[1], degree)], axis=1)


def _drift(seconds: np.ndarray) -> np.ndarray:
    """Light that changes slowly, whatever the arm does."""
    through = seconds / seconds[-1]
    return np.stack([through, through**2], axis=1)


def _left(bases: list[np.ndarray], signal: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Share of the signal's variance that no polynomial of the state at each delay explains."""
    wanted = signal[used] - signal[used].mean(axis=0)
    total = (wanted**2).sum()

    def rest(basis: np.ndarray) -> float:
        axes, _ = np.linalg.qr(basis[used])
        return float(((wanted - axes @ (axes.T @ wanted)) ** 2).sum() / total)

    return np.array([rest(basis) for basis in bases])


def _minimum(tried: np.ndarray, left: np.ndarray) -> float:
    """Where a parabola through the least value and its neighbours is lowest; the least value's place at an end."""
    at = int(left.argmin())
    if at in (0, len(left) - 1):
        return float(tried[at])
    before, least, after = left[at - 1 : at + 2]
    bend = before - 2.0 * least + after
    return float(tried[at] + (STEP_S * 0.5 * (before - after) / bend if bend > 0.0 else 0.0))


def _jackknife(tried: np.ndarray, bases: list[np.ndarray], signal: np.ndarray) -> float:
    """Standard error of the delay, from leaving out one stretch of time after the other (Quenouille, Tukey)."""
    stretch = np.arange(len(signal)) * BLOCKS // len(signal)
    without = np.array([_minimum(tried, _left(bases, signal, stretch != block)) for block in range(BLOCKS)])
    return float(np.sqrt((BLOCKS - 1) / BLOCKS * ((without - without.mean()) ** 2).sum()))
