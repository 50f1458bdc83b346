"""A task as plain data for a report: what is asked, where things are placed, where the cameras stand, when it ends."""

from __future__ import annotations

from typing import Any

from muse_core.control.home import READY_Q
from muse_core.environments.panda.cameras import CAMERAS
from muse_core.environments.panda.hand import LATENCY_S, MAX_WIDTH_M, SPEED_M_S
from muse_core.environments.panda.mujoco_gl import mujoco
from muse_core.environments.panda.scene import load_model
from muse_core.environments.panda.task import STEP_LIMIT_HZ, TaskInfo
from muse_core.environments.panda.tasks import find_task

START_NOISE_RAD = 0.02


def describe_task(name: str, wide: bool = False, camera_size: tuple[int, int] = (128, 128)) -> dict[str, Any]:
    """The settings of one task.

    Args:
        name: Name of the task.
        wide: Whether objects are spread wider than by default.
        camera_size: (height, width) of the pictures [px].

    Raises:
        ValueError: on an unknown task; the message lists the known ones.
    """
    info = find_task(name).info
    return describe(info, load_model(info.model_file), wide, camera_size)


def describe(info: TaskInfo, model: mujoco.MjModel, wide: bool, camera_size: tuple[int, int]) -> dict[str, Any]:
    """The settings of a task whose model is at hand."""
    return {
        "task": info.name,
        "instruction": info.instruction,
        "success": info.success,
        "wide": wide,
        "objects": list(info.objects),
        "ranges": {name: spread.as_dict() for name, spread in info.spreads(wide).items()},
        **info.notes,
        "step_limit": info.step_limit,
        "step_limit_s": info.step_limit / STEP_LIMIT_HZ,
        "start_q_rad": READY_Q.tolist(),
        "start_noise_rad": START_NOISE_RAD,
        "camera_size": list(camera_size),
        "cameras": {camera: _describe_camera(model, camera) for camera in CAMERAS},
        "hand": {"latency_s": LATENCY_S, "speed_m_s": SPEED_M_S, "max_width_m": MAX_WIDTH_M},
    }


def _describe_camera(model: mujoco.MjModel, name: str) -> dict[str, Any]:
    camera = model.camera(name)
    parent = model.body(int(camera.bodyid[0])).name
    return {
        "frame": "panda_link0" if parent == "world" else parent,
        "position_m": [round(float(v), 6) for v in camera.pos],
        "quaternion_xyzw": [round(float(v), 6) for v in camera.quat[[1, 2, 3, 0]]],
        "axes": "x right, y up, looks along -z",
        "fovy_deg": float(camera.fovy[0]),
    }
