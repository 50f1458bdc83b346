"""The motion panel: what is asked of the arm and what it does, axis by axis, with the keys; and what limits it."""

from __future__ import annotations

import re
from dataclasses import replace

import pygame

from muse_ros.teleop.keyboard import (
    ANGULAR_AXES,
    CLICK_KEY,
    DEADMAN_KEY,
    ENABLE_KEY,
    FASTER_KEY,
    GRIPPER_KEY,
    LINEAR_AXES,
    SLOWER_KEY,
)
from muse_ros.window.buttons import key_name
from muse_ros.window.from_messages import finite
from muse_ros.window.head_panels import Targets
from muse_ros.window.paint import AMBER, BACKGROUND, BLUE, DIM, FAINT, GREEN, RED, TEXT, Colour, Painter
from muse_ros.window.view import ArmView, TeleopView, WindowView

LINEAR_FULL, ANGULAR_FULL = 0.25, 0.6  # the arm's default limits [m/s], [rad/s]: a full bar
PLAIN_AXES = ("x", "y", "z", "roll", "pitch", "turn")
KEY_AXES = tuple(axis.label.split()[0] for axis in (*LINEAR_AXES, *ANGULAR_AXES))  # the positive direction's name
Content = tuple[TeleopView, ArmView, bool]


def motion_content(view: WindowView) -> Content:
    """What device and arm say, to the precision of the bars, and whether a policy is there."""
    arm, teleop = view.arm, view.teleop
    asked = teleop.twist if arm.asked is None else arm.asked
    shown = replace(teleop, twist=fractions(asked), problem="")
    applied = ArmView(
        known=arm.alive,
        source=arm.source,
        stopped=arm.stopped,
        gripper_closed=arm.gripper_closed,
        twist=fractions(arm.twist),
        limits=arm.limits,
    )
    return shown, applied, view.policy is not None or arm.source == "replay"


def fractions(twist: tuple[float, ...]) -> tuple[float, ...]:
    """A velocity as fractions of a full bar, -1 .. 1 and in hundredths: x y z, then about x y z."""
    full = (LINEAR_FULL,) * 3 + (ANGULAR_FULL,) * 3
    return tuple(round(min(max(finite(value) / most, -1.0), 1.0), 2) for value, most in zip(twist, full, strict=True))


def draw_motion(paint: Painter, area: pygame.Rect, content: Content) -> Targets:
    """The switches on the left, six bars beside them, limits and legend below those."""
    teleop, arm, policy = content
    paint.panel(area)
    inner = area.inflate(-paint.px(20), -paint.px(10))
    height = inner.height // 4
    left = min(paint.px(235), round(0.36 * inner.width))
    keys = teleop.device == "keyboard"
    for index, (key, text, colour) in enumerate(_switches(teleop, arm, keys, policy)):
        line = pygame.Rect(inner.left, inner.top + index * height, left - paint.px(10), height)
        _draw_switch(paint, line, key, text, colour)
    bars = pygame.Rect(inner.left + left, inner.top, inner.width - left, 3 * height)
    names = KEY_AXES if keys and bars.width > paint.px(440) else PLAIN_AXES
    for index in range(6):
        column, row = divmod(index, 3)
        width = bars.width // 2
        cell = pygame.Rect(bars.left + column * width, bars.top + row * height, width - paint.px(10), height)
        axis = (*LINEAR_AXES, *ANGULAR_AXES)[index]
        shown = f"{axis.positive}/{axis.negative}".upper() if keys else ""
        label = max(paint.width(name) for name in names[3 * column : 3 * column + 3]) + paint.px(8)
        _draw_bar(paint, cell, label, (names[index], shown), teleop.twist[index], arm.twist[index])
    _draw_last_line(paint, pygame.Rect(bars.left, bars.bottom, bars.width - paint.px(10), height), arm)
    return []


