"""Rotations and delta poses in numpy: pure functions, quaternions as xyzw, angles in radians.

The one place where a quaternion is multiplied or an Euler angle is given a meaning. Everything that touches a pose
(control, simulator, experts, decoding, datasets) calls it. Leading dimensions broadcast. Imports numpy only.
"""

from __future__ import annotations

import numpy as np

IDENTITY_QUATERNION = (0.0, 0.0, 0.0, 1.0)
_TINY = 1e-12


def quaternion_multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The rotation `b` followed by the rotation `a`, both in the fixed frame.

    Args:
        a: Quaternion xyzw, shape (..., 4).
        b: Quaternion xyzw, shape (..., 4).

    Returns:
        Quaternion xyzw, shape (..., 4).
    """
    ax, ay, az, aw = _split(a)
    bx, by, bz, bw = _split(b)
    return _join(
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def quaternion_conjugate(q: np.ndarray) -> np.ndarray:
    """The inverse rotation of a unit quaternion xyzw, shape (..., 4)."""
    return np.asarray(q, dtype=np.float64) * np.array([-1.0, -1.0, -1.0, 1.0])


def quaternion_normalize(q: np.ndarray) -> np.ndarray:
    """The unit quaternion of `q`, shape (..., 4).

    Raises:
        ValueError: if a quaternion is zero or not finite: it stands for no rotation.
    """
    q = np.asarray(q, dtype=np.float64)
    norm = np.sqrt(np.add.reduce(q * q, axis=-1, keepdims=True))
    if not (np.isfinite(norm) & (norm >= _TINY)).all():
        raise ValueError(f"a quaternion must be finite and not zero, got {q.tolist()}")
    return q / norm


def quaternion_from_rotation_vector(v: np.ndarray) -> np.ndarray:
    """The rotation about the axis `v` by its length.

    Args:
        v: Rotation vector [rad], shape (..., 3).

    Returns:
        Quaternion xyzw, shape (..., 4).
    """
    v = np.asarray(v, dtype=np.float64)
    angle = np.sqrt(np.add.reduce(v * v, axis=-1, keepdims=True))
    # np.sinc(x) is sin(pi x) / (pi x): exact at zero, where the axis is undefined.
    return np.concatenate([0.5 * np.sinc(angle / (2.0 * np.pi)) * v, np.cos(0.5 * angle)], axis=-1)


def rotation_vector_from_quaternion(q: np.ndarray) -> np.ndarray:
    """The shortest rotation vector of a unit quaternion.

    Args:
        q: Quaternion xyzw, shape (..., 4).

    Returns:
        Rotation vector [rad], shape (..., 3), of length at most pi.
    """
    q = np.asarray(q, dtype=np.float64)
    q = np.where(q[..., 3:] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., :3], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., 3:])
    scale = np.where(sine < 1e-9, 2.0, angle / np.maximum(sine, _TINY))
    return scale * q[..., :3]


def turn_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The shortest rotation vector [rad] that turns orientation `a` into `b`, in the base frame.

    Args:
        a: Unit quaternion xyzw, shape (..., 4).
        b: The same.

    Returns:
        Shape (..., 3).
    """
    return rotation_vector_from_quaternion(quaternion_multiply(b, quaternion_conjugate(a)))


def quaternion_from_euler(e: np.ndarray) -> np.ndarray:
    """The rotation about the fixed x axis, then the fixed y axis, then the fixed z axis (extrinsic xyz).

    Args:
        e: Angles about x, y, z [rad], shape (..., 3).

    Returns:
        Quaternion xyzw, shape (..., 4).
    """
    half = 0.5 * np.asarray(e, dtype=np.float64)
    cx, cy, cz = _split(np.cos(half))
    sx, sy, sz = _split(np.sin(half))
    return _join(
        sx * cy * cz - cx * sy * sz,
        cx * sy * cz + sx * cy * sz,
        cx * cy * sz - sx * sy * cz,
        cx * cy * cz + sx * sy * sz,
    )


def euler_from_quaternion(q: np.ndarray) -> np.ndarray:
    """Extrinsic xyz Euler angles of a unit quaternion; the angle about y lies in [-pi/2, pi/2].

    Args:
        q: Quaternion xyzw, shape (..., 4).

    Returns:
        Angles about x, y, z [rad], shape (..., 3). Where y is +-pi/2 the angle about x is 0.
    """
    x, y, z, w = _split(q)
    sine_y = np.clip(2.0 * (w * y - z * x), -1.0, 1.0)
    locked = np.abs(sine_y) > 1.0 - 1e-12
    about_x = np.where(locked, 0.0, np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y)))
    free_z = np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    locked_z = np.arctan2(2.0 * (w * z - x * y), 1.0 - 2.0 * (x * x + z * z))
    return np.stack([about_x, np.arcsin(sine_y), np.where(locked, locked_z, free_z)], axis=-1)


