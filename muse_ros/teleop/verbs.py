"""The services behind the verbs that buttons call. Pure."""

from __future__ import annotations

START, STOP = "collect/start", "collect/stop"
VERB_SERVICES = {
    "keep": "collect/keep",
    "discard": "collect/discard",
    "success": "collect/success",
    "failure": "collect/failure",
    "undo": "collect/undo",
    "reset": "collect/reset",
    "home": "panda/home",
    "stop": "panda/stop",
    "recover": "panda/recover",
}
"""Verb of :data:`muse_ros.teleop.mapping.VERBS` to service; ``start_stop`` depends on what runs."""


def verb_service(verb: str, recording: bool) -> str:
    """The service that a verb calls.

    Args:
        verb: One of :data:`muse_ros.teleop.mapping.VERBS`.
        recording: Whether an episode is being recorded.
    """
    if verb == "start_stop":
        return STOP if recording else START
    return VERB_SERVICES[verb]
