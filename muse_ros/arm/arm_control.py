"""The road from action messages to set-points, without the node around it: arbiter, home, latched stop, motion.

One step per control period. Duck-typed messages and both clocks come in as arguments. Must not import rclpy.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from muse_core.control.home import HomeMove
from muse_core.control.kinematics import BASE_FRAME, HOME_Q, PandaKinematics
from muse_core.control.limits import Limit, Limits
from muse_core.control.motion import MotionController
from muse_core.control.state import ActionError, ArmAction, LateActionError, RobotState, SetPoint
from muse_ros.arm.arbiter import AHEAD_NS, Arbiter
from muse_ros.contract.message_fields import time_ns

RECORDER_SILENT_NS = 2_000_000_000
"""A recorder that says so at 10 Hz while it records and has said nothing for this long is gone, and its episode too."""
TAKEOVER, RELEASE = "takeover", "release"
"""As in msg/EpisodeEvent.msg."""


@dataclass(frozen=True)
class Step:
    """What one control period did.

    Attributes:
        set_point: For the driver.
        chosen: The message whose action begins with this set-point; None where none begins.
        refused: Why a new action was refused; empty where none was.
        displaced: Whom teleop has displaced, as long as it has the arm; empty where nobody was.
        event: With this period teleop took the arm from policy or replay in an episode (TAKEOVER) or gave it back
            (RELEASE); empty where neither.
    """

    set_point: SetPoint
    chosen: Any = None
    refused: str = ""
    displaced: str = ""
    event: str = ""


class ArmControl:
    """Everything between the action topics and the driver of one arm.

    Args:
        limits: What every set-point keeps.
        rate_hz: Steps per second.
        execute_always: Let policy and replay move the arm without an episode.
        require_enable: Let them move only while teleop says `enable`.
        require_release: Let teleop's deadman count after a silence only once it was let go.
        home_q: Where home is [rad], shape (7,).
        home_opens_hand: Open the hand on the way home.

    Attributes:
        newest_action_ns: Stamp of the newest action heard from anybody [ns]; those of a wrong clock do not count.
        limits_hit: How many set-points each limit has acted on, by name.
        refused: How many actions were refused.
        late: How many of these were to be complete before they could begin.
        enabled: Whether policy and replay need no enable, or have it.
        source: Who has the arm; empty where nobody has.
        conflict: Who else asks for it.
        recorder_lost: Whether the recorder fell silent in an episode, and has not ended that episode since.
    """

    def __init__(
        self,
        limits: Limits,
        rate_hz: float,
        execute_always: bool = False,
        require_enable: bool = False,
        require_release: bool = False,
        home_q: np.ndarray = HOME_Q,
        home_opens_hand: bool = False,
    ) -> None:
        self._limits, self._home_q, self._home_opens_hand = limits, home_q, home_opens_hand
        self._arbiter = Arbiter(execute_always, require_enable, require_release)
        self._motion = MotionController(PandaKinematics(limits), limits, rate_hz)
        self._home: HomeMove | None = None
        self._current: ArmAction | None = None
        self._recording = False
        self._record_until_ns = 0
        self.recorder_lost = False
        self._now_ns = 0
        self.newest_action_ns = -1
        self.limits_hit: Counter[str] = Counter()
        self._displaced = ""
        self.refused = 0
        self.late = 0
        self.enabled = not require_enable
        self.source = ""
        self.conflict = ""

    @property
    def stopped(self) -> bool:
        """Whether the latched stop is set."""
        return self._motion.stopped

    @property
    def homing(self) -> bool:
        """Whether the arm is on its way home."""
        return self._home is not None

    def anchor(self, state: RobotState) -> None:
        """Stand still where the arm is measured, with every action forgotten: at the start, after a reset."""
        self._home = None
        self._arbiter.forget()
        self._motion.anchor(state)

    def await_release(self) -> None:
        """The arm was led by hand: a deadman that was down all the while leads it only once it was let go."""
        self._arbiter.await_release()

    def let_go(self) -> None:
        """Forget who has the arm and where it goes: it holds until somebody is heard again."""
        self._home = None
        self._arbiter.silence()

    @property
    def standing(self) -> bool:
        """Whether the arm was told to stand."""
        return self._motion.standing

    def record(self, recording: bool, steady_ns: int) -> None:
        """Say whether an episode is being recorded; to be said again within :data:`RECORDER_SILENT_NS` while it is.

        After a longer silence the same episode lets nobody move any more: who saw the arm stop must not see it start by
        itself. Only when the recorder has said that none is being recorded does the next one count.

        Args:
            recording: Whether it is.
            steady_ns: When that was heard, by the steady clock [ns].
        """
        silent = self._recording and steady_ns > self._record_until_ns
        self.recorder_lost = recording and (self.recorder_lost or silent)
        self._record_until_ns = steady_ns + RECORDER_SILENT_NS
        self._recording = recording and not self.recorder_lost
        self._arbiter.record(self._recording)

    def hear(self, source: str, message: Any, steady_ns: int) -> None:
        """Take an Action message in.

        Args:
            source: By whose topic it came.
            message: The message.
            steady_ns: When it was received, by the steady clock [ns].
        """
        action = arm_action(source, message)
        if len(action.values) and action.stamp_ns <= self._now_ns + AHEAD_NS:
            self.newest_action_ns = max(self.newest_action_ns, action.stamp_ns)
        self._arbiter.hear(action, self._now_ns, steady_ns, message, enable=bool(message.enable))

    def double(self, sources: frozenset[str]) -> None:
        """Say on whose topics two publishers speak: these do not lead the arm, and with teleop's nobody does."""
        self._arbiter.double(sources)

    @property
    def prompted(self) -> bool:
        """Whether an action waits that the next set-point would begin."""
        return self._arbiter.waiting and not self._motion.stopped

    @property
    def dropped(self) -> int:
        """How many deltas were heard from who has the arm, and never handed out: too old by their turn, or too many."""
        return self._arbiter.dropped

    @property
    def enable_to_be_released(self) -> bool:
        """Whether a required enable is held since before a stop: it counts again once it was let go."""
        return self._arbiter.enable_to_be_released

    @property
    def to_be_released(self) -> bool:
        """Whether teleop's deadman is down since before a silence, or a stop: it counts again once it was let go."""
        return self._arbiter.to_be_released

    @property
    def recording(self) -> bool:
        """Whether an episode is being recorded, as far as is known."""
        return self._recording

    def stop(self) -> str:
        """Set the latched stop; returns what happened, in words."""
        self._home = None
        self._arbiter.forget()
        self._motion.stop()
        return "stopped: the arm holds until panda/recover"

    def recover(self, state: RobotState) -> str:
        """Release the latched stop; returns what happened, in words."""
        if not self._motion.stopped:
            return "the arm was not stopped"
        self._arbiter.forget()
        self._arbiter.await_release()
        self._motion.recover(state)
        return "recovered: the arm follows actions again"

    def go_home(self, now_ns: int) -> str:
        """Start to move home; returns why not, or an empty text."""
        why_not = self.taken or ("an episode is being recorded: stop it first" if self._recording else "")
        if not why_not:
            self._home = HomeMove(now_ns, self._home_q, self._home_opens_hand)
        return why_not

    @property
    def taken(self) -> str:
        """Why nobody else may lead the arm now, in words; empty where somebody may."""
        if self._motion.stopped:
            return "the arm is stopped: call panda/recover first"
        return f"{self.source} has the arm: let go of it first" if self.source else ""

    @property
    def occupied(self) -> str:
        """Why the arm cannot be given to a person's hands now, in words; empty where it can."""
        if self.taken:
            return self.taken
        if self._home is not None:
            return "the arm is on its way home: wait for it"
        return "" if self._motion.standing else "the arm still moves: ask again"

    def step(self, now_ns: int, steady_ns: int, state: RobotState) -> Step:
        """Decide one set-point.

        Args:
            now_ns: Now, by the clock of the actions' stamps [ns].
            steady_ns: Now, by the steady clock [ns].
            state: What the arm measures.
        """
        self._now_ns = now_ns
        if self._recording and steady_ns > self._record_until_ns:
            self.record(False, steady_ns)
            self.recorder_lost = True
        choice = self._arbiter.choose(now_ns, steady_ns)
        self.source, self.conflict = choice.source, choice.conflict
        self.enabled = self._arbiter.enabled(steady_ns)
        chosen, refused, action = None, "", choice.action
        if choice.source:
            self._home = None
        elif self._home is not None:
            action = self._next_home_action(now_ns)
        if action is None:
            self._motion.hold(choice.reason)
        elif action is not self._current and not self._motion.stopped:
            try:
                self._motion.accept(action, now_ns)
                chosen = choice.origin
            except ActionError as error:
                refused = str(error)
                self.refused += 1
                self.late += isinstance(error, LateActionError)
        self._current = action
        set_point = self._motion.update(now_ns, state)
        self.limits_hit.update(limit.name for limit in _BITS if set_point.limited_by & limit)
        return Step(set_point, chosen, refused, choice.displaced, self._event(choice.displaced))

    def _event(self, displaced: str) -> str:
        """What is new about who has the arm: a fact of the episode, so without one there is nothing to tell."""
        now, before = displaced if self._recording else "", self._displaced
        self._displaced = now
        if now and not before:
            return TAKEOVER
        return RELEASE if before and not now and self._recording else ""

    def _next_home_action(self, now_ns: int) -> ArmAction | None:
        closed = 1.0 - self._motion.gripper_width / self._limits.gripper_max_width
        action = self._home.action(now_ns, self._motion.q, closed)
        if action is None:
            self._home = None
        return action


_BITS = [limit for limit in Limit if limit]


def arm_action(source: str, message: Any) -> ArmAction:
    """The action that an Action message holds; a frame that is not the arm's base gives it an unusable space.

    Args:
        source: By whose topic it came; the message's own claim is not asked.
        message: The message.
    """
    frame = message.header.frame_id
    space = message.action_space if frame in ("", BASE_FRAME) else f"{message.action_space} in frame {frame}"
    return ArmAction(
        space=space,
        values=np.array(message.values, dtype=np.float64),
        period_s=float(message.period),
        stamp_ns=time_ns(message.header.stamp),
        source=source,
        deadman=bool(message.deadman) or source != "teleop",
        target_ns=time_ns(message.target_time),
    )
