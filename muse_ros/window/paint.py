"""Drawing words, lamps and bars: colours, fonts of one scale, and a memory of the texts that were drawn before.

A lamp says its level by colour, shape and letter, so that nobody needs to tell red from green. No text leaves its
rectangle: what is too long is shortened.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
import pygame

from muse_ros.window.view import Level

Colour = tuple[int, int, int]

BACKGROUND: Colour = (18, 20, 25)
PANEL: Colour = (30, 33, 40)
RAISED: Colour = (50, 55, 66)
EDGE: Colour = (74, 81, 96)
TEXT: Colour = (236, 238, 242)
FAINT: Colour = (158, 165, 178)
DIM: Colour = (104, 111, 125)
GREEN: Colour = (84, 200, 120)
RED: Colour = (238, 84, 76)
AMBER: Colour = (245, 184, 65)
BLUE: Colour = (104, 172, 255)
BLACK: Colour = (12, 13, 16)

POINTS = {"small": 14, "text": 16, "strong": 16, "large": 21, "huge": 34}
BOLD = ("strong", "large", "huge")
SMALLEST_POINTS = 12
FAMILIES = "dejavusans,liberationsans,notosans,arial"
MOST_REMEMBERED = 1000
LONGEST = 400

LAMPS = {Level.OK: (GREEN, ""), Level.DEGRADED: (AMBER, "!"), Level.MISSING: (RED, "X")}


class Painter:
    """Draws on one surface at one scale."""

    def __init__(self, scale: float) -> None:
        """Load the fonts.

        Args:
            scale: Size of everything, 1 in a window of 1280x800.
        """
        self.scale = scale
        self.surface = pygame.display.get_surface()
        self._fonts = {role: _font(self.px(points), role in BOLD) for role, points in POINTS.items()}
        self._texts: dict[tuple[str, str, Colour], pygame.Surface] = {}
        self._fitted: dict[tuple[str, str, int], str] = {}

    def px(self, units: float) -> int:
        """Pixels of a length given at scale 1."""
        return round(units * self.scale)

    def width(self, text: str, role: str = "text") -> int:
        """Width of a text [px]."""
        return self._fonts[role].size(drawable(text))[0]

    def line(self, role: str = "text") -> int:
        """Height of a line [px]."""
        return self._fonts[role].get_linesize()

    def write(
        self, text: str, area: pygame.Rect, role: str = "text", colour: Colour = TEXT, align: str = "left"
    ) -> pygame.Rect:
        """Write one line in the middle of a rectangle's height, shortened to its width; returns where it stands."""
        text = self.fit(text, role, area.width)
        key = (text, role, colour)
        if key not in self._texts:
            if len(self._texts) > MOST_REMEMBERED:
                self._texts.clear()
            self._texts[key] = self._fonts[role].render(text, True, colour)
        picture = self._texts[key]
        place = picture.get_rect(centery=area.centery)
        place.x = {"left": area.left, "right": area.right - place.width, "centre": area.centerx - place.width // 2}[
            align
        ]
        self.surface.blit(picture, place)
        return place

    def fit(self, text: str, role: str, width: int) -> str:
        """The text, or as much of its beginning as fits into a width, and three dots."""
        key = (text, role, width)
        if key not in self._fitted:
            if len(self._fitted) > MOST_REMEMBERED:
                self._fitted.clear()
            self._fitted[key] = self._shorten(text, role, width)
        return self._fitted[key]

    def wrap(self, text: str, role: str, width: int, most: int) -> list[str]:
        """The text in at most so many lines, broken between words; what does not fit ends in three dots."""
        lines: list[str] = []
        rest = drawable(text).split()
        while rest and len(lines) < most:
            if len(lines) == most - 1:
                lines.append(self.fit(" ".join(rest), role, width))
                break
            count = len(rest)
            while count > 1 and self.width(" ".join(rest[:count]), role) > width:
                count -= 1
            lines.append(self.fit(" ".join(rest[:count]), role, width))
            rest = rest[count:]
        return lines

    def panel(self, area: pygame.Rect, colour: Colour = PANEL) -> None:
        """A panel's ground."""
        pygame.draw.rect(self.surface, colour, area, border_radius=self.px(7))

    def frame(self, area: pygame.Rect, colour: Colour, thickness: float = 2) -> None:
        """A frame."""
        pygame.draw.rect(self.surface, colour, area, max(1, self.px(thickness)), border_radius=self.px(7))

    def lamp(self, centre: tuple[int, int], level: Level, radius: int) -> None:
        """A green disc, an amber triangle with a mark, or a red square with a cross."""
        colour, letter = LAMPS[level]
        x, y = centre
        if level is Level.OK:
            pygame.draw.circle(self.surface, colour, centre, radius)
        elif level is Level.DEGRADED:
            tips = [(x, y - radius - 1), (x - radius - 1, y + radius), (x + radius + 1, y + radius)]
            pygame.draw.polygon(self.surface, colour, tips)
        else:
            pygame.draw.rect(self.surface, colour, (x - radius, y - radius, 2 * radius, 2 * radius))
        if letter:
            box = pygame.Rect(
                x - radius, y - radius + (radius // 3 if level is Level.DEGRADED else 0), 2 * radius, 2 * radius
            )
            self.write(letter, box, "small", BLACK, "centre")

    def _shorten(self, text: str, role: str, width: int) -> str:
        text = drawable(text)
        if self.width(text, role) <= width:
            return text
        low, high = 0, len(text)  # the longest beginning that fits lies in low .. high
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.width(text[:middle] + "...", role) <= width else (low, middle - 1)
        return text[:low].rstrip() + "..." if low else ""


def drawable(text: str) -> str:
    """A text that fonts can draw, whatever came in a message: without control characters, and not endless."""
    return "".join(
        character if character.isprintable() and character <= "\uffff" else " " for character in text[:LONGEST]
    )


def columns(area: pygame.Rect, count: int, gap: int) -> list[pygame.Rect]:
    """A rectangle cut into columns of the same width, with gaps between them."""
    width = (area.width - gap * (count - 1)) / count
    lefts = [area.left + round(index * (width + gap)) for index in range(count)]
    return [pygame.Rect(left, area.top, int(width), area.height) for left in lefts]


def rows(area: pygame.Rect, count: int, height: int) -> Sequence[pygame.Rect]:
    """The first lines of a rectangle, each of this height; those that would leave it are left out."""
    fitting = min(count, max(0, area.height // max(1, height)))
    return [pygame.Rect(area.left, area.top + index * height, area.width, height) for index in range(fitting)]


def _font(points: int, bold: bool) -> pygame.font.Font:
    name = pygame.font.match_font(FAMILIES, bold=bold)
    return pygame.font.Font(name, max(SMALLEST_POINTS, points))
