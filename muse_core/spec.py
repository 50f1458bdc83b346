"""The spec: what every array is called, its shape, dtype, unit, limits and role.

One spec is shared by environment, dataset, model, policy and recorder, so that they cannot disagree. Data itself is a
plain ``dict[str, numpy.ndarray]``; a spec checks it and makes fake data of the right form for tests and warm-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

Arrays = dict[str, np.ndarray]  # data, by the names of a spec
Role = Literal["observation", "action", "goal", "output", "episode"]
ROLES: tuple[str, ...] = get_args(Role)
QUATERNION = "quaternion xyzw"  # a unit that models and augmentation know


class SpecError(ValueError):
    """An array is not what its spec says; the message names the key, what was expected and what was found."""


@dataclass(frozen=True)
class ArraySpec:
    """One named array.

    Attributes:
        shape: Shape of one time step, without batch or time dimensions.
        dtype: numpy dtype name, such as ``float32`` or ``uint8``; ``str`` for text of any length.
        unit: SI unit or convention in plain text (``m``, ``rad``, ``rgb``, ``quaternion xyzw``).
        low: Smallest legal value, where there is one.
        high: Largest legal value, where there is one.
        role: What the array is for. One of the role ``episode`` belongs to a whole episode: it has no time dimension.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    unit: str = ""
    low: float | None = None
    high: float | None = None
    role: Role = "observation"

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "dtype", dtype_name(np.dtype(self.dtype)))
        if any(n < 1 for n in self.shape):
            raise SpecError(f"shape must hold positive numbers, got {self.shape}")
        if self.role not in ROLES:
            raise SpecError(f"role must be one of {', '.join(ROLES)}, got {self.role!r}")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise SpecError(f"low must not exceed high, got low={self.low}, high={self.high}")

    @property
    def is_quaternion(self) -> bool:
        """Whether this is an orientation as a unit quaternion, the real part last."""
        return self.unit == QUATERNION

    @property
    def is_image(self) -> bool:
        """Whether this is a (height, width, channels) array of bytes."""
        return len(self.shape) == 3 and self.dtype == "uint8"

    @property
    def quaternion(self) -> slice | None:
        """Which numbers are a quaternion xyzw, as the unit says: all four, or those behind the position of a pose."""
        if self.unit == "quaternion xyzw" and self.shape == (4,):
            return slice(0, 4)
        if self.unit.startswith("m, quaternion xyzw") and len(self.shape) == 1 and self.shape[0] >= 7:
            return slice(3, 7)
        return None

    def check(self, name: str, array: np.ndarray, leading: int = 0, finite: bool = True) -> None:
        """Raise unless `array` has this dtype and shape (behind `leading` free dimensions) and legal, finite values.

        Args:
            name: Its key, for messages.
            array: The values.
            leading: Free dimensions before its own.
            finite: Whether values that are not finite are refused.

        Raises:
            SpecError: saying what was expected and what was found.
        """
        array = np.asarray(array)
        if array.shape[leading:] != self.shape or array.ndim != leading + len(self.shape):
            free = ", ".join(["any"] * leading + [str(n) for n in self.shape])
            raise SpecError(f"{name!r}: expected shape ({free}), got {array.shape}")
        if dtype_name(array.dtype) != self.dtype:
            raise SpecError(f"{name!r}: expected dtype {self.dtype}, got {dtype_name(array.dtype)}")
        if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
            raise SpecError(f"{name!r}: {int((~np.isfinite(array)).sum())} of {array.size} values are not finite")
        if self.low is not None and array.size and array.min() < self.low:
            raise SpecError(f"{name!r}: expected values >= {self.low} {self.unit}, got {array.min()}")
        if self.high is not None and array.size and array.max() > self.high:
            raise SpecError(f"{name!r}: expected values <= {self.high} {self.unit}, got {array.max()}")

    def zeros(self, *leading: int) -> np.ndarray:
        """An array of zeros of shape ``(*leading, *shape)``."""
        return np.zeros((*leading, *self.shape), dtype=self.dtype)

    def sample(self, rng: np.random.Generator, *leading: int) -> np.ndarray:
        """Random legal values of shape ``(*leading, *shape)``: fake data for tests and warm-up."""
        dtype = np.dtype(self.dtype)
        size = (*leading, *self.shape)
        if dtype.kind == "U":
            return np.zeros(size, dtype)
        if dtype.kind == "b":
            return rng.integers(0, 2, size).astype(dtype)
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            low = info.min if self.low is None else int(self.low)
            high = info.max if self.high is None else int(self.high)
            return rng.integers(low, high, size, dtype=dtype, endpoint=True)
        low, high = self._float_range()
        return rng.uniform(low, high, size).astype(dtype)

    def _float_range(self) -> tuple[float, float]:
        if self.low is not None and self.high is not None:
            return self.low, self.high
        if self.low is not None:
            return self.low, self.low + 1.0
        if self.high is not None:
            return self.high - 1.0, self.high
        return -1.0, 1.0


