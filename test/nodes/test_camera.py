"""The camera node over DDS, on real video files: its pictures by their content, its stamps, what it says of itself."""

from __future__ import annotations

import itertools
import json
import threading
import time

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("cv2")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import String

from muse_core.images import decode_image
from muse_ros.bridge import SENSOR_QOS, STATUS_QOS
from muse_ros.cameras.numbered_picture import draw, read, write_film
from muse_ros.cameras.opening import open_camera
from muse_ros.cameras.settings import CameraError
from muse_ros.contract.message_fields import time_ns
from muse_ros.nodes.camera import CameraNode
from muse_ros.nodes.run_node import NodeFailure


class Ear:
    """What is heard of one camera."""

    def __init__(self, node, name="front"):
        self.numbers, self.images, self.received_ns = [], [], []
        self.infos, self.said, self.health = [], [], []
        self.subscription = node.create_subscription(
            CompressedImage, f"cameras/{name}/image/compressed", self.hear, SENSOR_QOS
        )
        node.create_subscription(CameraInfo, f"cameras/{name}/camera_info", self.infos.append, SENSOR_QOS)
        node.create_subscription(String, f"cameras/{name}/settings", self.hear_settings, STATUS_QOS)
        node.create_subscription(DiagnosticArray, "diagnostics", lambda m: self.health.extend(m.status), 10)

    def hear(self, message):
        self.images.append(message)
        self.received_ns.append(time.time_ns())
        self.numbers.append(read(decode_image(bytes(message.data))))

    def hear_settings(self, message):
        self.said.append(json.loads(message.data))

    def joined(self):
        count = getattr(self.subscription.handle, "get_publisher_count", None)  # Humble cannot tell
        if count is None:
            return True
        with self.subscription.handle:
            return count() > 0

    def last(self, level):
        return next((status for status in reversed(self.health) if status.level == level), None)


@pytest.fixture
def make_camera(ros, spin, wait_until):
    """``make_camera(open_source=open_camera, ear=None, **parameters)`` starts a spinning camera node.

    Where it is given an ear, it opens the camera when its pictures will be heard: a film is short, discovery is not.
    """
    nodes = []

    def make(open_source=open_camera, ear=None, **parameters):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = CameraNode(open_source, parameter_overrides=overrides)
        nodes.append(node)
        if ear is None:
            node.start()
        else:
            assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
            wait_until(ear.joined, what="discovery")
            node.trigger_activate()
        return spin(node)

    yield make
    for node in nodes:
        node.close()
        node.destroy_node()


@pytest.fixture
def ear(make_node, spin):
    node = make_node("ear")
    heard = Ear(node)
    spin(node)
    return heard


@pytest.fixture
def film(tmp_path):
    """``film(numbers)`` writes a video of 100 pictures a second and returns its path."""

    def make(numbers, name="film.avi"):
        write_film(tmp_path / name, numbers, rate_hz=100.0)
        return str(tmp_path / name)

    return make


def test_a_film_is_published_once_in_order_with_stamps_that_grow_at_its_rate(make_camera, ear, film, wait_until):
    camera = make_camera(ear=ear, source=film(range(100)), loop=False)
    wait_until(lambda: 99 in ear.numbers, what="the last picture")
    assert ear.numbers == sorted(set(ear.numbers)), "out of order, or twice"
    stamps = [time_ns(message.header.stamp) for message in ear.images]
    assert all(later > earlier for earlier, later in itertools.pairwise(stamps))
    assert all(stamp < received for stamp, received in zip(stamps, ear.received_ns, strict=True)), "from the future"
    period_ns = (stamps[-1] - stamps[0]) / (ear.numbers[-1] - ear.numbers[0])
    assert period_ns > 0.009e9, "faster than the film"
    message = ear.images[-1]
    assert (message.format, message.header.frame_id) == ("jpeg", "front_camera_optical_frame")
    wait_until(lambda: ear.last(DiagnosticStatus.WARN), what="diagnostics that say it has ended")
    assert "has been played" in ear.last(DiagnosticStatus.WARN).message
    assert not camera.finished.is_set()


def test_in_a_loop_the_first_picture_follows_the_last(make_camera, ear, film, wait_until):
    make_camera(source=film(range(10)))
    wait_until(lambda: len(ear.numbers) >= 35, what="three rounds")
    steps = {(later - earlier) % 10 for earlier, later in itertools.pairwise(ear.numbers)}
    assert 0 not in steps, "a picture came twice"
    assert 1 in steps


def test_every_picture_has_the_camera_info_of_its_stamp_uncalibrated_by_zeros(make_camera, ear, film, wait_until):
    make_camera(source=film(range(10)))
    wait_until(lambda: len(ear.infos) > 3 and len(ear.images) > 3)
    stamps = {time_ns(message.header.stamp) for message in ear.images}
    info = next(info for info in ear.infos if time_ns(info.header.stamp) in stamps)
    assert (info.height, info.width, info.header.frame_id) == (48, 64, "front_camera_optical_frame")
    assert list(info.k) == [0.0] * 9 and info.distortion_model == ""


