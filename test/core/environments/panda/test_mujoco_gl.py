"""The GL backend: chosen once, before MuJoCo; without one physics runs and rendering says what to install."""

import ctypes
import os
import subprocess
import sys

import pytest

from muse_core.environments.panda.mujoco_gl import choose_backend

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems render without a choice of backend")


def _only(monkeypatch: pytest.MonkeyPatch, *libraries: str) -> None:
    def load(name: str) -> None:
        if name not in libraries:
            raise OSError(name)

    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(ctypes, "CDLL", load)


def test_egl_goes_before_osmesa_and_without_either_there_is_none(monkeypatch: pytest.MonkeyPatch):
    _only(monkeypatch, "libEGL.so.1", "libOSMesa.so.8")
    assert choose_backend() == "egl"
    _only(monkeypatch, "libOSMesa.so.8")
    assert choose_backend() == "osmesa"
    _only(monkeypatch)
    assert choose_backend() == "disabled"


def test_what_the_user_set_stands(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    assert choose_backend() == "glfw"


def test_without_a_gl_library_physics_runs_and_rendering_names_the_packages():
    program = (
        "from muse_core.environments.panda.world import PandaWorld\n"
        "from muse_core.environments.panda.cameras import RenderError\n"
        "world = PandaWorld('lift')\n"
        "print(world.state().ee_position)\n"
        "try:\n    world.render('front')\n"
        "except RenderError as error:\n    print('RenderError:', error)\n"
    )
    environment = {**os.environ, "MUJOCO_GL": "disabled"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "libegl1 libopengl0 libgl1 libgl1-mesa-dri" in done.stdout.split("RenderError:")[1]
