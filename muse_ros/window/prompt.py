"""What the operator is told to do next, in plain words: one pure function of what the window shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from muse_ros.recording.session import Outcome, State
from muse_ros.teleop.mapping_words import MEANINGS
from muse_ros.window.buttons import LABELS
from muse_ros.window.view import CallView, EpisodeView, Level, WindowView

PLAIN = re.compile(
    r"^(ready: start(?=$|;)"
    r"|recording episode_\d+: stop, success or failure ends it"
    r"|episode_\d+ is \w+: (label it success or failure, then )?keep or discard"
    r"|waiting:)(; | )?"
)
"""Advice of the collect node that the window gives itself, with its keys."""
LABELLING = ("success", "failure", "keep", "discard")
ENDED = re.compile(r"\(it ended because (.*)\): ")
"""How the collect node says why an episode ended that nobody ended."""


class Tone(Enum):
    """How a line is meant: as news, as a question, as a warning, or as an error."""

    CALM = "calm"
    ASK = "ask"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Prompt:
    """Two lines: what to do, and more about it.

    Attributes:
        text: The one thing to do or to know now.
        detail: Why, or what else; may be empty.
        tone: How it is meant.
    """

    text: str
    detail: str = ""
    tone: Tone = Tone.CALM


def prompt(view: WindowView) -> Prompt:
    """The most urgent thing to tell."""
    urgent = (_typing, _dead, _stopped, _refused, _device, _unfocused, _release)
    return next((found for look in urgent if (found := look(view))), None) or _episode(view)


def _typing(view: WindowView) -> Prompt | None:
    if not view.typing.field:
        return None
    if view.typing.problem:
        return Prompt(f"Not saved: {view.typing.problem}.", "ENTER saves, ESC leaves it as it was.", Tone.WARN)
    text = f"Type the {view.typing.field}: ENTER saves, TAB saves and goes on, ESC leaves it."
    return Prompt(text, "Until then no key moves anything; while it records, ESC stops the arm, too.", Tone.ASK)


def _dead(view: WindowView) -> Prompt | None:
    arm, episode = view.arm, view.episode
    if arm.silent_s is not None:
        text = f"The arm's node (panda) has been silent for {seconds(arm.silent_s)}."
        return Prompt(text, "The arm cannot be seen or moved. Look at its terminal, and start it again.", Tone.BAD)
    if episode.silent_s is not None:
        lost = "The episode is cut short; what was written is safe." if _running(episode) else "What was kept is safe."
        text = f"The recorder (collect) has been silent for {seconds(episode.silent_s)}: nothing is recorded."
        return Prompt(text, f"{lost} Look at its terminal, and start it again.", Tone.BAD)
    return None


def _running(episode: EpisodeView) -> bool:
    return episode.state in (State.RECORDING, State.DECIDING, State.SAVING)


def _refused(view: WindowView) -> Prompt | None:
    refused: CallView | None = next((call for call in view.calls if call.state == "refused"), None)
    if refused is None:
        return None
    what = LABELS.get(refused.service, refused.service.removeprefix("type/"))
    return Prompt(f"Not done: {what}", refused.text, Tone.WARN)


def _stopped(view: WindowView) -> Prompt | None:
    if not view.arm.stopped:
        return None
    refused = next((call.text for call in view.calls if call.state == "refused"), "")
    detail = refused or _on_device(view, ("recover",)) or _news(view)
    return Prompt("The arm is STOPPED. Press P once the cause is gone: it releases the stop.", detail, Tone.BAD)


def _device(view: WindowView) -> Prompt | None:
    if not view.teleop.problem:
        return None
    return Prompt(f"The {view.teleop.device} moves nothing: {view.teleop.problem}.", _news(view), Tone.WARN)


def _unfocused(view: WindowView) -> Prompt | None:
    if view.focused or view.teleop.device != "keyboard":
        return None
    return Prompt("Click into this window: without the keyboard focus no key acts.", _news(view), Tone.WARN)


def _release(view: WindowView) -> Prompt | None:
    if not (view.arm.alive and view.arm.to_be_released and view.teleop.deadman) or view.arm.source == "teleop":
        return None
    text = f"Let go of {_deadman(view) or 'the deadman'}, then press it: only then the device moves the arm."
    return Prompt(text, "It was down when the arm heard the device again, after a silence.", Tone.WARN)


def _deadman(view: WindowView) -> str:
    """What the deadman of the device in hand is called; empty where that is not known."""
    return dict(view.teleop.controls).get("deadman", "SPACE" if view.teleop.device == "keyboard" else "")


def _episode(view: WindowView) -> Prompt:
    episode = view.episode
    if not episode.known:
        if not view.arm.known:
            return Prompt("Waiting for the arm and the recorder.", "`muse up collect` starts all nodes.", Tone.WARN)
        text = "No recorder (node collect) is heard: nothing is recorded."
        return Prompt(text, _hold(view) or "`muse up collect` starts it, too.", Tone.WARN)
    return {
        State.IDLE: _idle,
        State.READY: _ready,
        State.RECORDING: _recording,
        State.DECIDING: _deciding,
        State.SAVING: lambda view: Prompt(f"Saving {number(view.episode)}.", "It is safe in a moment."),
        State.FAULT: lambda view: Prompt("Something failed. X discards, and goes on.", view.episode.message, Tone.BAD),
    }[episode.state](view)


def _idle(view: WindowView) -> Prompt:
    missing = sum(stream.level is not Level.OK for stream in view.streams)
    streams = {0: "Not ready yet.", 1: "Not ready yet: one stream is not well."}
    text = streams.get(missing, f"Not ready yet: {missing} streams are not well.")
    return Prompt(text, _news(view), Tone.WARN)


def _ready(view: WindowView) -> Prompt:
    homing = "The arm is on its way home. " if view.arm.homing else ""
    text = f"{homing}Ready: set the scene, then press R to start {_following(view.episode)}."
    if view.overlay:
        return Prompt(text, "The last start is laid over the cameras: put things where they were. V hides it.")
    return Prompt(text, _news(view) or _hold(view))


def _following(episode: EpisodeView) -> str:
    if episode.episode_id:
        return f"episode {episode.index + 1}"
    return "the next episode" if episode.kept or episode.discarded else "episode 0"  # a session that goes on


def _recording(view: WindowView) -> Prompt:
    episode = view.episode
    text = f"Recording {number(episode)}. R ends it; Y or N ends it as a success or a failure."
    if episode.alarm:
        text = f"Recording {number(episode)}, but a stream fails: R ends it, X throws it away."
    elif view.policy is not None and view.policy.state == "STOPPED":
        text = f"Recording {number(episode)}, but the policy has stopped: R ends it. Start all again if it stays so."
        return Prompt(text, view.policy.reason, Tone.BAD)
    elif view.policy is not None and view.arm.recorder_lost:
        text = f"Recording {number(episode)}, but the policy moves nothing in it any more: R ends it."
        return Prompt(text, "The recorder was silent for over 2 s. In the next episode it moves again.", Tone.BAD)
    tone = Tone.BAD if episode.alarm else Tone.WARN if episode.degraded else Tone.CALM
    lost = "It has lost more than is allowed; it can be kept, marked as degraded." if episode.degraded else ""
    return Prompt(text, _news(view) or lost or _hold(view), tone)


def _hold(view: WindowView) -> str:
    recording = view.episode.state is State.RECORDING
    if view.policy is not None and view.policy.state != "SHADOW":
        return _hold_beside_policy(view) if recording else ""
    if view.teleop.controls:
        names = ("discard", "click") if recording and view.teleop.deadman else ("deadman", "gripper", "start_stop")
        return _on_device(view, names)
    if view.teleop.device == "keyboard" and not view.teleop.deadman:
        return "To move the arm hold SPACE and the keys beside the bars; without SPACE it holds still."
    return "X throws it away at once; C marks this instant." if recording else ""


def _on_device(view: WindowView, names: tuple[str, ...]) -> str:
    """What to press on the device in hand for these, as far as it has buttons for them."""
    pressed = dict(view.teleop.controls)
    said = ", ".join(f"{pressed[name]} {MEANINGS[name]}" for name in names if name in pressed)
    return f"On the {view.teleop.device}: {said}." if said else ""


def _hold_beside_policy(view: WindowView) -> str:
    deadman = _deadman(view)
    taking = f"{deadman} takes the arm from the policy." if deadman else ""
    if view.arm.enabled or view.teleop.enable:
        return taking
    switch = dict(view.teleop.controls).get("enable")
    which = f"{switch} or TAB" if switch else "TAB, or your device's switch"
    return f"Hold {which}: only then the policy may move the arm. {taking}"


def _deciding(view: WindowView) -> Prompt:
    ended = ENDED.search(view.episode.message)
    if view.teleop.controls and not ended:  # its X may be another X than the keyboard's: no key is named without whose
        outcome = view.episode.outcome
        was = "Was it a success?" if outcome is Outcome.UNLABELLED else f"It was a {outcome.name.lower()}."
        detail = _news(view) or f"{_on_device(view, LABELLING)} On the keyboard: Y, N, ENTER, X."
        return Prompt(f"{was} Label it, then keep or discard it.", detail, Tone.ASK)
    if ended:
        label = "" if view.episode.outcome is Outcome.UNLABELLED else f" (a {view.episode.outcome.name.lower()})"
        text = f"It ended by itself{label}. Y or N labels it, ENTER keeps it, X discards it."
        return Prompt(text, f"Why: {ended[1]}", Tone.WARN)
    if view.episode.outcome is Outcome.UNLABELLED:
        text = "Was it a success? Y or N. Then ENTER keeps it, X discards it."
        return Prompt(text, _news(view) or "The label may be left out.", Tone.ASK)
    label = view.episode.outcome.name.lower()
    detail = _news(view) or "Y and N change the label."
    return Prompt(f"It was a {label}. ENTER keeps it, X discards it.", detail, Tone.ASK)


def _news(view: WindowView) -> str:
    """What else there is to tell: what a verb did, or what the collect node says beyond what is told anyway."""
    done = next((call.text for call in view.calls if call.state in ("done", "over") and call.text), "")
    return done or PLAIN.sub("", view.episode.message)


def number(episode: EpisodeView) -> str:
    """How an episode is spoken of."""
    return f"episode {episode.index}"


def seconds(duration_s: float) -> str:
    """A duration as one reads it: ``0.8 s``, ``12 s``, ``3:05 min``."""
    if duration_s < 10:
        return f"{duration_s:.1f} s"
    if duration_s < 60:
        return f"{duration_s:.0f} s"
    minutes, rest = divmod(int(duration_s), 60)
    return f"{minutes}:{rest:02d} min"
