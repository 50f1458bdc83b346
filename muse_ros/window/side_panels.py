"""The panels beside the cameras: the session's counts, health of the streams, arm, policy, and the texts to type.

Each is two functions, as in ``head_panels``.
"""

from __future__ import annotations

from dataclasses import replace

import pygame

from muse_core.metrics.intervals import wilson_interval
from muse_ros.window.entry import FIELDS, Typing
from muse_ros.window.head_panels import Targets
from muse_ros.window.paint import AMBER, BACKGROUND, BLUE, DIM, FAINT, GREEN, RED, TEXT, Colour, Painter, columns
from muse_ros.window.view import ArmView, EpisodeView, Level, PolicyView, StreamView, WindowView
from muse_ros.window.words import arm_words, policy_words, rate_text, short_topic


def _lines(paint: Painter, area: pygame.Rect, count: int) -> list[pygame.Rect]:
    """A panel's ground, and its height cut into so many lines."""
    paint.panel(area)
    inner = area.inflate(-paint.px(20), -paint.px(8))
    height = inner.height / count
    return [pygame.Rect(inner.left, inner.top + round(i * height), inner.width, int(height)) for i in range(count)]


def session_content(view: WindowView) -> tuple[int, int, int, int]:
    """Episodes kept and discarded, successes and failures."""
    episode = view.episode
    return episode.kept, episode.discarded, episode.successes, episode.failures


def draw_session(paint: Painter, area: pygame.Rect, counts: tuple[int, int, int, int]) -> Targets:
    """Counts, and the success rate so far with its Wilson interval of 95 %, as a band."""
    kept, discarded, successes, failures = counts
    first, second, third = _lines(paint, area, 3)
    pairs = ((first, ("kept", kept, TEXT), ("discarded", discarded, TEXT)),)
    pairs += ((second, ("success", successes, GREEN), ("failure", failures, AMBER)),)
    for line, *cells in pairs:
        for cell, (name, count, colour) in zip(columns(line, 2, paint.px(12)), cells, strict=True):
            paint.write(name, cell, "text", FAINT)
            paint.write(str(count), cell, "large", colour if count else FAINT, "right")
    trials = successes + failures
    if not trials:
        paint.write("nothing labelled yet", third, "text", FAINT)
        return []
    text = rate_text(successes, trials)
    width = paint.width(text) + paint.px(10)
    paint.write(text, third, "text", TEXT, "right")
    bar = pygame.Rect(third.left, third.centery - paint.px(5), max(0, third.width - width), paint.px(10))
    _draw_rate(paint, bar, successes, trials)
    return []


def _draw_rate(paint: Painter, bar: pygame.Rect, successes: int, trials: int) -> None:
    low, high = wilson_interval(successes, trials)
    pygame.draw.rect(paint.surface, BACKGROUND, bar)
    band = pygame.Rect(bar.left + round(low * bar.width), bar.top, round((high - low) * bar.width), bar.height)
    pygame.draw.rect(paint.surface, (52, 104, 70), band)
    x = bar.left + round(successes / trials * (bar.width - 1))
    pygame.draw.line(paint.surface, GREEN, (x, bar.top - 3), (x, bar.bottom + 2), max(2, paint.px(3)))


def streams_content(view: WindowView) -> tuple[tuple[StreamView, ...], bool]:
    """The streams, and whether they are known to be so now."""
    return view.streams, view.episode.alive


def draw_streams(paint: Painter, area: pygame.Rect, content: tuple[tuple[StreamView, ...], bool]) -> Targets:
    """A light for each stream; what is wrong below those that are not well, and as many of the others as fit."""
    streams, known = content
    paint.panel(area)
    inner = area.inflate(-paint.px(20), -paint.px(8))
    height = max(paint.line("text"), paint.px(20))
    room = inner.height // height
    if room < 1:
        return []
    if not (streams and known):
        paint.write("streams: no news", pygame.Rect(*inner.topleft, inner.width, height), "text", FAINT)
        return []
    lines = stream_lines(paint, streams, inner.width - paint.px(24), room)
    for index, (stream, text) in enumerate(lines):
        line = pygame.Rect(inner.left, inner.top + index * height, inner.width, height)
        if stream is None:
            paint.write(text, pygame.Rect(line.left + paint.px(24), line.top, line.width, height), "text", FAINT)
        elif text:
            words = pygame.Rect(line.left + paint.px(24), line.top, line.width - paint.px(24), height)
            paint.write(text, words, "small", _tint(stream))
        else:
            _draw_stream(paint, line, stream)
    return []


