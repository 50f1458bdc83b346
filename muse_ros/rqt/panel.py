"""What the rqt panel shows, as texts and lights: one pure function of what the operator's window shows, too.

The words are the window's own where it has them. It tells of keys, which this panel has not: what to do next is said
here in the collect node's words.
"""

from __future__ import annotations

from dataclasses import dataclass

from muse_ros.recording.session import State
from muse_ros.window.buttons import LABELS, legal
from muse_ros.window.prompt import number, seconds
from muse_ros.window.view import ArmView, EpisodeView, Level, WindowView
from muse_ros.window.words import arm_words, policy_words, rate_text, short_topic

EPISODE_VERBS = ("start", "stop", "success", "failure", "keep", "discard", "undo", "reset")
SERVICES = (*(f"collect/{verb}" for verb in EPISODE_VERBS), "panda/home", "panda/recover", "panda/stop")
SIGNS = {Level.OK: "✓", Level.DEGRADED: "!", Level.MISSING: "✗"}  # beside the colour: not all people see that


@dataclass(frozen=True)
class Row:
    """One line with a light."""

    level: Level
    text: str
    detail: str = ""


@dataclass(frozen=True)
class Panel:
    """All texts of the panel.

    Attributes:
        state: The episode's state in a word.
        recording: The recording light is on.
        title: Episode and duration.
        message: What is wrong, or what to do next.
        alarm: The message is a warning.
        counts: The session so far.
        disk: Free disk.
        legal: Services that would not be refused now.
        streams: Health of the contract's streams.
        arm: Who moves it.
        policy: What it does; None where none is heard.
        texts: The texts that can be typed in, by field.
    """

    state: str
    recording: bool
    title: str
    message: str
    alarm: bool
    counts: str
    disk: str
    legal: frozenset[str]
    streams: tuple[Row, ...]
    arm: Row
    policy: Row | None
    texts: dict[str, str]


def panel(view: WindowView) -> Panel:
    """What to show of `view`."""
    episode = view.episode
    recording = episode.alive and episode.state is State.RECORDING
    refused = next((f"{call.service}: {call.text}" for call in view.calls if call.state == "refused"), "")
    return Panel(
        state=_state(episode),
        recording=recording,
        title=_title(episode),
        message=refused or episode.message,
        alarm=bool(refused) or not episode.alive or episode.alarm or episode.degraded or episode.state is State.FAULT,
        counts=_counts(episode),
        disk=f"{episode.free_disk_gb:.1f} GB free" if episode.known else "",
        legal=frozenset(service for service in SERVICES if legal(view, service)),
        streams=tuple(_stream(view, index) for index in range(len(view.streams))),
        arm=_arm(view.arm),
        policy=Row(*policy_words(view.policy)) if view.policy else None,
        texts=dict(episode.texts),
    )


def label(service: str) -> str:
    """What a service's button says."""
    return LABELS[service]


def _state(episode: EpisodeView) -> str:
    if not episode.known:
        return "NO RECORDER"
    if episode.silent_s is not None:
        return "SILENT"
    return episode.state.name


def _title(episode: EpisodeView) -> str:
    if not episode.known:
        return "the collect node is not heard"
    if episode.silent_s is not None:
        return f"the collect node, for {seconds(episode.silent_s)}"
    if not episode.episode_id:
        return "no episode yet"
    return f"{number(episode)}, {seconds(episode.elapsed_s)}{', degraded' if episode.degraded else ''}"


def _counts(episode: EpisodeView) -> str:
    trials = episode.successes + episode.failures
    rate = f", success {rate_text(episode.successes, trials)}" if trials else ""
    return f"kept {episode.kept}, discarded {episode.discarded}{rate}" if episode.known else ""


def _arm(arm: ArmView) -> Row:
    if arm.alive and arm.stopped:
        return Row(Level.MISSING, "STOPPED", f"{label('panda/recover')} releases the stop")
    return Row(*arm_words(arm))


def _stream(view: WindowView, index: int) -> Row:
    stream = view.streams[index]
    wanted = f" of {stream.expected_hz:g}" if stream.expected_hz else ""
    level = stream.level if view.episode.alive else Level.MISSING
    return Row(level, f"{short_topic(stream.topic)}  {stream.rate_hz:g}{wanted} Hz", stream.problem)
