"""What a mapping says in words: which button or axis of the device in hand does what. For the window and the terminal.

Pure. Must not import rclpy or pygame.
"""

from __future__ import annotations

from muse_ros.teleop.mapping import LAYOUTS, AxisRule, ButtonRule, Mapping

MEANINGS = {
    "deadman": "hold to move the arm",
    "enable": "hold to let a policy or a replay move it",
    "gripper": "opens / closes the gripper",
    "click": "marks this instant",
    "faster": "faster",
    "slower": "slower",
    "start_stop": "starts / ends an episode",
    "success": "success",
    "failure": "failure",
    "keep": "keeps",
    "discard": "discards",
    "undo": "undoes the last",
    "reset": "next scene, or arm home",
    "home": "sends the arm home",
    "stop": "STOPS the arm",
    "recover": "releases the stop",
}


def controls(mapping: Mapping) -> tuple[tuple[str, str], ...]:
    """(what it is for, what to press) of every button of a mapping, in the order of :data:`MEANINGS`."""
    rules = {**mapping.buttons, **mapping.verbs}
    return tuple((name, _words(rules[name], mapping.layout)) for name in MEANINGS if name in rules)


def mapping_lines(mapping: Mapping) -> list[str]:
    """All that a mapping says, one control each: ``LEFT SHOULDER hold to move the arm``."""
    motions = [f"{_axis_words(rule, mapping.layout)} {name}" for name, rule in mapping.motion.items()]
    return [*(f"{control} {MEANINGS[name]}" for name, control in controls(mapping)), *motions]


def _axis_words(rule: AxisRule, layout: str) -> str:
    pair = (("axis", rule.axis), ("axis", rule.minus_axis), ("button", rule.plus), ("button", rule.minus))
    return " / ".join(_name(kind, index, layout) for kind, index in pair if index is not None)


def _words(rule: ButtonRule, layout: str) -> str:
    if rule.button is None:
        return _name("axis", rule.axis, layout)
    return _name("button", rule.button, layout)


def _name(kind: str, index: int, layout: str) -> str:
    """What the layout calls it, in capitals: LEFT SHOULDER, LEFT BUTTON (of a SpaceMouse), BUTTON 3 (of any other)."""
    names = LAYOUTS[layout][kind == "button"]
    if index >= len(names):
        return f"{kind} {index}".upper()
    name = names[index].replace("_", " ").upper()
    return f"{name} BUTTON" if layout == "spacemouse" and kind == "button" else name