def stream_lines(
    paint: Painter, streams: tuple[StreamView, ...], width: int, room: int
) -> list[tuple[StreamView | None, str]]:
    """The lines of the panel: (stream, "") is its light, (stream, words) its problem, (None, words) a summary.

    Those that are not well come first where there is no room for all in the contract's order.
    """
    ill = [stream for stream in streams if stream.level is not Level.OK]
    each = (room - len(streams)) // max(1, len(ill))
    order = list(streams)
    if each < 1:
        order = [*ill, *(stream for stream in streams if stream.level is Level.OK)]
        each = max(1, min(3, (room - 1) // max(1, len(ill)) - 1)) if ill else 0
    lines: list[tuple[StreamView | None, str]] = []
    for index, stream in enumerate(order):
        problem = paint.wrap(stream.problem, "small", width, min(each, 4)) if stream.problem else []
        left = len(order) - index
        if len(lines) + 1 + len(problem) > room - (left > 1):
            if left > 1 or len(lines) + 1 > room:
                fine = all(other.level is Level.OK for other in order[index:])
                lines.append((None, f"and {left} more" + (", all well" if fine else "")))
                break
            problem = []
        lines += [(stream, ""), *((stream, line) for line in problem)]
    return lines[:room]


def _tint(stream: StreamView) -> Colour:
    return {Level.OK: FAINT, Level.DEGRADED: AMBER, Level.MISSING: RED}[stream.level]


def _draw_stream(paint: Painter, line: pygame.Rect, stream: StreamView) -> None:
    radius = paint.px(7)
    paint.lamp((line.left + radius, line.centery), stream.level, radius)
    rate = f"{stream.rate_hz:.0f} Hz"
    if stream.expected_hz and stream.level is not Level.OK:
        rate = f"{stream.rate_hz:.0f} of {stream.expected_hz:.0f} Hz"
    used = paint.write(rate, line, "text", _tint(stream), "right").width + paint.px(8)
    name = pygame.Rect(line.left + paint.px(24), line.top, line.width - paint.px(24) - used, line.height)
    colour = TEXT if stream.level is Level.OK else _tint(stream)
    paint.write(short_topic(stream.topic), name, "text", colour)


def arm_content(view: WindowView) -> ArmView:
    """Who has the arm."""
    still = ArmView()  # what moves all the time is drawn elsewhere
    return replace(
        view.arm, twist=still.twist, limits=still.limits, asked=still.asked, gripper_closed=still.gripper_closed
    )


def draw_arm(paint: Painter, area: pygame.Rect, arm: ArmView) -> Targets:
    """Who has the arm, in two lines with a light."""
    level, head, detail = arm_words(arm)
    _draw_light_and_words(paint, area, level, head, detail)
    return []


def policy_content(view: WindowView) -> PolicyView | None:
    """The policy, to the figures that are shown of it."""
    policy = view.policy
    if policy is None:
        return None
    latency = round(policy.latency_ms)
    return PolicyView(policy.state, policy.reason, round(policy.rate_hz, 1), latency, policy.silent_s)


def draw_policy(paint: Painter, area: pygame.Rect, policy: PolicyView | None) -> Targets:
    """What the policy does, its rate and its latency, and why it holds."""
    if policy is not None:
        _draw_light_and_words(paint, area, *policy_words(policy))
    return []


def _draw_light_and_words(paint: Painter, area: pygame.Rect, level: Level, head: str, detail: str) -> None:
    first, second = _lines(paint, area, 2)
    radius = paint.px(8)
    paint.lamp((first.left + radius, first.centery), level, radius)
    left = first.left + paint.px(24)
    colour = {Level.OK: TEXT, Level.DEGRADED: AMBER, Level.MISSING: RED}[level]
    paint.write(head, pygame.Rect(left, first.top, first.right - left, first.height), "strong", colour)
    paint.write(detail, pygame.Rect(left, second.top, second.right - left, second.height), "text", FAINT)


def fields_content(view: WindowView) -> tuple[EpisodeView, Typing]:
    """The texts, and the one that is typed."""
    return EpisodeView(texts=view.episode.texts), view.typing


def draw_fields(paint: Painter, area: pygame.Rect, content: tuple[EpisodeView, Typing]) -> Targets:
    """Note, task, operator and seed; each opens by a click."""
    episode, typing = content
    texts = dict(episode.texts)
    targets: Targets = []
    label = max(paint.width(name) for name in FIELDS) + paint.px(10)
    for name, line in zip(FIELDS, _lines(paint, area, len(FIELDS)), strict=True):
        open_now = typing.field == name
        box = pygame.Rect(line.left + label, line.top + 1, max(0, line.width - label), max(0, line.height - 2))
        pygame.draw.rect(paint.surface, BACKGROUND, box, border_radius=paint.px(4))
        if open_now:
            pygame.draw.rect(paint.surface, BLUE, box, max(1, paint.px(2)), border_radius=paint.px(4))
        paint.write(name, line, "text", BLUE if open_now else FAINT)
        text = typing.text + "|" if open_now else texts.get(name, "")
        inner = box.inflate(-paint.px(12), 0)
        if open_now and paint.width(text) > inner.width:
            text = _end_of(paint, text, inner.width)
        paint.write(text or "click to type", inner, "text", TEXT if text else DIM)
        targets.append((box, f"type/{name}"))
    return targets


def _end_of(paint: Painter, text: str, width: int) -> str:
    """The last of a text that fits: where one types is in sight."""
    while text and paint.width(text) > width:
        text = text[1:]
    return text
