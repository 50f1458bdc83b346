"""What is published of a picture: cut, turned, mirrored; and a camera that repeats itself is noticed."""

import numpy as np
import pytest

from muse_core.images import decode_image
from muse_ros.cameras.freeze_watch import FreezeWatch
from muse_ros.cameras.numbered_picture import draw, read
from muse_ros.cameras.picture import published_size, reshape, to_jpeg
from muse_ros.cameras.settings import CameraSettingError

# 2 x 3 pixels:  1 2 3
#                4 5 6
SIX = np.arange(1, 7, dtype=np.uint8).reshape(2, 3)


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({}, [[1, 2, 3], [4, 5, 6]]),
        ({"rotate": 90}, [[4, 1], [5, 2], [6, 3]]),
        ({"rotate": 180}, [[6, 5, 4], [3, 2, 1]]),
        ({"rotate": 270}, [[3, 6], [2, 5], [1, 4]]),
        ({"flip": "horizontal"}, [[3, 2, 1], [6, 5, 4]]),
        ({"flip": "vertical"}, [[4, 5, 6], [1, 2, 3]]),
        ({"crop": [0, 1, 2, 2]}, [[2, 3], [5, 6]]),
        ({"crop": [0, 1, 2, 2], "rotate": 90}, [[5, 2], [6, 3]]),
        ({"rotate": 90, "flip": "horizontal"}, [[1, 4], [2, 5], [3, 6]]),
    ],
)
def test_a_picture_is_cut_then_turned_clockwise_then_mirrored(settings, given, rows):
    assert reshape(settings(**given), SIX).tolist() == rows
    assert published_size(settings(**given), (2, 3)) == (len(rows), len(rows[0]))


def test_a_crop_that_leaves_the_picture_is_refused(settings):
    with pytest.raises(CameraSettingError, match=r"crop.*does not lie inside an image of 48x64"):
        published_size(settings(crop=[0, 0, 49, 64]), (48, 64))


def test_a_jpeg_shows_the_picture_with_its_colours_in_place(settings):
    bgr = np.zeros((16, 16, 3), np.uint8)
    bgr[:] = (200, 100, 20)
    shown = decode_image(to_jpeg(settings(), bgr))
    assert np.abs(shown.reshape(-1, 3).mean(axis=0) - (20, 100, 200)).max() < 3
    assert read(decode_image(to_jpeg(settings(), draw(1234)))) == 1234
    assert read(decode_image(to_jpeg(settings(), draw(1234)[:, :, 0]))) == 1234


def test_the_cameras_own_jpeg_is_not_touched(settings):
    assert to_jpeg(settings(), b"as it came") == b"as it came"


def test_pixels_that_are_no_picture_are_refused_with_the_cure(settings):
    with pytest.raises(CameraSettingError, match=r"uint16 of shape \(4, 4\).*videoconvert"):
        to_jpeg(settings(), np.zeros((4, 4), np.uint16))


@pytest.mark.parametrize("make", [draw, lambda number: draw(number).tobytes()], ids=["pixels", "jpeg"])
def test_identical_pictures_for_long_enough_are_frozen_and_another_one_thaws(make):
    watch = FreezeWatch(2.0)
    for at_s, number, same_for_s, frozen in [
        (0.0, 1, 0.0, False),
        (1.0, 2, 0.0, False),
        (2.0, 2, 1.0, False),
        (2.9, 2, 1.9, False),
        (3.0, 2, 2.0, True),
        (9.0, 2, 8.0, True),
        (9.1, 3, 0.0, False),
    ]:
        watch.see(make(number), at_s)
        assert (round(watch.same_for_s, 6), watch.frozen) == (same_for_s, frozen)


def test_one_pixel_is_a_difference():
    watch, other = FreezeWatch(1.0), draw(1)
    other[5, 5, 1] ^= 1
    watch.see(draw(1), 0.0)
    watch.see(other, 1.0)
    assert watch.same_for_s == 0.0


def test_zero_seconds_never_freezes():
    watch = FreezeWatch(0.0)
    watch.see(draw(1), 0.0)
    watch.see(draw(1), 1e6)
    assert not watch.frozen