def dtype_name(dtype: np.dtype) -> str:
    """The name that a spec gives a dtype: numpy's own, but ``str`` for text of any length."""
    return "str" if dtype.kind == "U" else dtype.name


class Spec(Mapping[str, ArraySpec]):
    """An ordered, immutable mapping from key to :class:`ArraySpec`."""

    def __init__(self, arrays: Mapping[str, ArraySpec]) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, name: str) -> ArraySpec:
        try:
            return self._arrays[name]
        except KeyError:
            raise KeyError(f"no array named {name!r} in the spec; it has {', '.join(self._arrays) or 'none'}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        rows = (f"{name}: {a.dtype}{list(a.shape)} [{a.unit}] {a.role}" for name, a in self.items())
        return f"Spec({'; '.join(rows)})"

    def select(self, names: Mapping[str, Any] | tuple[str, ...] | list[str]) -> Spec:
        """The named arrays, in the order given.

        Raises:
            KeyError: naming the missing key and those that exist.
        """
        return Spec({name: self[name] for name in names})

    def check(self, data: Mapping[str, np.ndarray], leading: int = 0) -> None:
        """Raise unless `data` holds every array of this spec, each as described. Further keys are allowed.

        Args:
            data: The arrays.
            leading: Dimensions before each array's own, the last of them time, which what belongs to a whole episode
                lacks.

        Raises:
            SpecError: naming the key, what was expected and what was found.
        """
        missing = [name for name in self if name not in data]
        if missing:
            raise SpecError(f"missing {', '.join(missing)}; found {', '.join(data) or 'nothing'}")
        for name, array in self.items():
            array.check(name, data[name], max(0, leading - 1) if array.role == "episode" else leading)

    def zeros(self, *leading: int) -> dict[str, np.ndarray]:
        """Zeros for every array; the last leading dimension is time, which what belongs to a whole episode lacks."""
        return {name: array.zeros(*_times(array, leading)) for name, array in self.items()}

    def sample(self, rng: np.random.Generator, *leading: int) -> dict[str, np.ndarray]:
        """Random legal data for every array, of the shapes of :meth:`zeros`."""
        return {name: array.sample(rng, *_times(array, leading)) for name, array in self.items()}

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain data for JSON and checkpoints; :meth:`from_dict` reads it back."""
        return {name: {**asdict(array), "shape": list(array.shape)} for name, array in self.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Mapping[str, Any]]) -> Spec:
        """Read what :meth:`to_dict` wrote.

        Raises:
            SpecError: naming the key and the field that is wrong.
        """
        arrays = {}
        for name, fields in data.items():
            try:
                arrays[name] = ArraySpec(**fields)
            except (TypeError, SpecError) as error:
                raise SpecError(f"spec of {name!r}: {error}") from error
        return cls(arrays)


def _times(array: ArraySpec, leading: tuple[int, ...]) -> tuple[int, ...]:
    return leading[:-1] if array.role == "episode" else leading
