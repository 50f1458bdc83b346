"""What the values of command-line flags may be, as argparse's ``type``: each names what it expected and found."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def positive(text: str) -> float:
    """A number above zero.

    Raises:
        ArgumentTypeError: when it is none.
    """
    value = _number(text, float, "a number")
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"must be positive, got {text}")
    return value


def share(text: str) -> float:
    """A number of at least 0 and below 1.

    Raises:
        ArgumentTypeError: when it is none.
    """
    value = _number(text, float, "a number")
    if not 0.0 <= value < 1.0:
        raise argparse.ArgumentTypeError(f"must be at least 0 and below 1, got {text}")
    return value


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Makes the type of whole numbers from `low` to `high`, both included."""
    limits = f"at least {low}" if high is None else f"{low} to {high}"

    def check(text: str) -> int:
        value = int(_number(text, int, "a whole number"))
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"must be {limits}, got {text}")
        return value

    return check


def _number(text: str, kind: type, what: str) -> float:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be {what}, got {text!r}") from None
