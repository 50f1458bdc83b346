"""A video file as a camera, on a clock by hand."""

import cv2
import pytest

from muse_ros.cameras.film import Film

MS = 1_000_000


class File:
    """A capture of a file of three pictures at 10 Hz."""

    def __init__(self, pictures=3, rate_hz=10.0):
        self.left, self.rate_hz = pictures, rate_hz

    def isOpened(self):
        return True

    def grab(self):
        self.left -= 1
        return self.left >= 0

    def get(self, prop):
        return self.rate_hz if prop == cv2.CAP_PROP_FPS else 0.0

    def release(self):
        self.left = 0


class Clock:
    """A steady clock that only waiting, and the test, move."""

    def __init__(self):
        self.now_ns = 5_000 * MS
        self.waited = []

    def wait(self, seconds):
        self.waited.append(round(seconds, 6))
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def clock():
    return Clock()


def film(clock, loop, **file):
    return Film(lambda: File(**file), loop, lambda: clock.now_ns, clock.wait)


def test_pictures_come_at_the_files_own_rate(clock):
    played = film(clock, loop=False)
    assert played.grab()
    clock.now_ns += 30 * MS  # spent elsewhere: it is waited that much less
    assert played.grab() and played.grab()
    assert clock.waited == [0.0, 0.07, 0.1]


def test_played_once_it_ends_after_the_last_picture(clock):
    played = film(clock, loop=False)
    assert [played.grab() for _ in range(5)] == [True, True, True, False, False]
    assert played.ended


def test_in_a_loop_it_begins_again_without_a_gap(clock):
    played = film(clock, loop=True)
    assert all(played.grab() for _ in range(7))
    assert not played.ended and clock.waited == [0.0] + [0.1] * 6


def test_a_film_that_fell_behind_does_not_hurry_after(clock):
    played = film(clock, loop=True)
    played.grab()
    clock.now_ns += 1_000 * MS
    played.grab()
    played.grab()
    assert clock.waited == [0.0, 0.0, 0.1]


def test_an_empty_file_is_no_endless_loop(clock):
    assert not film(clock, loop=True, pictures=0).grab()


def test_a_file_that_does_not_say_its_rate_plays_at_30_hz(clock):
    played = film(clock, loop=True, rate_hz=0.0)
    played.grab()
    played.grab()
    assert clock.waited[1] == pytest.approx(1 / 30, abs=1e-6)
    assert played.get(cv2.CAP_PROP_FPS) == 30.0
