"""Presets: initial conditions of an episode, asked for by name or given as they are.

``reset(options={"preset": "start_07"})`` begins at one of an environment's own starting states, the same in every run;
``reset(options={"preset": {"cube": [0.5, 0.0, 0.3]}})`` says it explicitly. What a preset does not name, the seed
decides. An environment keeps its named ones in `presets`; nothing is ever given by position in a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muse_core.configs import suggestion

Preset = dict[str, Any]
Presets = Mapping[str, Preset]
START_COUNT = 36  # starting states in a sweep
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


def chosen_preset(options: Mapping[str, Any] | None, presets: Presets) -> Preset:
    """The initial conditions that reset options ask for; empty where they ask for none.

    Args:
        options: What `reset` was given: nothing, or ``{"preset": name or {quantity: values}}``.
        presets: The environment's own, by name.

    Raises:
        ValueError: on another option, an unknown name, or a preset that is neither a name nor a mapping.
    """
    unknown = [str(key) for key in options or {} if key != "preset"]
    if unknown:
        raise ValueError(f"reset has no option {unknown[0]!r}{suggestion(unknown[0], ['preset'])}")
    preset = (options or {}).get("preset")
    if preset is None:
        return {}
    if isinstance(preset, Mapping):
        return dict(preset)
    if not isinstance(preset, str):
        raise ValueError(f"a preset is a name or a mapping from what it sets to values, got {preset!r}")
    if preset not in presets:
        raise ValueError(f"no preset named {preset!r}{suggestion(preset, list(presets)) if presets else ': none here'}")
    return dict(presets[preset])


def check_names(preset: Preset, known: Sequence[str]) -> None:
    """Raise unless a preset sets only what can be set.

    Raises:
        ValueError: naming the first that cannot, and those that can.
    """
    for name in preset:
        if name not in known:
            raise ValueError(f"preset: nothing named {name!r} can be set; there is {', '.join(known) or 'nothing'}")


def numbers(name: str, values: Any, parts: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """The values of one entry of a preset, each within its range.

    Args:
        name: Of the entry, for messages.
        values: One number for each part, in order.
        parts: What each number is, with its unit, to its least and largest value.

    Returns:
        Shape (len(parts),) float64.

    Raises:
        ValueError: saying which number is wrong and what it may be.
    """
    expected = ", ".join(f"{part} in {low:.4g} .. {high:.4g}" for part, (low, high) in parts.items())
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        array = np.full(0, np.nan)
    if array.shape != (len(parts),):
        raise ValueError(f"preset: {name!r} takes [{expected}], got {values!r}")
    for number, (part, (low, high)) in zip(array, parts.items(), strict=True):
        if not low - 1e-9 <= number <= high + 1e-9:  # not so of NaN either; the margin is for rounded figures
            raise ValueError(f"preset: {name!r}: {part} must lie in {low:.4g} .. {high:.4g}, got {number:.4g}")
    return array


def spread_evenly(index: int, low: Sequence[float], high: Sequence[float]) -> np.ndarray:
    """Point number `index` of a sequence that fills a box evenly, however many are taken (Halton, 1960).

    Args:
        index: From 0 on.
        low: Least value in each dimension, shape (n,), n <= 8.
        high: Largest value in each dimension, shape (n,).

    Returns:
        Shape (n,) float64.
    """
    fractions = [_reversed_digits(index + 1, prime) for prime in _PRIMES[: len(low)]]
    return np.asarray(low) + np.asarray(fractions) * (np.asarray(high) - np.asarray(low))


def _reversed_digits(number: int, base: int) -> float:
    """The digits of a number in a base, read backwards behind the point: 6 is 110 in base 2, so 0.011 or 0.375."""
    value, place = 0.0, 1.0 / base
    while number:
        number, digit = divmod(number, base)
        value += digit * place
        place /= base
    return value
