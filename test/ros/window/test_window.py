"""The window: keys count only with the focus, and without a display there is an error that says what to do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pygame = pytest.importorskip("pygame")

from muse_ros.teleop.keyboard import help_lines  # noqa: E402
from muse_ros.window.view import WindowView, motion_fractions  # noqa: E402
from muse_ros.window.window import Window  # noqa: E402


@pytest.fixture
def window(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(pygame.key, "get_focused", lambda: True)  # the dummy driver never gives the focus
    window = Window(allow_headless=True)
    pygame.event.clear()
    yield window
    window.close()


def press(key: int) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def release(key: int) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))


def test_a_key_is_held_from_down_to_up_and_pressed_once(window):
    press(pygame.K_SPACE)
    first = window.poll()
    assert first.held == {"space"} and first.pressed == ("space",)
    second = window.poll()
    assert second.held == {"space"} and second.pressed == ()
    release(pygame.K_SPACE)
    assert window.poll().held == frozenset()


def test_losing_the_focus_lets_go_of_every_key(window, monkeypatch):
    press(pygame.K_SPACE)
    assert window.poll().held
    monkeypatch.setattr(pygame.key, "get_focused", lambda: False)
    without = window.poll()
    assert without.held == frozenset() and not without.focused
    monkeypatch.setattr(pygame.key, "get_focused", lambda: True)
    assert window.poll().held == frozenset(), "the key must be pressed again"


def test_keys_pressed_without_the_focus_do_nothing(window, monkeypatch):
    monkeypatch.setattr(pygame.key, "get_focused", lambda: False)
    press(pygame.K_r)
    assert window.poll().pressed == ()


def test_closing_the_window_is_reported(window):
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert window.poll().closed


def test_a_full_view_and_an_empty_one_are_drawn_at_any_size(window):
    picture = np.zeros((120, 160, 3), np.uint8)
    view = WindowView(
        cameras={"front": picture, "wrist": picture},
        state="RECORDING",
        recording=True,
        episode=("episode 3", "0:12"),
        message="x" * 400,
        focused=True,
        stopped=True,
        keys=tuple(help_lines()),
    )
    for size in ((1060, 660), (400, 200), (360, 120)):
        pygame.display.set_mode(size)
        window.draw(view)
        window.draw(WindowView())


def test_motion_bars_show_fractions_of_the_largest_step():
    bars = motion_fractions([0.002, 0, -0.004, 0, 0.01, 0, 1.0], 0.004, 0.01)
    assert bars == pytest.approx((0.5, 0, -1, 0, 1, 0))


def test_without_a_display_it_ends_with_what_to_do_instead_of_hanging():
    code = "from muse_ros.window.window import Window; Window()"
    environment = {"SDL_VIDEODRIVER": "dummy", "PYTHONPATH": ":".join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "WindowError: pygame's video driver is 'dummy', which has no keyboard" in done.stderr
    assert "teleop:=expert" in done.stderr
