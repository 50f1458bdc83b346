"""The file of cameras: what it says comes out, what it may not say is refused with the place, the fact and the cure."""

from pathlib import Path

import pytest
import yaml

from muse_ros.cameras.settings import PARAMETERS, CameraSettingError, CameraSettings
from muse_ros.cameras.setup import read_cameras
from muse_ros.cameras.source_kind import kind_of, stable_name

ROOT = Path(__file__).parents[3]


def written(tmp_path, text):
    path = tmp_path / "cameras.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted((ROOT / "config/cameras").glob("*.yaml")), ids=lambda path: path.name)
def test_every_file_of_cameras_that_ships_is_read(path):
    cameras = read_cameras(path)
    assert {"front", "wrist"} == set(cameras)
    assert all(parameters["name"] == name for name, parameters in cameras.items())


def test_a_camera_has_the_parameters_that_the_file_gives_with_the_types_of_the_node(tmp_path):
    path = written(tmp_path, "cameras: {top: {source: 0, rate_hz: 30, rotate: 180, crop: [0, 0, 100, 200]}}")
    assert read_cameras(path) == {
        "top": {"name": "top", "source": "0", "rate_hz": 30.0, "rotate": 180, "crop": [0, 0, 100, 200]}
    }
    assert isinstance(read_cameras(path)["top"]["rate_hz"], float)


def test_videos_and_calibrations_are_found_beside_the_file_and_devices_stay_devices(tmp_path):
    text = "cameras: {a: {source: film.mp4, calibration_file: a.yaml}, b: {source: /dev/video0}}"
    cameras = read_cameras(written(tmp_path, text))
    assert cameras["a"]["source"] == str(tmp_path / "film.mp4")
    assert cameras["a"]["calibration_file"] == str(tmp_path / "a.yaml")
    assert cameras["b"]["source"] == "/dev/video0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cameras: {top: {source: 0, widht: 640}}", "camera top: no parameter 'widht'; did you mean 'width'?"),
        ("cameras: {top: {width: 640, height: 480}}", "camera top: source must be given"),
        ("cameras: {top: {source: 0, width: 640}}", "width and height: give both or neither; got 640 and 0"),
        ("cameras: {top: {source: 0, rotate: 45}}", "rotate: must be one of 0, 90, 180, 270; got 45"),
        ("cameras: {top: {source: 0, jpeg_quality: 101}}", "must be a whole number from 1 to 100; got 101"),
        ("cameras: {top: {source: 0, rate_hz: .nan}}", "must be a number from 0 to 1000; got nan"),
        ("cameras: {top: {source: 0, loop: 1}}", "loop: must be true or false; got 1"),
        ("cameras: {top: {source: 0, crop: [1, 2]}}", "crop: must be four whole numbers"),
        ("cameras: {top: {source: 0, crop: [0, 0, 0, 5]}}", "crop: top, left, height, width in pixels"),
        ("cameras: {top: {source: 0, fourcc: mjpg}}", "fourcc: four capitals such as MJPG"),
        ("cameras: {Top View: {source: 0}}", "name: small letters, digits and underscores"),
        ("cameras: {top: {source: 0, name: front}}", "its name stands above it; leave `name: front` out"),
        ("cameras: {top: /dev/video0}", "camera top: must be a mapping with source"),
        ("cameras: {a: {source: 0}, b: {source: 0}}", "a and b have the same source 0"),
        ("cameras: {a: {source: 0}, a: {source: 1}}", "key 'a' is given twice"),
        ("cameras: {}", "names no camera"),
        ("camera: {a: {source: 0}}", "must hold `cameras:`"),
        ("just words", "must hold `cameras:`"),
        ("cameras: [", "not readable as a file of cameras"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, text, said):
    path = written(tmp_path, text)
    with pytest.raises(CameraSettingError) as error:
        read_cameras(path)
    assert said in str(error.value) and str(path) in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CameraSettingError, match=r"none\.yaml"):
        read_cameras(tmp_path / "none.yaml")


def test_the_nodes_file_says_the_defaults_of_the_table():
    content = yaml.safe_load((ROOT / "config/nodes/camera.yaml").read_text())["/**/camera"]["ros__parameters"]
    assert {name: value for name, value in content.items() if name != "autostart"} == {
        parameter.name: parameter.default for parameter in PARAMETERS
    }
    assert CameraSettings.of({"source": "0"}).crop == (0, 0, 0, 0)


def test_a_source_is_known_by_its_looks():
    assert kind_of("0") == kind_of("/dev/video2") == kind_of("/dev/v4l/by-id/usb-x") == "device"
    assert kind_of("v4l2src ! appsink") == "gstreamer"
    assert kind_of("film.mp4") == kind_of("/data/film.avi") == "file"


def test_the_stable_name_of_a_device_is_found_and_a_stable_one_is_left_alone():
    links = {"/dev/v4l/by-id/usb-x": "/dev/video2", "/dev/v4l/by-path/pci-y": "/dev/video2"}
    assert stable_name("2", links) == stable_name("/dev/video2", links) == "/dev/v4l/by-id/usb-x"
    assert stable_name("/dev/v4l/by-path/pci-y", links) == ""
    assert stable_name("0", links) == ""
