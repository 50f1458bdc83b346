"""A camera by hand: it gives the pictures that a test feeds it, and has the properties that V4L2 would have."""

import queue

import cv2
import pytest

from muse_ros.cameras.opening import Surroundings
from muse_ros.cameras.settings import CameraSettings

UNSUPPORTED = -1.0
END = object()


class FakeDevice:
    """What ``cv2.VideoCapture`` is to the code under test; ``feed`` decides what each grab brings."""

    def __init__(self, size=(48, 64), rate_hz=30.0, fourcc="YUYV", **controls):
        self.fed = queue.Queue()
        self.calls = []
        self.released = False
        self.picture = None
        self.fixed = {  # what a set leaves as it is
            cv2.CAP_PROP_FRAME_HEIGHT: size[0],
            cv2.CAP_PROP_FRAME_WIDTH: size[1],
            cv2.CAP_PROP_FPS: rate_hz,
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*fourcc),
        }
        self.values = {getattr(cv2, f"CAP_PROP_{name.upper()}"): value for name, value in controls.items()}
        self.values[cv2.CAP_PROP_CONVERT_RGB] = 1

    def feed(self, *pictures):
        for picture in pictures:
            self.fed.put(picture)

    def unplug(self):
        self.fed.put(END)

    def isOpened(self):
        return not self.released

    def grab(self):
        self.picture = self.fed.get()
        self.calls.append("grab")
        return self.picture is not END

    def retrieve(self):
        self.calls.append("retrieve")
        return self.picture is not None, self.picture

    def get(self, prop):
        return self.fixed.get(prop, self.values.get(prop, UNSUPPORTED))

    def set(self, prop, value):
        if prop in self.values:
            self.values[prop] = value
        return prop in self.values

    def release(self):
        self.released = True


@pytest.fixture
def fake_device():
    return FakeDevice


@pytest.fixture
def here():
    """``here(device, links={}, unreachable="")``: a machine whose only camera is `device`."""

    def make(device, links=None, unreachable="", build="GStreamer: YES"):
        return Surroundings(
            lambda source, backend: device, lambda path: unreachable, lambda: links or {}, lambda: build
        )

    return make


@pytest.fixture
def settings():
    """``settings(**parameters)`` of a camera with a device as its source."""
    return lambda **given: CameraSettings.of({"source": "/dev/video9", **given})
