"""Views that the window's tests draw, as fixtures that make them: by hand, with real pictures."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.images import encode_jpeg
from muse_ros.recording.session import State
from muse_ros.window.view import ArmView, CameraView, EpisodeView, Level, StreamView, TeleopView, WindowView

TOPICS = ("/panda/joint_states", "/panda/ee_pose", "/action", "/cameras/front/image/compressed")
IN_EPISODE = ("stop", "discard", "success", "failure")
AT_THE_END = ("keep", "discard", "success", "failure")


def make_plain(colour: tuple[int, int, int], width: int = 160, height: int = 120) -> bytes:
    """A JPEG of one colour."""
    return encode_jpeg(np.full((height, width, 3), colour, np.uint8), 95)


def make_episode(state: State = State.READY, **changes) -> EpisodeView:
    legal = {State.READY: ("start", "undo", "reset"), State.RECORDING: IN_EPISODE, State.DECIDING: AT_THE_END}.get(
        state, ()
    )
    values = {
        "known": True,
        "state": state,
        "episode_id": "episode_0003",
        "index": 3,
        "free_disk_gb": 214.0,
        "legal_verbs": legal,
        "texts": (("note", "pads"), ("task", "lift"), ("operator", "Ada"), ("seed", "7")),
    }
    return EpisodeView(**{**values, **changes})


def make_view(state: State = State.READY, **changes) -> WindowView:
    values = {
        "episode": make_episode(state),
        "arm": ArmView(known=True, robot="sim"),
        "teleop": TeleopView(device="keyboard", speed_scale=0.5),
        "cameras": (CameraView("front", make_plain((200, 30, 30))), CameraView("wrist", make_plain((30, 30, 200)))),
        "streams": tuple(StreamView(topic, Level.OK, "", 100, 100) for topic in TOPICS),
        "focused": True,
    }
    return WindowView(**{**values, **changes})


@pytest.fixture
def plain():
    """``plain((r, g, b))``: a JPEG of one colour."""
    return make_plain


@pytest.fixture
def episode():
    """``episode(state, **changes)``: the status of a collect node."""
    return make_episode


@pytest.fixture
def view():
    """``view(state, **changes)``: all that the window shows."""
    return make_view
