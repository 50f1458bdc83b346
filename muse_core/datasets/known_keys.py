"""The keys of the original Muse and of robosuite: units and roles, for files that hold arrays and say nothing of them.

A key that is not listed is an observation without a unit, unless its name says more (see :func:`describe`).
"""

from __future__ import annotations

import numpy as np

from muse_core.spec import ArraySpec, Role, dtype_name

_UNITS = {
    "ee_position": "m",
    "ee_orientation": "quaternion xyzw",
    "ee_orientation_eul": "rad, extrinsic xyz",
    "q": "rad",
    "qdot": "rad/s",
    "gripper_width": "m",
    "gripper_pos": "1 - width / 0.0857 m; 1 is closed",
    "stamp_ns": "ns",
    "robot0_eef_pos": "m",  # robosuite's names, which robomimic's files have
    "robot0_eef_quat": "quaternion xyzw",
}
_OUTPUTS = {
    "done", "rollout_timestep", "reward", "policy_type", "policy_name", "policy_switch", "click_state", "mode", "real",
    "stamp_ns", "sample_stamp_ns", "segment",
}  # fmt: skip
_OUTPUT_PREFIXES = ("raw/", "target/")


def describe(key: str, shape: tuple[int, ...], dtype: np.dtype, per_episode: bool) -> ArraySpec:
    """The spec of an array, from its name and form.

    Args:
        key: Its name.
        shape: Of one row.
        dtype: Of its values.
        per_episode: Whether there is one for each episode instead of one for each row.
    """
    image = len(shape) == 3 and dtype == np.uint8
    stem = key.rsplit("/", 1)[-1]
    unit = "rgb" if image and shape[-1] == 3 else _UNITS.get(stem, "")
    return ArraySpec(shape, dtype_name(dtype), unit, role=_role(key, dtype, per_episode))


def _role(key: str, dtype: np.dtype, per_episode: bool) -> Role:
    if per_episode:
        return "episode"
    if key in ("action", "actions"):
        return "action"
    if key in _OUTPUTS or key.startswith(_OUTPUT_PREFIXES) or dtype.kind == "U":
        return "output"
    return "goal" if key.startswith("goal/") else "observation"
