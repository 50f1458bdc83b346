"""The panels across the window: state and timer, what to do next, the question after an episode, and the buttons.

Each panel is two functions: what it shows of a view, as a value that says whether to draw again, and how it is drawn.
A drawn panel answers where it can be clicked, and what a click does.
"""

from __future__ import annotations

import pygame

from muse_ros.recording.session import Outcome, State
from muse_ros.window.buttons import Button, buttons
from muse_ros.window.layout import button_rows
from muse_ros.window.paint import (
    AMBER,
    BLACK,
    BLUE,
    DIM,
    EDGE,
    FAINT,
    GREEN,
    PANEL,
    RAISED,
    RED,
    TEXT,
    Colour,
    Painter,
    columns,
)
from muse_ros.window.prompt import Prompt, Tone, number, prompt
from muse_ros.window.view import EpisodeView, WindowView

Targets = list[tuple[pygame.Rect, str]]

STATES = {
    State.IDLE: ("NOT READY", AMBER),
    State.READY: ("READY", GREEN),
    State.RECORDING: ("RECORDING", RED),
    State.DECIDING: ("DECIDE", BLUE),
    State.SAVING: ("SAVING", BLUE),
    State.FAULT: ("FAULT", RED),
}
TONES = {Tone.CALM: (TEXT, PANEL), Tone.ASK: (BLUE, PANEL), Tone.WARN: (AMBER, PANEL), Tone.BAD: (RED, (56, 26, 27))}
LOW_DISK_GB, NO_DISK_GB = 5.0, 1.0  # the collect node warns and refuses at these, by default


def header_content(view: WindowView) -> EpisodeView:
    """State, timer, disk."""
    return view.episode


