"""The window's buttons: which verb each calls, by which key, and whether it would be refused now. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from muse_ros.recording.session import State
from muse_ros.teleop.keyboard import START_STOP_KEY, VERBS, service_of
from muse_ros.window.view import WindowView

OVERLAY_KEY, TYPE_KEY = "v", "t"
OVERLAY, TYPE = "window/overlay", "window/type"
STOP = "panda/stop"
LABELS = {
    "collect/start": "Start",
    "collect/stop": "End",
    "collect/success": "Success",
    "collect/failure": "Failure",
    "collect/keep": "Keep",
    "collect/discard": "Discard",
    "collect/undo": "Undo",
    "collect/reset": "Reset",
    "panda/home": "Go home",
    "panda/recover": "Recover",
    STOP: "STOP",
    OVERLAY: "Last start",
    TYPE: "Note",
}
KEY_NAMES = {"return": "ENTER", "escape": "ESC", "space": "SPACE", "backspace": "BACK"}
ORDER = ("success", "failure", "keep", "discard", "undo", "reset", "home", "recover", "stop")


@dataclass(frozen=True)
class Button:
    """One button.

    Attributes:
        action: What it does: a service, or ``window/...`` for what the window does itself.
        key: The key that does the same, as it is shown.
        label: What it does, in a word or two.
        legal: It would not be refused now.
        state: What came of it just now: ``pending``, ``done``, ``refused``, or empty.
        lit: It is switched on.
    """

    action: str
    key: str
    label: str
    legal: bool
    state: str = ""
    lit: bool = False


def buttons(view: WindowView) -> tuple[Button, ...]:
    """All buttons, in the order in which they are shown."""
    states = {call.service: call.state for call in view.calls}
    recording = view.episode.state is State.RECORDING
    begin = str(service_of(START_STOP_KEY, recording))
    services = [(START_STOP_KEY, begin)]
    verbs = sorted(VERBS, key=lambda verb: ORDER.index(verb.service.rpartition("/")[2]))
    services += [(verb.key, verb.service) for verb in verbs]
    found = [
        Button(service, key_name(key), LABELS[service], legal(view, service), states.get(service, ""))
        for key, service in services
    ]
    overlay = Button(OVERLAY, key_name(OVERLAY_KEY), LABELS[OVERLAY], overlay_allowed(view), lit=view.overlay)
    typing = Button(TYPE, key_name(TYPE_KEY), LABELS[TYPE], view.episode.alive, lit=bool(view.typing.field))
    return (*found[:-1], overlay, typing, found[-1])


def legal(view: WindowView, service: str) -> bool:
    """Whether a verb would not be refused now, as far as can be known."""
    node, _, verb = service.partition("/")
    if node == "collect":
        return view.episode.alive and verb in view.episode.legal_verbs
    if verb == "stop":
        return not view.arm.stopped  # of an arm that is not heard, too
    if verb == "recover":
        return view.arm.alive and view.arm.stopped
    at_work = view.episode.alive and view.episode.state in (State.RECORDING, State.SAVING)
    return view.arm.alive and not view.arm.stopped and not at_work


def overlay_allowed(view: WindowView) -> bool:
    """Between episodes, once there has been one: the time to put things where they were."""
    return view.episode.state in (State.IDLE, State.READY) and bool(view.episode.episode_id)


def key_name(key: str) -> str:
    """A key as it is printed on the keyboard."""
    return KEY_NAMES.get(key, key.upper())
