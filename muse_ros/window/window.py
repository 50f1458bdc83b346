"""The operator's window: collects key presses while it has the focus, and shows cameras, the episode and the keys.

One thread makes, polls and draws it. What it shows comes in as a :class:`WindowView`; which keys mean what is in
``muse_ros.teleop.keyboard``. Must not import rclpy.
"""

from __future__ import annotations

import os

import numpy as np

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
import pygame

from muse_ros.window.events import WindowInput
from muse_ros.window.view import WindowView

HEADLESS_DRIVERS = ("dummy", "offscreen", "evdev", "kmsdrm")
BACKGROUND = (24, 26, 31)
PANEL = (36, 39, 46)
TEXT = (228, 230, 235)
FAINT = (150, 155, 165)
GREEN = (92, 200, 120)
RED = (232, 82, 74)
AMBER = (240, 180, 60)
BLUE = (96, 165, 250)
MARGIN = 14
SIDE_WIDTH = 330
TITLE = "Muse"


class WindowError(RuntimeError):
    """No window can be opened; the message says why and what to do."""


class Window:
    """A resizable pygame window."""

    def __init__(self, size: tuple[int, int] = (1060, 660), allow_headless: bool = False) -> None:
        """Open the window.

        Args:
            size: Width and height [pixels].
            allow_headless: Accept a video driver that shows nothing and has no keyboard, as tests do.

        Raises:
            WindowError: where there is no display.
        """
        try:
            pygame.display.init()
            driver = pygame.display.get_driver()
            if driver in HEADLESS_DRIVERS and not allow_headless:
                raise WindowError(f"pygame's video driver is {driver!r}, which has no keyboard. {_DISPLAY_CURE}")
            pygame.font.init()
            self._screen = pygame.display.set_mode(size, pygame.RESIZABLE)
        except pygame.error as error:
            raise WindowError(f"no window can be opened: {error}. {_DISPLAY_CURE}") from error
        except WindowError:
            pygame.display.quit()
            raise
        pygame.display.set_caption(TITLE)
        self._small, self._normal, self._large = (_font(points) for points in (15, 18, 30))
        self._held: set[str] = set()

    def poll(self) -> WindowInput:
        """Take what the window system has sent. Losing the focus lets go of every key."""
        pressed: list[str] = []
        closed = False
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                closed = True
            elif event.type == pygame.KEYDOWN:
                name = pygame.key.name(event.key)
                pressed.append(name)
                self._held.add(name)
            elif event.type == pygame.KEYUP:
                self._held.discard(pygame.key.name(event.key))
            elif event.type == pygame.WINDOWFOCUSLOST:
                self._held.clear()
        focused = pygame.key.get_focused()
        if not focused:
            self._held.clear()
            pressed.clear()
        return WindowInput(frozenset(self._held), tuple(pressed), focused, closed)

    def draw(self, view: WindowView) -> None:
        """Show `view`."""
        self._screen = pygame.display.get_surface()  # another one after the window was resized
        self._screen.fill(BACKGROUND)
        width, height = self._screen.get_size()
        side = pygame.Rect(width - SIDE_WIDTH, 0, SIDE_WIDTH, height)
        self._draw_header(view, width - SIDE_WIDTH)
        self._draw_cameras(view, pygame.Rect(MARGIN, 96, side.left - 2 * MARGIN, height - 96 - 150))
        self._draw_motion(view, pygame.Rect(MARGIN, height - 140, side.left - 2 * MARGIN, 126))
        self._draw_keys(view, side)
        pygame.display.flip()

    def close(self) -> None:
        """Close the window. Safe to call twice."""
        pygame.display.quit()

    def _write(self, text: str, at: tuple[int, int], font: pygame.font.Font, colour: tuple[int, int, int]) -> int:
        """Write one line; returns the x behind it."""
        picture = font.render(text, True, colour)
        self._screen.blit(picture, at)
        return at[0] + picture.get_width()

    def _draw_header(self, view: WindowView, width: int) -> None:
        lamp = RED if view.recording else GREEN if view.state == "READY" else FAINT
        pygame.draw.circle(self._screen, lamp, (MARGIN + 12, 30), 11)
        end = self._write(view.state, (MARGIN + 34, 14), self._large, lamp if view.recording else TEXT)
        if view.episode:
            self._write("   ".join(view.episode), (end + 18, 24), self._small, FAINT)
        if not view.focused:
            self._write("Click here: without the keyboard focus nothing moves.", (MARGIN, 60), self._normal, AMBER)
        elif view.message:
            self._write(_shorten(view.message, self._normal, width - 2 * MARGIN), (MARGIN, 60), self._normal, AMBER)

    def _draw_cameras(self, view: WindowView, area: pygame.Rect) -> None:
        if not view.cameras:
            self._write("no camera yet", (area.left, area.top), self._normal, FAINT)
            return
        cell = area.width // len(view.cameras)
        for index, (name, picture) in enumerate(view.cameras.items()):
            rows, columns = picture.shape[:2]
            scale = min((cell - MARGIN) / columns, (area.height - 24) / rows)
            if scale <= 0:
                continue
            surface = pygame.image.frombuffer(np.ascontiguousarray(picture).tobytes(), (columns, rows), "RGB")
            size = (max(1, int(columns * scale)), max(1, int(rows * scale)))
            left = area.left + index * cell
            self._screen.blit(pygame.transform.scale(surface, size), (left, area.top + 22))
            self._write(name, (left, area.top), self._small, FAINT)

    def _draw_motion(self, view: WindowView, area: pygame.Rect) -> None:
        pygame.draw.rect(self._screen, PANEL, area, border_radius=8)
        deadman, colour = ("MOVING ENABLED", GREEN) if view.teleop.deadman else ("hold SPACE to move", FAINT)
        if view.stopped:
            deadman, colour = "THE ARM IS STOPPED", RED
        self._write(deadman, (area.left + 14, area.top + 12), self._normal, colour)
        asked = view.teleop.gripper_closed if view.teleop.deadman else None
        gripper = "closed" if (view.gripper_closed if asked is None else asked) else "open"
        self._write(f"gripper {gripper}", (area.left + 14, area.top + 48), self._normal, TEXT)
        if view.teleop.speed_scale is not None:
            self._write(f"speed {view.teleop.speed_scale:.0%}", (area.left + 14, area.top + 82), self._normal, TEXT)
        names = ("x", "y", "z", "roll", "pitch", "turn")
        for index, (name, value) in enumerate(zip(names, view.teleop.motion, strict=True)):
            column, row = divmod(index, 3)
            left, top = area.left + 230 + column * 210, area.top + 18 + row * 34
            self._write(name, (left, top - 2), self._small, FAINT)
            bar = pygame.Rect(left + 48, top, 130, 14)
            pygame.draw.rect(self._screen, BACKGROUND, bar, border_radius=4)
            end = bar.centerx + int(value * bar.width / 2)
            pygame.draw.rect(self._screen, BLUE, (min(bar.centerx, end), bar.top, abs(end - bar.centerx), bar.height))
            pygame.draw.line(self._screen, FAINT, (bar.centerx, bar.top), (bar.centerx, bar.bottom - 1))

    def _draw_keys(self, view: WindowView, area: pygame.Rect) -> None:
        pygame.draw.rect(self._screen, PANEL, area)
        top = area.top + MARGIN
        step = max(18, min(27, (area.height - 2 * MARGIN) // max(1, len(view.keys))))
        for keys, meaning in view.keys:
            self._write(keys, (area.left + MARGIN, top), self._small, BLUE)
            self._write(meaning, (area.left + 110, top), self._small, TEXT)
            top += step


_DISPLAY_CURE = (
    "The window needs a screen: run it on a desktop, set DISPLAY, or start it under `xvfb-run`; "
    "without one, choose window:=false and teleop:=expert or teleop:=none."
)


def _font(points: int) -> pygame.font.Font:
    name = pygame.font.match_font("dejavusans,liberationsans,notosans,arial")
    return pygame.font.Font(name, points)


def _shorten(text: str, font: pygame.font.Font, width: int) -> str:
    if font.size(text)[0] <= width:
        return text
    while text and font.size(text + "...")[0] > width:
        text = text[:-1]
    return text + "..."
