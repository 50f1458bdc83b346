"""Spaces of gymnasium as specs, and back: every space that is an array of fixed shape, alone or nested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from muse_core.spec import ArraySpec, Role, Spec, SpecError

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Leaf:
    """One array of a nested space.

    Attributes:
        path: Keys of Dict spaces and numbers of Tuple spaces that lead to it.
        space: The Box, Discrete, MultiDiscrete or MultiBinary there.
        array: What it is in a spec. A single number has shape (1,); float64 becomes float32, as everywhere in Muse.
    """

    path: Path
    space: spaces.Space
    array: ArraySpec

    def encode(self, value: Any) -> np.ndarray:
        """What the space's environment gives, as an array of its own that fits the spec."""
        return np.array(value, self.array.dtype).reshape(self.array.shape)

    def decode(self, name: str, array: np.ndarray) -> Any:
        """An array that fits the spec, as the space's environment takes it.

        Raises:
            SpecError: when one element lies beyond limits of its own, which a spec does not know.
        """
        if isinstance(self.space, spaces.Discrete):
            return self.space.dtype.type(array.item())
        shaped = array.reshape(self.space.shape).astype(self.space.dtype)
        if not isinstance(self.space, spaces.Box):
            if not self.space.contains(shaped):
                raise SpecError(f"{name!r}: expected values of {self.space}, got {shaped}")
            return shaped
        low, high = (limits.astype(self.array.dtype) for limits in (self.space.low, self.space.high))
        if (array.reshape(low.shape) < low).any() or (array.reshape(low.shape) > high).any():
            raise SpecError(f"{name!r}: expected values between {self.space.low} and {self.space.high}, got {shaped}")
        # A limit in float64 is not quite its float32. And a single number, as an array: the space wants that.
        return np.asarray(np.clip(shaped, self.space.low, self.space.high))


def find_leaves(space: spaces.Space, name: str, role: Role = "observation") -> dict[str, Leaf]:
    """The arrays of a space by name: keys of Dict and numbers of Tuple spaces joined by ``/``.

    Args:
        space: Any nesting of Dict and Tuple around Box, Discrete, MultiDiscrete and MultiBinary.
        name: What a space that is no Dict is called.
        role: Of the arrays.

    Raises:
        ValueError: on a space of another kind, or two arrays of one name; the message names it.
    """
    found: dict[str, Leaf] = {}
    for path, leaf in _walk(space, () if isinstance(space, spaces.Dict) else (name,)):
        key = "/".join(str(part) for part in path)
        if key in found:
            raise ValueError(f"two arrays of the space would be named {key!r}; rename one with a wrapper")
        inside = path if isinstance(space, spaces.Dict) else path[1:]
        try:
            found[key] = Leaf(inside, leaf, _array(leaf, role))
        except SpecError as error:
            raise ValueError(f"the space {key!r}, {leaf}, holds no array: {error}") from error
    return found


def spec_of(leaves: Mapping[str, Leaf]) -> Spec:
    """The spec of a space's arrays."""
    return Spec({name: leaf.array for name, leaf in leaves.items()})


def take_apart(leaves: Mapping[str, Leaf], value: Any) -> dict[str, np.ndarray]:
    """The arrays of one element of a space, in memory of their own."""
    arrays = {}
    for name, leaf in leaves.items():
        part = value
        for step in leaf.path:
            part = part[step]
        arrays[name] = leaf.encode(part)
    return arrays


def put_together(space: spaces.Space, leaves: Mapping[str, Leaf], arrays: Mapping[str, np.ndarray]) -> Any:
    """The element of a space that its arrays make.

    Raises:
        SpecError: naming an array with an element beyond its limits.
    """
    values = {leaf.path: leaf.decode(name, arrays[name]) for name, leaf in leaves.items()}
    return _assemble(space, values, ())


def space_of(array: ArraySpec) -> spaces.Space:
    """The space of one array of a spec; where the spec has no limits, a float has none and an integer its dtype's."""
    dtype = np.dtype(array.dtype)
    if dtype.kind == "b":
        return spaces.MultiBinary(array.shape)
    low, high = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    low, high = (default if limit is None else limit for limit, default in ((array.low, low), (array.high, high)))
    return spaces.Box(dtype.type(low), dtype.type(high), array.shape, dtype.type)


def _walk(space: spaces.Space, path: Path) -> Iterator[tuple[Path, spaces.Space]]:
    if isinstance(space, spaces.Dict):
        for key, inner in space.spaces.items():
            yield from _walk(inner, (*path, key))
    elif isinstance(space, spaces.Tuple):
        for index, inner in enumerate(space.spaces):
            yield from _walk(inner, (*path, index))
    elif isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        yield path, space
    else:
        where = "/".join(str(part) for part in path) or "the space"
        raise ValueError(
            f"{where}: a {type(space).__name__} space has no fixed shape; supported are Box, Discrete, MultiDiscrete, "
            "MultiBinary, and Dict and Tuple of them. Turn it into one of these with a gymnasium wrapper"
        )


def _assemble(space: spaces.Space, values: Mapping[Path, Any], path: Path) -> Any:
    if isinstance(space, spaces.Dict):
        return {key: _assemble(inner, values, (*path, key)) for key, inner in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_assemble(inner, values, (*path, index)) for index, inner in enumerate(space.spaces))
    return values[path]


def _array(space: spaces.Space, role: Role) -> ArraySpec:
    if isinstance(space, spaces.Discrete):
        return ArraySpec((1,), "int64", low=int(space.start), high=int(space.start + space.n - 1), role=role)
    if isinstance(space, spaces.MultiDiscrete):
        low, high = int(space.start.min()), int((space.start + space.nvec - 1).max())
        return ArraySpec(space.shape, "int64", low=low, high=high, role=role)
    if isinstance(space, spaces.MultiBinary):
        return ArraySpec(space.shape, "int8", low=0, high=1, role=role)
    if 0 in space.shape:
        raise SpecError(f"shape must hold positive numbers, got {space.shape}")
    dtype = "float32" if space.dtype.kind == "f" else space.dtype.name
    low, high = _loosest_limits(space, np.dtype(dtype))
    is_color = len(space.shape) == 3 and space.shape[-1] == 3 and dtype == "uint8"
    return ArraySpec(space.shape or (1,), dtype, "rgb" if is_color else "", low, high, role)


def _loosest_limits(space: spaces.Box, dtype: np.dtype) -> tuple[float | None, float | None]:
    """The least and largest limit of any element, rounded as values will be; none where it is the dtype's own."""
    low, high = dtype.type(space.low.min()), dtype.type(space.high.max())
    if dtype.kind == "f":
        return (float(low) if np.isfinite(low) else None), (float(high) if np.isfinite(high) else None)
    info = np.iinfo(dtype)
    return (int(low) if low > info.min else None), (int(high) if high < info.max else None)
