"""The capture thread: the newest picture wins, a lost camera is reopened, every picture has the stamp of its grab."""

import itertools
import threading
import time

import cv2
import numpy as np
import pytest

from muse_core.images import encode_jpeg
from muse_ros.cameras.capture_thread import CaptureThread
from muse_ros.cameras.numbered_picture import draw, read
from muse_ros.cameras.opening import open_camera
from muse_ros.cameras.settings import CameraError, CameraSettingError

DEADLINE_S = 10.0


def until(predicate):
    end = time.monotonic() + DEADLINE_S
    while not predicate():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


@pytest.fixture
def start(settings, here):
    """``start(*openings, **parameters)``: a running capture; each opening is a device, or an error that it raises."""
    running = []

    def make(*openings, steady_ns=time.monotonic_ns, **parameters):
        chosen = settings(**{"retry_max_s": 0.05, "lock_after_s": 0.0, **parameters})
        stamps, left = itertools.count(1), list(openings)
        devices = [each for each in openings if not isinstance(each, Exception)]

        def now_ns():
            devices[0].calls.append("stamp")
            return next(stamps)

        def open_next():
            opening = left.pop(0) if left else CameraError("no more cameras")
            if isinstance(opening, Exception):
                raise opening
            return open_camera(chosen, here(opening))

        capture = CaptureThread(chosen, open_next, now_ns, steady_ns)
        capture.start()
        running.append((capture, devices))
        return capture

    yield make
    for capture, devices in running:
        capture.close(0.0)
        for device in devices:
            device.unplug()
        assert capture.close(DEADLINE_S)


def test_the_newest_picture_wins_and_older_ones_are_counted(start, fake_device):
    device = fake_device()
    capture = start(device)
    device.feed(draw(0), draw(1), draw(2))
    until(lambda: capture.status().captured == 3)
    frame = capture.take(0.0)
    assert (frame.number, read(frame.picture)) == (2, 2)
    assert capture.status().dropped == 2
    assert capture.take(0.0) is None


def test_a_picture_is_stamped_between_its_grab_and_its_decoding(start, fake_device):
    device = fake_device()
    capture = start(device)
    device.feed(draw(7))
    frame = capture.take(DEADLINE_S)
    assert frame.stamp_ns == 1 and read(frame.picture) == 7
    device.feed(draw(8))
    assert capture.take(DEADLINE_S).stamp_ns == 2
    assert device.calls == ["grab", "stamp", "retrieve"] * 2


def test_a_lost_camera_is_reopened_until_it_is_back(start, fake_device):
    first, again = fake_device(), fake_device()
    gone = [CameraError("/dev/video9 is not there")] * 2
    capture = start(first, *gone, again)
    first.feed(draw(1))
    assert read(capture.take(DEADLINE_S).picture) == 1
    first.unplug()
    until(lambda: capture.status().opened == 2)
    assert first.released
    again.feed(draw(2))
    frame = capture.take(DEADLINE_S)
    assert (frame.number, read(frame.picture)) == (1, 2)
    assert capture.status().is_open and capture.status().problem == ""


def test_while_it_is_lost_the_status_says_why(start, fake_device):
    device = fake_device()
    capture = start(device)
    until(lambda: capture.status().is_open)
    device.unplug()
    until(lambda: capture.status().problem == "no more cameras")
    assert not capture.status().is_open


def test_what_can_never_work_is_refused_at_first_and_retried_later(start, fake_device):
    capture = start(CameraSettingError("wrong size"))
    until(lambda: capture.refused)
    assert capture.refused == "wrong size"

    device, again = fake_device(), fake_device()
    capture = start(device, CameraSettingError("wrong size"), again)
    until(lambda: capture.status().opened == 1)
    device.unplug()
    until(lambda: capture.status().opened == 2)
    assert capture.refused == ""


def test_pictures_that_waited_in_the_driver_are_skipped_for_the_fresh_one_behind_them(start, fake_device):
    now_s = 100.0
    device = fake_device(rate_hz=30.0, pos_msec=0.0)
    ages_s = iter([0.5, 0.2, 0.010])  # 1.5 periods of 33 ms and 20 ms are 70 ms
    grab = device.grab

    def grab_aged():
        there = grab()
        device.values[cv2.CAP_PROP_POS_MSEC] = 1e3 * (now_s - next(ages_s, 0.0))
        return there

    device.grab = grab_aged
    capture = start(device, steady_ns=lambda: round(now_s * 1e9))
    device.feed(draw(0), draw(1), draw(2))
    assert read(capture.take(DEADLINE_S).picture) == 2
    assert capture.status().skipped == 2


def jpeg(number, size=(48, 64)):
    data = encode_jpeg(draw(number, size))
    return np.frombuffer(data + b"\0" * 100, np.uint8).reshape(1, -1)  # devices pad


def without_huffman_tables(buffer):
    data = buffer.tobytes()
    while (at := data.find(b"\xff\xc4")) >= 0:
        data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    return np.frombuffer(data, np.uint8).reshape(1, -1)


def test_the_cameras_own_jpeg_passes_through_untouched_but_for_its_padding(start, fake_device):
    device = fake_device(fourcc="MJPG")
    capture = start(device)
    device.feed(jpeg(5))
    assert capture.take(DEADLINE_S).picture == jpeg(5).tobytes()[:-100]


def test_a_jpeg_that_others_could_not_read_is_decoded_and_that_is_said(start, fake_device):
    device = fake_device(fourcc="MJPG")
    capture = start(device)
    device.feed(without_huffman_tables(jpeg(5)))
    until(lambda: capture.status().warnings)
    assert "no Huffman tables" in capture.status().warnings[0]
    assert device.get(cv2.CAP_PROP_CONVERT_RGB) == 1
    device.feed(draw(6))
    until(lambda: capture.status().captured and (frame := capture.take(0.1)) and read(frame.picture) == 6)


def test_a_picture_cut_short_is_left_out_and_many_of_them_are_a_lost_camera(start, fake_device):
    device, again = fake_device(fourcc="MJPG"), fake_device(fourcc="MJPG")
    capture = start(device, again)
    cut = jpeg(5)[:, :200]
    device.feed(cut, jpeg(6))
    assert capture.take(DEADLINE_S).picture == jpeg(6).tobytes()[:-100]
    assert capture.status().broken == 1
    device.feed(*[cut] * 10)
    until(lambda: capture.status().opened == 2)
    assert capture.status().broken == 11


def test_controls_are_set_at_every_opening_and_read_back(start, fake_device):
    controls = {"exposure": 100, "auto_exposure": 3}
    device, again = fake_device(**controls), fake_device(**controls)
    capture = start(device, again, exposure=200)
    until(lambda: capture.status().controls.get("exposure") == 200)
    device.unplug()
    until(lambda: capture.status().opened == 2)
    assert again.get(cv2.CAP_PROP_EXPOSURE) == 200 and again.get(cv2.CAP_PROP_AUTO_EXPOSURE) == 1


def test_a_mistake_in_the_program_ends_the_capture_with_its_name(start, fake_device, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    device = fake_device()
    device.retrieve = lambda: 1 / 0
    capture = start(device)
    device.feed(draw(0))
    until(lambda: capture.refused)
    assert capture.refused == "the capture ended: ZeroDivisionError: division by zero"


def test_an_error_of_opencv_is_a_lost_camera_and_not_the_end(start, fake_device):
    device, again = fake_device(), fake_device()

    def fail():
        raise cv2.error("the driver is confused")

    device.retrieve = fail
    capture = start(device, again)
    device.feed(draw(0))
    until(lambda: capture.status().opened == 2)