def test_the_settings_are_latched_for_whoever_comes_later(make_camera, ear, film, make_node, spin, wait_until):
    make_camera(source=film(range(10)), jpeg_quality=80, rotate=180)
    wait_until(lambda: ear.numbers or ear.images, what="pictures")
    late = make_node("late")
    heard = Ear(late)
    spin(late)
    said = wait_until(lambda: heard.said, what="the settings")[-1]
    assert (said["asked_for"]["jpeg_quality"], said["asked_for"]["rotate"]) == (80, 180)
    assert said["source"] == {
        "kind": "file", "height": 48, "width": 64, "rate_hz": 100.0, "fourcc": "MJPG", "passes_jpeg_on": False
    }  # fmt: skip


def test_a_frozen_camera_is_an_alarm_and_its_pictures_are_withheld(make_camera, ear, film, wait_until):
    make_camera(ear=ear, source=film([*range(5), *[7] * 200]), loop=False, frozen_s=0.5)
    wait_until(lambda: ear.last(DiagnosticStatus.ERROR), what="the alarm")
    assert "frozen: identical pictures" in ear.last(DiagnosticStatus.ERROR).message
    wait_until(lambda: ear.last(DiagnosticStatus.WARN), what="the end of the film")
    values = {each.key: each.value for each in ear.health[-1].values}
    assert int(values["withheld as frozen"]) > 50
    assert int(values["captured"]) == 205 and ear.numbers.count(7) < 120


def test_a_camera_that_is_pulled_and_plugged_in_again_goes_on_and_says_so(make_camera, ear, film, wait_until):
    first, again = film(range(20)), film(range(100, 160), "again.avi")
    opened = []

    def open_source(settings):
        opened.append(settings)
        if len(opened) in (2, 3):
            raise CameraError(f"{settings.source} is not there")
        source, loop = (first, False) if len(opened) == 1 else (again, True)
        camera = open_camera(type(settings).of({**settings.to_dict(), "source": source, "loop": loop}))
        camera.kind = "device" if len(opened) == 1 else "file"
        if len(opened) == 1:  # a film that ends is over; a device that gives nothing any more was pulled
            camera.capture = Pulled(camera.capture)
        return camera

    make_camera(open_source, ear, source="/dev/video0")
    wait_until(lambda: 19 in ear.numbers and 100 in ear.numbers, what="pictures from before and after")
    wait_until(lambda: any("opened anew (1 times" in status.message for status in ear.health), what="diagnostics")
    stamps = [time_ns(message.header.stamp) for message in ear.images]
    assert stamps == sorted(stamps)


class Pulled:
    """A device that plays a film and is pulled at its end."""

    def __init__(self, film):
        self.film = film

    def __getattr__(self, name):
        return getattr(self.film, name)


def test_a_wrong_size_ends_the_node_with_the_reason(make_camera, film, wait_until):
    camera = make_camera(source=film(range(5)), width=640, height=480)
    wait_until(camera.finished.is_set, what="the end")
    assert "asked for pictures of 640x480 (width x height)" in camera.failure
    assert "gives 64x48; leave width and height out" in camera.failure


def test_a_calibration_of_another_size_ends_the_node_with_the_reason(make_camera, film, wait_until, tmp_path):
    def matrix(rows, cols, data):
        return {"rows": rows, "cols": cols, "data": data}

    eye = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    content = {
        "image_width": 640, "image_height": 480, "camera_matrix": matrix(3, 3, eye),
        "distortion_coefficients": matrix(1, 5, [0.0] * 5), "rectification_matrix": matrix(3, 3, eye),
        "projection_matrix": matrix(3, 4, [1.0] * 12),
    }  # fmt: skip
    (tmp_path / "front.yaml").write_text(json.dumps(content))
    camera = make_camera(source=film(range(5)), calibration_file=str(tmp_path / "front.yaml"))
    wait_until(camera.finished.is_set, what="the end")
    assert "is of pictures of 640x480 (width x height), this camera publishes 64x48" in camera.failure


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "source must be given"),
        ({"source": "0", "rotate": 45}, "rotate must be one of 0, 90, 180, 270"),
        ({"source": "0", "calibration_file": "/none.yaml"}, "not readable as a calibration"),
        ({"source": "0", "jpeg_quality": 200}, "jpeg_quality must be between 1 and 100"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_opened(make_camera, given, said):
    with pytest.raises(NodeFailure, match=said):
        make_camera(**given)


def test_deactivated_it_lets_go_of_the_camera_and_activated_again_goes_on(
    make_camera, ear, film, make_node, spin, call, wait_until
):
    topic, operator = "cameras/front/image/compressed", spin(make_node("operator"))

    def change(transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return call(operator, ChangeState, "camera/change_state", request).success

    camera = make_camera(source=film(range(100)))
    wait_until(lambda: ear.numbers, what="pictures")
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert not [thread for thread in threading.enumerate() if thread.name == "capture front"]
    heard = len(ear.numbers)
    assert change(Transition.TRANSITION_ACTIVATE)
    wait_until(lambda: len(ear.numbers) > heard + 5, what="pictures again")
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert camera.count_publishers(topic) == 1
    assert change(Transition.TRANSITION_CLEANUP)
    wait_until(lambda: camera.count_publishers(topic) == 0)


def test_rotated_pictures_are_published_turned(make_camera, ear, tmp_path, wait_until):
    turned = draw(0b1111000011110000)
    write_film(tmp_path / "f.avi", [0b1111000011110000], rate_hz=100.0)
    make_camera(source=str(tmp_path / "f.avi"), rotate=180, frozen_s=0.0)
    wait_until(lambda: ear.numbers, what="pictures")
    assert ear.numbers[0] == read(turned[::-1, ::-1])
