"""The one place that imports MuJoCo: it chooses the GL backend first, which cannot be changed afterwards.

Every other module says ``from muse_core.environments.panda.mujoco_gl import mujoco``. Physics runs without any GL
library; rendering then raises an error that names the packages to install.
"""

from __future__ import annotations

import ctypes
import os
import sys

GL_HELP = (
    "rendering needs OpenGL without a display: install it with "
    "`apt-get install libegl1 libopengl0 libgl1 libgl1-mesa-dri` (Debian, Ubuntu), or set MUJOCO_GL yourself"
)


def choose_backend() -> str:
    """``egl`` where its library loads, else ``osmesa``, else ``disabled``; what MUJOCO_GL says, where it is set."""
    if os.environ.get("MUJOCO_GL"):
        return os.environ["MUJOCO_GL"]
    if sys.platform != "linux":
        return ""
    for backend, library in (("egl", "libEGL.so.1"), ("osmesa", "libOSMesa.so.8"), ("osmesa", "libOSMesa.so.6")):
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        return backend
    return "disabled"


def _import_mujoco():
    backend = choose_backend()
    if backend:
        os.environ["MUJOCO_GL"] = backend
    try:
        import mujoco
    except (AttributeError, ImportError) as error:
        if "mujoco" in str(getattr(error, "name", "")):
            raise
        raise ImportError(f"MuJoCo found no working OpenGL (MUJOCO_GL={backend}): {error}; {GL_HELP}") from error
    return mujoco


mujoco = _import_mujoco()
