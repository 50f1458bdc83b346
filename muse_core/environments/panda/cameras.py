"""Offscreen rendering of the world's cameras. A GL context belongs to the thread that made it: one thread renders."""

from __future__ import annotations

import atexit
import threading
import weakref

import numpy as np

from muse_core.environments.panda.mujoco_gl import GL_HELP, mujoco

CAMERAS = ("front", "wrist")
OVERVIEW = "overview"  # for pictures of the whole robot; no part of any observation


class RenderError(RuntimeError):
    """The world cannot be drawn here; the message says what to install or to change."""


class CameraRenderer:
    """Draws the cameras of one model; the GL context is made at the first picture, in the thread that asks for it.

    Args:
        model: The compiled MuJoCo model.
        size: (height, width) of every picture [px].
        fine: Draw shadows and smooth edges: for pictures that people look at, several times slower.
    """

    def __init__(self, model: mujoco.MjModel, size: tuple[int, int], fine: bool = False) -> None:
        self._model = model
        self._size = size
        self._fine = fine
        self._renderer: mujoco.Renderer | None = None
        self._thread: int | None = None

    def draw(self, data: mujoco.MjData, camera: str) -> np.ndarray:
        """The view of one camera: (H, W, 3) uint8, RGB.

        Raises:
            RenderError: on an unknown camera, without a working OpenGL, or from a second thread.
        """
        if camera not in (*CAMERAS, OVERVIEW):
            raise RenderError(f"no camera named {camera!r}; there are {', '.join((*CAMERAS, OVERVIEW))}")
        renderer = self._ready_renderer()
        renderer.update_scene(data, camera)
        flags = renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = self._fine
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        return renderer.render()

    @property
    def made_here(self) -> bool:
        """Whether this thread is the one that rendered."""
        return self._thread == threading.get_ident()

    def close(self) -> None:
        """Free the GL context, in the thread that rendered. Safe to call twice."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _ready_renderer(self) -> mujoco.Renderer:
        if self._renderer is None:
            self._thread = threading.get_ident()
            self._renderer = self._make_renderer()
        elif not self.made_here:
            raise RenderError("this world was first rendered in another thread; render in one thread, or close() there")
        return self._renderer

    def _make_renderer(self) -> mujoco.Renderer:
        height, width = self._size
        self._model.vis.global_.offheight, self._model.vis.global_.offwidth = height, width
        quality = self._model.vis.quality
        quality.offsamples = 8 if self._fine else 0
        # Facets of round shapes: vertices are most of the cost of a small picture.
        quality.numslices, quality.numstacks = (32, 16) if self._fine else (14, 7)
        try:
            renderer = mujoco.Renderer(self._model, height=height, width=width)
        except Exception as error:  # MuJoCo and PyOpenGL raise anything from ImportError to AttributeError here
            raise RenderError(f"could not open an OpenGL context: {error}; {GL_HELP}") from error
        atexit.register(_close_at_exit, weakref.ref(self))  # after the context's own, so that it runs before
        return renderer


def _close_at_exit(reference: weakref.ref[CameraRenderer]) -> None:
    """Free a context that nobody closed, while the GL library still answers; only its own thread can."""
    renderer = reference()
    if renderer is not None and renderer.made_here:
        renderer.close()
