"""Carries out the effects of the episode state machine: opens, ends, closes and files bags, writes ``episode.json``.

Everything that needs ROS comes in as a callable, so that tests run it with a fake writer. Imports no ROS.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from muse_ros.recording.episode_events import (
    Effect,
    EndData,
    Event,
    Failed,
    FileBag,
    Filed,
    LeaveBag,
    Mark,
    MoveEpisode,
    OpenBag,
    Opened,
    Relabel,
    Reset,
)
from muse_ros.recording.episode_file import Description, Setting, episode_content
from muse_ros.recording.health import Health
from muse_ros.recording.recorder import Recorder, Recording
from muse_ros.recording.session import Session
from muse_ros.recording.session_folder import SessionFolder, write_episode_file


class PreparedMark(NamedTuple):
    """An EpisodeEvent as it goes into the bag, and the way to publish it."""

    topic: str
    type: str
    data: bytes
    publish: Callable[[], None]


@dataclass(frozen=True)
class Surroundings:
    """What the effects need of the node.

    Attributes:
        drain: Hands over to the recorder all that has arrived by now.
        prepare: Makes an EpisodeEvent of a mark and an episode's name.
        describe: What the operator says about the current episode.
        left_out: Topics that are not recorded, with the reason.
        now_ns: The node's clock [ns].
        warn: Tells the operator.
        reset: Begins to reset arm and scene, a simulated one with this seed (None: the next one).
    """

    drain: Callable[[], None]
    prepare: Callable[[Mark, str], PreparedMark]
    describe: Callable[[], Description]
    left_out: Callable[[], dict[str, str]]
    now_ns: Callable[[], int]
    warn: Callable[[str], None]
    reset: Callable[[int | None], None]


class EpisodeEffects:
    """The one place where the effects of a session happen."""

    def __init__(
        self,
        recorder: Recorder,
        health: Health,
        folder: SessionFolder,
        setting: Setting,
        surroundings: Surroundings,
    ) -> None:
        self._recorder = recorder
        self._health = health
        self._folder = folder
        self._setting = setting
        self._around = surroundings

    def carry_out(self, effect: Effect, session: Session) -> Event | None:
        """Do it; answers the event that the machine must hear next, if any."""
        try:
            if isinstance(effect, OpenBag):
                self._open(effect.episode_id, session)
                return Opened(self._around.now_ns())
            elif isinstance(effect, Mark):
                self._mark(effect, session)
            elif isinstance(effect, EndData):
                self._around.drain()
                self._recorder.end_data()
                self._health.end_episode(session.stop_ns)
            elif isinstance(effect, FileBag):
                missing = self._folder.missing(effect.episode_id)
                if missing:
                    self._let_go(effect.episode_id)
                else:
                    self._close(session)
                    self._folder.file(effect.episode_id, effect.kept)
                if missing and effect.kept:
                    raise FileNotFoundError(missing)
                return Filed(effect.kept)
            elif isinstance(effect, LeaveBag):
                folder, missing = self._folder.recording(effect.episode_id), self._folder.missing(effect.episode_id)
                if missing:
                    if self._recorder.is_open:  # a bag that could not be opened was never there
                        self._around.warn(f"{effect.reason}: {missing}")
                    self._let_go(effect.episode_id)
                else:
                    self._around.warn(
                        f"{effect.reason}: the episode stays, undecided, in {folder}; "
                        f"to keep it, rename it to {folder.stem}"
                    )
                    self._close(session, cut_short=effect.reason)
            elif isinstance(effect, MoveEpisode):
                self._folder.refile(effect.episode_id, effect.kept)
            elif isinstance(effect, Relabel):
                self._folder.relabel(effect.episode_id, effect.outcome)
            elif isinstance(effect, Reset):
                self._around.reset(effect.seed)
        except Exception as error:  # writers and file systems differ in what they raise; none of it may end the session
            return Failed(f"{type(error).__name__}: {error}", self._around.now_ns())
        return None

    def _open(self, episode_id: str, session: Session) -> None:
        self._around.drain()
        self._recorder.begin(self._folder.recording(episode_id))
        self._health.begin_episode()
        self._write_file(session, self._recorder.figures(), complete=False)

    def _mark(self, mark: Mark, session: Session) -> None:
        message = self._around.prepare(mark, session.episode_id)
        # written before it is published, so that the recorder knows it when it comes back through the middleware
        self._recorder.mark(message.topic, message.type, message.data, mark.stamp_ns)
        message.publish()

    def _close(self, session: Session, cut_short: str = "") -> None:
        if not self._recorder.is_open:
            return
        self._health.end_episode(session.stop_ns)
        try:
            recording = self._recorder.close()
        except Exception as error:
            figures = self._recorder.figures()
            self._write_file(session, figures, complete=False, cut_short=cut_short or f"the bag did not close: {error}")
            raise
        self._write_file(session, recording, complete=True, cut_short=cut_short)
        lost = {topic: figures.lost for topic, figures in recording.topics.items() if figures.lost}
        if lost:
            self._around.warn(f"{session.episode_id}: messages were lost on the way here: {lost}")

    def _let_go(self, episode_id: str) -> None:
        """Close the writer of a bag that is gone; what it would leave behind looks like an episode and is none."""
        with contextlib.suppress(Exception):  # whatever a writer says of files that are not there
            self._recorder.close()
        self._folder.drop_remains(episode_id)

    def _write_file(self, session: Session, recording: Recording, complete: bool, cut_short: str = "") -> None:
        content = episode_content(
            self._setting,
            session,
            self._around.describe(),
            recording,
            self._around.left_out(),
            self._health.shortcomings(session.stop_ns),
            cut_short=cut_short,
            complete=complete,
        )
        write_episode_file(self._folder.recording(session.episode_id), content)