def _switches(teleop: TeleopView, arm: ArmView, keys: bool, policy: bool) -> list[tuple[str, str, Colour]]:
    """(key, what it does or is, colour) of each switch: deadman, gripper, speed, and the policy's or the mark."""
    pressed = dict(teleop.controls)
    if arm.stopped:
        allowed = ("STOPPED", RED)
    elif teleop.deadman:
        allowed = ("MOTION ON", GREEN)
    else:
        allowed = ("hold to move" if keys or "deadman" in pressed else "deadman up", FAINT)
    asked = teleop.gripper_closed if teleop.deadman else None
    closed = arm.gripper_closed if asked is None else asked
    gripper = f"gripper {'closed' if closed else 'open'}" if arm.known or asked is not None else "gripper ?"
    speed = "" if teleop.speed_scale is None else f"speed {teleop.speed_scale:.0%}"
    names = (key_name(DEADMAN_KEY), key_name(GRIPPER_KEY), f"{FASTER_KEY} {SLOWER_KEY}")
    if not keys:
        names = (short(pressed.get("deadman", "")), short(pressed.get("gripper", "")), "")
    last = (key_name(CLICK_KEY), "marks this", FAINT)
    if policy:
        on = teleop.enable
        last = (key_name(ENABLE_KEY), "POLICY ON" if on else "for policy", GREEN if on else FAINT)
    return [(names[0], *allowed), (names[1], gripper, TEXT), (names[2], speed, TEXT), last]


def short(control: str) -> str:
    """A control's name where there is little room: LEFT SHOULDER becomes L SHOULDER, of which the end may go."""
    return re.sub(r"^(L|R)(EFT|IGHT) ", r"\1 ", control)


def _draw_switch(paint: Painter, line: pygame.Rect, key: str, text: str, colour: Colour) -> None:
    left = line.left
    if key:
        paint.write(key, line, "strong", BLUE)
        left += max(paint.width(name, "strong") for name in ("SPACE", key)) + paint.px(10)
    role = "strong" if colour in (GREEN, RED) else "text"
    paint.write(text, pygame.Rect(left, line.top, max(0, line.right - left), line.height), role, colour)


def _draw_bar(
    paint: Painter, cell: pygame.Rect, label: int, names: tuple[str, str], asked: float, applied: float
) -> None:
    """A bar in two halves, behind its name and its keys: above what is asked, below what is applied."""
    keys = paint.width("W/S", "strong") + paint.px(8) if names[1] else 0
    paint.write(names[0], cell, "text", FAINT)
    if keys:
        paint.write(names[1], pygame.Rect(cell.left + label, cell.top, keys, cell.height), "strong", BLUE)
    height = max(6, round(0.6 * cell.height)) // 2 * 2
    bar = pygame.Rect(cell.left + label + keys, cell.centery - height // 2, cell.width - label - keys, height)
    if bar.width < 10:
        return
    pygame.draw.rect(paint.surface, BACKGROUND, bar)
    for value, colour, top in ((asked, BLUE, bar.top), (applied, GREEN, bar.top + height // 2)):
        length = round(abs(value) * bar.width / 2)
        left = bar.centerx - (length if value < 0 else 0)
        pygame.draw.rect(paint.surface, colour, (left, top, length, height // 2))
    pygame.draw.line(paint.surface, FAINT, (bar.centerx, bar.top - 1), (bar.centerx, bar.bottom))


def _draw_last_line(paint: Painter, line: pygame.Rect, arm: ArmView) -> None:
    """What limits the arm, and where there is room for it the legend of the bars."""
    text = f"limited by: {', '.join(arm.limits)}" if arm.limits else "no limit acts"
    role, colour = ("strong", AMBER) if arm.limits else ("small", DIM)
    used = paint.write(text if arm.known else "", line, role, colour).width
    legend = (("applied", GREEN), ("asked", BLUE))
    if used + sum(paint.width(word, "small") + paint.px(36) for word, _ in legend) > line.width:
        return
    right = line.right
    for word, tint in legend:
        area = pygame.Rect(line.left, line.top, right - line.left, line.height)
        place = paint.write(word, area, "small", FAINT, "right")
        box = pygame.Rect(place.left - paint.px(16), 0, paint.px(10), paint.px(10))
        box.centery = line.centery
        pygame.draw.rect(paint.surface, tint, box)
        right = box.left - paint.px(12)