def draw_header(paint: Painter, area: pygame.Rect, episode: EpisodeView) -> Targets:
    """A big light with the state, the timer, the episode, warnings, and the disk."""
    word, colour = STATES[episode.state] if episode.alive else ("NO RECORDER", RED if episode.known else FAINT)
    paint.panel(area)
    pad, radius = paint.px(12), min(paint.px(19), area.height // 3)
    centre = (area.left + pad + radius, area.centery)
    _state_light(paint, centre, radius, episode, colour)
    rest = pygame.Rect(centre[0] + radius + pad, area.top, 0, area.height)
    rest.width = max(0, area.right - pad - rest.left)
    disk = _draw_disk(paint, rest, episode)
    rest.width -= disk + pad if disk else 0
    recording = episode.alive and episode.state is State.RECORDING
    end = paint.write(word, rest, "huge", colour if recording or not episode.alive else TEXT).right
    for text, role, tint in _header_words(episode):
        left = end + paint.px(22)
        if left + paint.width(text, role) > rest.right:
            break
        end = paint.write(text, pygame.Rect(left, rest.top, rest.right - left, rest.height), role, tint).right
    return []


def _header_words(episode: EpisodeView) -> list[tuple[str, str, Colour]]:
    if not episode.known:
        return []
    minutes, rest = divmod(episode.elapsed_s, 60)
    words = [(f"{int(minutes)}:{rest:04.1f}", "huge", TEXT if episode.state is State.RECORDING else FAINT)]
    if episode.alarm:
        words.append(("ALARM", "large", RED))
    if episode.degraded and episode.state in (State.RECORDING, State.DECIDING):
        words.append(("DEGRADED", "large", AMBER))
    words.append((number(episode) if episode.episode_id else "no episode yet", "large", FAINT))
    if episode.outcome is not Outcome.UNLABELLED:
        words.append((episode.outcome.name.lower(), "large", GREEN if episode.outcome is Outcome.SUCCESS else AMBER))
    return words


def _state_light(paint: Painter, centre: tuple[int, int], radius: int, episode: EpisodeView, colour: Colour) -> None:
    """A full red disc while recording; a ring otherwise; a cross where no recorder is."""
    if not episode.alive:
        x, y, arm = *centre, round(0.7 * radius)
        for slope in (1, -1):
            pygame.draw.line(paint.surface, colour, (x - arm, y - slope * arm), (x + arm, y + slope * arm), paint.px(6))
    elif episode.state is State.RECORDING:
        pygame.draw.circle(paint.surface, RED, centre, radius)
    else:
        pygame.draw.circle(paint.surface, colour, centre, radius, max(2, paint.px(6)))


def _draw_disk(paint: Painter, area: pygame.Rect, episode: EpisodeView) -> int:
    if not episode.known:
        return 0
    free = episode.free_disk_gb
    colour = RED if free < NO_DISK_GB else AMBER if free < LOW_DISK_GB else FAINT
    text = f"disk {free:.1f} GB" if free < 100 else f"disk {free:.0f} GB"
    return paint.write(text, area, "large" if colour is not FAINT else "text", colour, "right").width


def draw_prompt(paint: Painter, area: pygame.Rect, shown: Prompt) -> Targets:
    """What to do, large, and more about it below."""
    colour, ground = TONES[shown.tone]
    paint.panel(area, ground)
    pygame.draw.rect(paint.surface, colour, (area.left, area.top, paint.px(5), area.height), border_radius=paint.px(3))
    inner = pygame.Rect(area.left + paint.px(14), area.top, area.width - paint.px(24), area.height)
    role = "large" if paint.width(shown.text, "large") <= inner.width else "strong"
    upper = pygame.Rect(inner.left, inner.top + paint.px(3), inner.width, inner.height // 2)
    lower = pygame.Rect(inner.left, upper.bottom, inner.width, inner.height - upper.height - paint.px(6))
    if not shown.detail:
        upper = inner
    paint.write(shown.text, upper, role, colour)
    paint.write(shown.detail, lower, "text", TEXT if shown.tone is Tone.BAD else FAINT)
    return []


def prompt_content(view: WindowView) -> Prompt:
    """What to do next."""
    return prompt(view)


def question_content(view: WindowView) -> tuple[EpisodeView, tuple[Button, ...]]:
    """The episode, and the four answers."""
    wanted = ("collect/success", "collect/failure", "collect/keep", "collect/discard")
    found = {button.action: button for button in buttons(view)}
    return view.episode, tuple(found[action] for action in wanted)


def draw_question(paint: Painter, area: pygame.Rect, content: tuple[EpisodeView, tuple[Button, ...]]) -> Targets:
    """Success or failure, keep or discard: four big buttons."""
    episode, answers = content
    paint.panel(area)
    paint.frame(area, BLUE)
    inner = area.inflate(-paint.px(24), -paint.px(20))
    head = pygame.Rect(inner.left, inner.top, inner.width, min(paint.px(30), inner.height // 3))
    halves = columns(inner, 2, paint.px(24))
    for half, text in zip(halves, ("Success or failure?", "Keep or discard?"), strict=True):
        paint.write(text, pygame.Rect(half.left, head.top, half.width, head.height), "large", TEXT)
    chosen = {Outcome.SUCCESS: "collect/success", Outcome.FAILURE: "collect/failure"}.get(episode.outcome, "")
    tints = {"collect/success": GREEN, "collect/failure": AMBER, "collect/keep": GREEN, "collect/discard": RED}
    fits = all(paint.width(button.label.upper(), "huge") < halves[0].width // 2 - paint.px(24) for button in answers)
    role = "huge" if fits else "large"
    targets: Targets = []
    for half, pair in zip(halves, (answers[:2], answers[2:]), strict=True):
        below = pygame.Rect(half.left, head.bottom + paint.px(6), half.width, inner.bottom - head.bottom - paint.px(6))
        for place, button in zip(columns(below, 2, paint.px(10)), pair, strict=True):
            _draw_answer(paint, place, button, (tints[button.action], role), button.action == chosen)
            targets.append((place, button.action))
    return targets


def _draw_answer(paint: Painter, area: pygame.Rect, button: Button, style: tuple[Colour, str], chosen: bool) -> None:
    tint, role = style
    full = chosen or button.state in ("pending", "done")
    paint.panel(area, tint if full else RAISED)
    paint.frame(area, tint, 3)
    upper = pygame.Rect(area.left + 4, area.top, area.width - 8, round(0.62 * area.height))
    lower = pygame.Rect(upper.left, upper.bottom - paint.px(4), upper.width, area.bottom - upper.bottom)
    paint.write(button.label.upper(), upper, role, BLACK if full else TEXT, "centre")
    paint.write(button.key, lower, "strong", BLACK if full else tint, "centre")


def draw_buttons(paint: Painter, area: pygame.Rect, content: tuple[Button, ...]) -> Targets:
    """The verbs with their keys: bright where they are legal."""
    gap = paint.px(8)
    count = button_rows(area.width, paint.scale)
    per_row = -(-len(content) // count)
    height = (area.height - gap * (count - 1)) // count
    targets: Targets = []
    for row in range(count):
        line = pygame.Rect(area.left, area.top + row * (height + gap), area.width, height)
        shown = content[row * per_row : (row + 1) * per_row]
        for place, button in zip(columns(line, per_row, gap), shown, strict=False):
            _draw_button(paint, place, button)
            targets.append((place, button.action))
    return targets


def _draw_button(paint: Painter, area: pygame.Rect, button: Button) -> None:
    stop = button.action == "panda/stop"
    ground = RAISED if button.legal else PANEL
    if stop and button.legal:
        ground = (150, 36, 34)
    flash = {"pending": BLUE, "done": GREEN, "refused": AMBER}.get(button.state)
    paint.panel(area, flash or ground)
    if button.lit:
        paint.frame(area, BLUE, 3)
    elif button.legal and not flash:
        paint.frame(area, RED if stop else EDGE, 1)
    ink = BLACK if flash else TEXT if button.legal else DIM
    badge = pygame.Rect(area.left + paint.px(8), area.top, paint.width(button.key, "strong"), area.height)
    paint.write(button.key, badge, "strong", BLACK if flash else BLUE if button.legal and not stop else ink)
    left = max(badge.right + paint.px(9), area.left + paint.px(32))
    text = pygame.Rect(left, area.top, max(0, area.right - paint.px(6) - left), area.height)
    paint.write(button.label, text, "strong" if button.legal else "text", ink)
