"""Where everything goes in a window of a given size: rectangles that never overlap. Pure arithmetic.

From top to bottom: header, prompt, then cameras with the motion below them and the panels beside them, then buttons.
While a decision is asked, the question takes its place from the cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import pygame

SMALLEST, LARGEST = 0.8, 4.0
DESIGN = (1280, 800)


@dataclass(frozen=True)
class Layout:
    """Rectangles by what they hold; one without area is not drawn.

    Attributes:
        scale: Size of text and lines, 1 in a window of 1280x800.
        header: State, recording light, timer, disk.
        prompt: What to do next.
        cameras: The cameras.
        question: Keep or discard, success or failure.
        motion: The action bars.
        session: Counts and success rate.
        streams: Health lights.
        arm: Who has the arm.
        policy: What the policy does.
        fields: Note, task, operator, seed.
        buttons: The verbs, in one row or two.
    """

    scale: float
    header: pygame.Rect
    prompt: pygame.Rect
    cameras: pygame.Rect
    question: pygame.Rect
    motion: pygame.Rect
    session: pygame.Rect
    streams: pygame.Rect
    arm: pygame.Rect
    policy: pygame.Rect
    fields: pygame.Rect
    buttons: pygame.Rect


def lay_out(size: tuple[int, int], asking: bool = False, policy: bool = False) -> Layout:
    """The layout of a window.

    Args:
        size: Width and height [px].
        asking: A decision about an episode is asked.
        policy: A policy node is there.
    """
    width, height = size
    scale = min(max(min(width / DESIGN[0], height / DESIGN[1]), SMALLEST), LARGEST)

    def px(units: float) -> int:
        return round(units * scale)

    compact = height < 720 * scale
    gap = px(6 if compact else 8)
    inner = pygame.Rect(gap, gap, max(0, width - 2 * gap), max(0, height - 2 * gap))
    header, rest = _top(inner, px(46 if compact else 60), gap)
    prompt, rest = _top(rest, px(50 if compact else 58), gap)
    count = button_rows(inner.width, scale)
    buttons, rest = _bottom(rest, count * px(34 if compact else 40) + (count - 1) * gap, gap)
    side, rest = _right(rest, max(px(250), min(px(360), round(0.28 * width))), gap)
    motion, rest = _bottom(rest, px(94 if compact else 116), gap)
    height = min(px(118 if compact else 150), rest.height // 2)
    question = _none(rest)
    if asking and height >= px(100) and rest.width >= px(260):  # else the prompt and the buttons ask, too
        question, rest = _bottom(rest, height, gap)
    line, frame = px(20 if compact else 23), px(8 if compact else 14)
    session, side = _top(side, 3 * line + frame, gap)
    fields, side = _bottom(side, 4 * line + frame, gap)
    policy_area, side = _bottom(side, 2 * line + frame, gap) if policy else (_none(side), side)
    arm, side = _bottom(side, 2 * line + frame, gap)
    # in a window too small for all, whole panels go rather than lines that lie on each other
    fields, arm = _whole(fields, 4 * line), _whole(arm, 2 * line)
    motion = _whole(motion, px(80)) if motion.width >= px(140) else _none(motion)
    return Layout(scale, header, prompt, rest, question, motion, session, side, arm, policy_area, fields, buttons)


def button_rows(width: int, scale: float) -> int:
    """In how many rows the buttons lie, for their panel's width [px] and the scale."""
    return 1 if width >= 1880 * scale else 2


def picture_places(area: pygame.Rect, shapes: list[tuple[int, int]], gap: int) -> list[pygame.Rect]:
    """Where pictures go so that they are as large as can be, each with its own aspect, in rows of equal cells.

    Args:
        area: All that there is.
        shapes: (width, height) of each picture [px].
        gap: Between two cells [px].
    """
    if not shapes or area.width <= 0 or area.height <= 0:
        return [pygame.Rect(area.topleft, (0, 0)) for _ in shapes]
    layouts = [_grid(area, shapes, columns, gap) for columns in range(1, len(shapes) + 1)]
    return max(layouts, key=lambda places: sum(place.width * place.height for place in places))


def _grid(area: pygame.Rect, shapes: list[tuple[int, int]], columns: int, gap: int) -> list[pygame.Rect]:
    rows = -(-len(shapes) // columns)
    cell_width = (area.width - gap * (columns - 1)) / columns
    cell_height = (area.height - gap * (rows - 1)) / rows
    places = []
    for index, (width, height) in enumerate(shapes):
        row, column = divmod(index, columns)
        factor = max(0.0, min(cell_width / width, cell_height / height))
        place = pygame.Rect(0, 0, int(width * factor), int(height * factor))
        left, top = area.left + column * (cell_width + gap), area.top + row * (cell_height + gap)
        place.center = (round(left + cell_width / 2), round(top + cell_height / 2))
        places.append(place.clamp(area))
    return places


def _whole(area: pygame.Rect, height: int) -> pygame.Rect:
    """The area where it has the height that its lines need; else none."""
    return area if area.height >= height else _none(area)


def _none(area: pygame.Rect) -> pygame.Rect:
    return pygame.Rect(area.topleft, (0, 0))


def _top(area: pygame.Rect, height: int, gap: int) -> tuple[pygame.Rect, pygame.Rect]:
    height = min(height, area.height)
    used = min(height + gap, area.height)
    first = pygame.Rect(area.left, area.top, area.width, height)
    return first, pygame.Rect(area.left, area.top + used, area.width, area.height - used)


def _bottom(area: pygame.Rect, height: int, gap: int) -> tuple[pygame.Rect, pygame.Rect]:
    height = min(height, area.height)
    last = pygame.Rect(area.left, area.bottom - height, area.width, height)
    return last, pygame.Rect(area.left, area.top, area.width, max(0, area.height - height - gap))


def _right(area: pygame.Rect, width: int, gap: int) -> tuple[pygame.Rect, pygame.Rect]:
    width = min(width, area.width)
    last = pygame.Rect(area.right - width, area.top, width, area.height)
    return last, pygame.Rect(area.left, area.top, max(0, area.width - width - gap), area.height)