def matrix_from_quaternion(q: np.ndarray) -> np.ndarray:
    """The rotation matrix, shape (..., 3, 3), of a unit quaternion xyzw, shape (..., 4)."""
    x, y, z, w = _split(q)
    rows = (
        _join(1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        _join(2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        _join(2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return np.stack(rows, axis=-2) if rows[0].ndim > 1 else np.array(rows)


def quaternion_from_matrix(R: np.ndarray) -> np.ndarray:
    """The unit quaternion xyzw, shape (..., 4) and w >= 0, of a rotation matrix, shape (..., 3, 3)."""
    R = np.asarray(R, dtype=np.float64)
    if R.ndim > 2:
        flat = R.reshape(-1, 3, 3)
        return np.array([quaternion_from_matrix(one) for one in flat]).reshape(*R.shape[:-2], 4)
    (a, b, c), (d, e, f), (g, h, i) = R.tolist()
    # Divide by the largest of the four components: the others lose no digits.
    candidates = (1 + a - e - i, 1 - a + e - i, 1 - a - e + i, 1 + a + e + i)
    largest = max(range(4), key=candidates.__getitem__)
    rows = (
        (candidates[0], b + d, c + g, h - f),
        (b + d, candidates[1], f + h, c - g),
        (c + g, f + h, candidates[2], d - b),
        (h - f, c - g, d - b, candidates[3]),
    )
    q = np.array(rows[largest])
    q /= np.sqrt(q @ q)
    return -q if q[3] < 0.0 else q


def apply_delta(position: np.ndarray, quaternion: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pose that a delta action asks for.

    Args:
        position: In the base frame [m], shape (..., 3).
        quaternion: xyzw in the base frame, shape (..., 4).
        delta: dx dy dz in the base frame [m], then extrinsic xyz Euler angles [rad], shape (..., 6). The rotation is
            multiplied from the left: it turns about the base frame's axes, through the tool.

    Returns:
        Position [m], shape (..., 3), and unit quaternion xyzw, shape (..., 4).
    """
    delta = np.asarray(delta, dtype=np.float64)
    turned = quaternion_multiply(quaternion_from_euler(delta[..., 3:6]), quaternion)
    return np.asarray(position, dtype=np.float64) + delta[..., :3], quaternion_normalize(turned)


def toward(
    position: np.ndarray,
    quaternion: np.ndarray,
    target: np.ndarray,
    max_step_m: float,
    max_step_rad: float,
    gain: float = 1.0,
) -> np.ndarray:
    """The delta action from a pose straight towards another.

    Args:
        position: In the base frame [m], shape (..., 3).
        quaternion: xyzw in the base frame, shape (..., 4).
        target: Position [m] and quaternion xyzw to go to, shape (..., 7).
        max_step_m: Longest translation [m].
        max_step_rad: Largest turn, about whatever axis [rad].
        gain: Share of the remaining way that one step may go; with 1 it ends on the target where it can.

    Returns:
        Translation [m] and extrinsic xyz Euler angles [rad], shape (..., 6), as
        :func:`apply_delta` carries it out.
    """
    position, target = np.asarray(position, np.float64), np.asarray(target, np.float64)
    translation = shortened(gain * (target[..., :3] - position), max_step_m)
    between = turn_between(quaternion_normalize(quaternion), quaternion_normalize(target[..., 3:7]))
    turn = shortened(gain * between, max_step_rad)
    return np.concatenate([translation, euler_from_quaternion(quaternion_from_rotation_vector(turn))], axis=-1)


def shortened(vectors: np.ndarray, longest: float) -> np.ndarray:
    """Vectors (..., N), each scaled down to the length `longest` where it is longer."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors * np.minimum(1.0, longest / np.maximum(lengths, _TINY))


def _split(array: np.ndarray) -> tuple | list:
    """The components along the last axis: floats of a single vector, for speed, arrays of many."""
    array = np.asarray(array, dtype=np.float64)
    return array.tolist() if array.ndim == 1 else tuple(np.moveaxis(array, -1, 0))


def _join(*components: float | np.ndarray) -> np.ndarray:
    """The array whose last axis holds these components."""
    return np.array(components) if isinstance(components[0], float) else np.stack(components, axis=-1)
