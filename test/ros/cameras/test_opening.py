"""Opening a camera: what it gives is compared with what was asked for, and a refusal says what to do."""

import cv2
import pytest

from muse_ros.cameras.numbered_picture import draw, read, write_film
from muse_ros.cameras.opencv_build import build_has
from muse_ros.cameras.opening import fourcc_text, open_camera
from muse_ros.cameras.settings import CameraError, CameraSettingError


def test_another_size_than_asked_for_is_an_error_that_names_both(settings, here, fake_device):
    device = fake_device(size=(480, 640))
    with pytest.raises(CameraSettingError) as error:
        open_camera(settings(width=1280, height=720), here(device))
    assert "asked for pictures of 1280x720 (width x height), /dev/video9 gives 640x480" in str(error.value)
    assert "v4l2-ctl -d /dev/video9 --list-formats-ext" in str(error.value)
    assert device.released


def test_another_rate_or_format_than_asked_for_is_a_warning_that_names_both(settings, here, fake_device):
    camera = open_camera(settings(rate_hz=60, fourcc="MJPG"), here(fake_device(rate_hz=30.0, fourcc="YUYV")))
    assert camera.warnings == [
        "asked for 60 pictures a second, the source gives 30",
        "asked for pixel format MJPG, the source gives YUYV",
    ]
    assert open_camera(settings(rate_hz=30), here(fake_device(rate_hz=29.97))).warnings == []


def test_a_device_by_its_number_is_told_its_lasting_name(settings, here, fake_device):
    links = {"/dev/v4l/by-id/usb-c920": "/dev/video9"}
    assert "/dev/v4l/by-id/usb-c920 stays this one" in open_camera(settings(), here(fake_device(), links)).warnings[0]
    by_id = settings(source="/dev/v4l/by-id/usb-c920")
    assert open_camera(by_id, here(fake_device(), links)).warnings == []


@pytest.mark.parametrize(
    ("given", "fourcc", "passes"),
    [
        ({}, "MJPG", True),
        ({"passthrough": False}, "MJPG", False),
        ({"rotate": 180}, "MJPG", False),
        ({}, "YUYV", False),
    ],
)
def test_the_cameras_own_jpeg_is_asked_for_where_it_can_be_published(
    settings, here, fake_device, given, fourcc, passes
):
    device = fake_device(fourcc=fourcc)
    assert open_camera(settings(**given), here(device)).sends_jpeg is passes
    assert device.get(cv2.CAP_PROP_CONVERT_RGB) == (0 if passes else 1)


def test_a_device_that_is_not_there_is_lost_and_not_refused(settings):
    with pytest.raises(CameraError, match="/dev/video97 is not there; cameras here: ") as error:
        open_camera(settings(source=97))
    assert not isinstance(error.value, CameraSettingError)


def test_a_device_that_another_program_has_says_how_to_find_it(settings, here, fake_device):
    device = fake_device()
    device.release()
    with pytest.raises(CameraError, match="fuser -v /dev/video9"):
        open_camera(settings(), here(device))


def test_a_pipeline_needs_an_opencv_with_gstreamer_and_says_where_there_is_one(settings, here, fake_device):
    pipeline = settings(source="videotestsrc ! appsink")
    with pytest.raises(CameraSettingError, match=r"built without GStreamer.*apt-get install python3-opencv"):
        open_camera(pipeline, here(fake_device(), build="GStreamer: NO"))
    assert "appsink drop=true" in open_camera(pipeline, here(fake_device())).warnings[0]
    drops = settings(source="videotestsrc ! appsink drop=true max-buffers=1")
    assert open_camera(drops, here(fake_device())).warnings == []


def test_what_opencv_was_built_with_is_read_from_what_it_says():
    said = "  Video I/O:\n    FFMPEG:                      YES\n    GStreamer:                   NO\n"
    assert build_has("FFMPEG", said) and not build_has("GStreamer", said) and not build_has("Orbbec", said)
    assert build_has("GStreamer", "    GStreamer:                   YES (1.20.3)")


def test_a_pixel_format_that_is_none_is_empty():
    assert fourcc_text(cv2.VideoWriter.fourcc(*"MJPG")) == "MJPG"
    assert fourcc_text(-1.0) == fourcc_text(0.0) == fourcc_text(1.0) == ""


def test_a_real_video_is_played_picture_by_picture(settings, tmp_path):
    write_film(tmp_path / "film.avi", range(5), rate_hz=200.0)
    camera = open_camera(settings(source=str(tmp_path / "film.avi"), loop=False))
    assert (camera.kind, camera.size, camera.rate_hz, camera.fourcc) == ("file", (48, 64), 200.0, "MJPG")
    seen = []
    while camera.capture.grab():
        seen.append(read(camera.capture.retrieve()[1]))
    assert seen == [0, 1, 2, 3, 4] and camera.ended


def test_a_file_that_is_no_video_and_one_that_is_not_there_are_told_apart(settings, tmp_path):
    (tmp_path / "words.avi").write_text("no film")
    with pytest.raises(CameraError, match=r"words\.avi is no video"):
        open_camera(settings(source=str(tmp_path / "words.avi")))
    with pytest.raises(CameraError, match=r"none\.avi is not there"):
        open_camera(settings(source=str(tmp_path / "none.avi")))


def test_a_number_survives_drawing_and_a_plain_picture_holds_none():
    assert [read(draw(number)) for number in (0, 1, 0b1010101010101010, 65535)] == [0, 1, 0b1010101010101010, 65535]
    with pytest.raises(ValueError, match="no number"):
        read(draw(1)[:20])
