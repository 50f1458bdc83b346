"""The operator's window: takes keys, text and clicks while it has the focus, and draws the panels that have changed.

One thread makes, polls and draws it. What it shows comes in as a :class:`WindowView`. Must not import rclpy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "muse")
# A texture per frame costs two to four times as much as handing the pixels over, where no GPU draws (measured: 4K under
# Xvfb 42 ms instead of 10).
os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
import pygame

from muse_ros.recording.session import State
from muse_ros.window import head_panels, motion_panel, side_panels
from muse_ros.window.buttons import buttons
from muse_ros.window.camera_panel import CameraPanel
from muse_ros.window.events import WindowInput
from muse_ros.window.head_panels import Targets
from muse_ros.window.layout import Layout, lay_out
from muse_ros.window.paint import BACKGROUND, Painter
from muse_ros.window.view import WindowView

HEADLESS_DRIVERS = ("dummy", "offscreen", "evdev", "kmsdrm")
TITLE = "Muse"
REPEAT_MS = (400, 40)
SHOWN_AGAIN = (pygame.WINDOWEXPOSED, pygame.WINDOWSIZECHANGED, pygame.WINDOWRESTORED, pygame.WINDOWSHOWN)


class WindowError(RuntimeError):
    """No window can be opened; the message says why and what to do."""


class Window:
    """A resizable pygame window."""

    def __init__(self, size: tuple[int, int] = (1280, 800), allow_headless: bool = False) -> None:
        """Open the window.

        Args:
            size: Width and height [pixels]; smaller where the screen is.
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
            pygame.display.set_mode(_within_screen(size), pygame.RESIZABLE)
        except pygame.error as error:
            raise WindowError(f"no window can be opened: {error}. {_DISPLAY_CURE}") from error
        except WindowError:
            pygame.display.quit()
            raise
        pygame.display.set_caption(TITLE)
        pygame.key.stop_text_input()
        self._held: set[str] = set()
        self._typing = False
        self._cameras = CameraPanel()
        self._painter: Painter | None = None
        self._drawn: dict[str, tuple[pygame.Rect, Any]] = {}
        self._targets: dict[str, Targets] = {}
        self._size = (0, 0)

    def poll(self) -> WindowInput:
        """Take what the window system has sent. Losing the focus lets go of every key."""
        pressed: list[str] = []
        clicked: list[str] = []
        typed: list[tuple[str, str]] = []
        closed = False
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                closed = True
            elif event.type == pygame.KEYDOWN:
                name = pygame.key.name(event.key)
                pressed.append(name)
                typed.append(("key", name))
                self._held.add(name)
            elif event.type == pygame.KEYUP:
                self._held.discard(pygame.key.name(event.key))
            elif event.type == pygame.TEXTINPUT:
                typed.append(("text", event.text))
            elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
                clicked += self._hit(event.pos)
            elif event.type == pygame.WINDOWFOCUSLOST:
                self._held.clear()
            elif event.type in SHOWN_AGAIN:
                self._drawn.clear()
        focused = pygame.key.get_focused()
        if not focused:
            self._held.clear()
            pressed.clear()
        shown = typed if self._typing and focused else []
        return WindowInput(frozenset(self._held), tuple(pressed), focused, closed, tuple(clicked), tuple(shown))

    def type_text(self, on: bool) -> None:
        """Begin or end taking text; a key that is down at that moment must be pressed again."""
        if on == self._typing:
            return
        self._typing = on
        self._held.clear()
        if on:
            pygame.key.start_text_input()
            pygame.key.set_repeat(*REPEAT_MS)
        else:
            pygame.key.stop_text_input()
            pygame.key.set_repeat()

    def draw(self, view: WindowView) -> None:
        """Show `view`: draw the panels whose content or place has changed."""
        surface = pygame.display.get_surface()
        layout = lay_out(surface.get_size(), _asking(view), view.policy is not None)
        if self._painter is None or self._painter.surface is not surface or self._size != surface.get_size():
            self._size = surface.get_size()
            self._painter = Painter(layout.scale)
            self._drawn.clear()
        panels = {name: panel for name, panel in self._panels(layout).items() if panel[0].width and panel[0].height}
        contents = {name: (area.copy(), content(view)) for name, (area, content, _) in panels.items()}
        if {name: area for name, (area, _) in contents.items()} != {n: a for n, (a, _) in self._drawn.items()}:
            self._drawn.clear()  # what moved leaves its old place empty
            surface.fill(BACKGROUND)
            self._targets.clear()
        changed = [name for name, content in contents.items() if self._drawn.get(name) != content]
        for name in changed:
            self._targets[name] = self._draw_panel(*contents[name], panels[name][2])
        if self._drawn:
            pygame.display.update([contents[name][0] for name in changed])
        else:
            pygame.display.flip()
        self._drawn = contents

    def close(self) -> None:
        """Close the window. Safe to call twice."""
        pygame.display.quit()

    def target(self, action: str) -> tuple[int, int] | None:
        """Where a click does `action`: the centre of its place [px], or None where it is not shown."""
        found = (area.center for targets in self._targets.values() for area, name in targets if name == action)
        return next(found, None)

    def _panels(self, layout: Layout) -> dict[str, tuple[pygame.Rect, Callable, Callable]]:
        """By name: where each panel is, what it shows of a view, and what draws it."""
        head, side = head_panels, side_panels
        return {
            "header": (layout.header, head.header_content, head.draw_header),
            "prompt": (layout.prompt, head.prompt_content, head.draw_prompt),
            "cameras": (layout.cameras, self._cameras.content, self._cameras.draw),
            "question": (layout.question, head.question_content, head.draw_question),
            "motion": (layout.motion, motion_panel.motion_content, motion_panel.draw_motion),
            "session": (layout.session, side.session_content, side.draw_session),
            "streams": (layout.streams, side.streams_content, side.draw_streams),
            "arm": (layout.arm, side.arm_content, side.draw_arm),
            "policy": (layout.policy, side.policy_content, side.draw_policy),
            "fields": (layout.fields, side.fields_content, side.draw_fields),
            "buttons": (layout.buttons, buttons, head.draw_buttons),
        }

    def _draw_panel(self, area: pygame.Rect, content: Any, draw: Callable) -> Targets:
        """Draw one panel on its cleared place, and nowhere else."""
        assert self._painter is not None
        surface = self._painter.surface
        surface.set_clip(area)
        surface.fill(BACKGROUND, area)
        targets: Targets = draw(self._painter, area, content)
        surface.set_clip(None)
        return targets

    def _hit(self, position: tuple[int, int]) -> list[str]:
        """The action under the pointer."""
        found = [name for targets in self._targets.values() for area, name in targets if area.collidepoint(position)]
        return found[:1]


_DISPLAY_CURE = (
    "The window needs a screen: run it on a desktop, set DISPLAY, or start it under `xvfb-run`; "
    "without one, choose window:=false and teleop:=expert or teleop:=none."
)


def _asking(view: WindowView) -> bool:
    return view.episode.alive and view.episode.state is State.DECIDING


def _within_screen(size: tuple[int, int]) -> tuple[int, int]:
    sizes = pygame.display.get_desktop_sizes()
    if not sizes or min(sizes[0]) <= 0:
        return size
    return min(size[0], sizes[0][0]), min(size[1], sizes[0][1])
