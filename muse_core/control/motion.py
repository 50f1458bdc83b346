"""From actions to joint set-points: the motion controller of the simulated and of the real arm.

An action moves a target, relative to the last target (deltas) or anywhere (poses); the reference runs to the target
over the action's period, or until its target time, in equal steps, inverse kinematics makes each step joints, and the
safety filter has the last word on each. Both the simulator's Environment and the panda node call this. Time comes in as
`now_ns`; no ROS.
"""

from __future__ import annotations

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.limits import Limit, Limits
from muse_core.control.reference import Reference
from muse_core.control.safety import SafetyFilter
from muse_core.control.state import (
    ACTION_LIFE_PERIODS,
    ACTION_SIZES,
    ActionError,
    ArmAction,
    LateActionError,
    RobotState,
    SetPoint,
)

LONGEST_PERIOD_S = 2.0
LARGEST_VALUE = 1e6
"""No metre, radian or quaternion is larger; what is would overflow on the way."""
GRIPPER_CLOSE_ABOVE, GRIPPER_OPEN_BELOW = 0.55, 0.45
"""The gripper of an `ee_delta` action is binary about 0.5; between these it stays as it was."""


class MotionController:
    """Decides where the arm is told to be at each control period.

    Args:
        kinematics: Of the arm.
        limits: What every set-point keeps.
        rate_hz: Set-points per second: how often :meth:`update` is called.
    """

    def __init__(self, kinematics: PandaKinematics, limits: Limits, rate_hz: float = 100.0) -> None:
        self._limits = limits
        self._filter = SafetyFilter(kinematics, limits, 1.0 / rate_hz)
        self._reference = Reference(kinematics, limits, 1.0 / rate_hz)
        self._action: ArmAction | None = None
        self._begun: ArmAction | None = None
        self._reason = Limit.STALE
        self._step_limited = Limit.NOT_LIMITED
        self._stopped = False
        self._release = True
        self._gripper_width = limits.gripper_max_width

    @property
    def stopped(self) -> bool:
        """Whether the latched stop is set."""
        return self._stopped

    @property
    def standing(self) -> bool:
        """Whether the last set-point had no velocity."""
        return self._filter.standing

    @property
    def q(self) -> np.ndarray:
        """The last set-point [rad], shape (7,)."""
        return self._filter.q.copy()

    @property
    def gripper_width(self) -> float:
        """The last commanded opening between the fingers [m]."""
        return self._gripper_width

    def anchor(self, state: RobotState) -> None:
        """Stand still where the arm is measured: at the start, and after the arm was moved by something else.

        A latched stop stays set.

        Raises:
            ValueError: if the measured joints are not seven finite numbers.
        """
        self._filter.reset(state.q)
        self._gripper_width = float(np.clip(state.gripper_width, 0.0, self._limits.gripper_max_width))
        self.hold(Limit.STALE)

    def accept(self, action: ArmAction, now_ns: int) -> None:
        """Let the arm carry out `action` from the next set-point on; while the stop is latched, ignore it.

        Raises:
            LateActionError: if its target time has passed. The action before it goes on, to the end of its life.
            ActionError: if the action has the wrong length, a value that is not finite, an unknown space, or an
                impossible period, stamp or target time. The arm then holds until the next good action.
        """
        try:
            _check(action, now_ns)
        except LateActionError:
            raise
        except ActionError:
            self.hold(Limit.NOT_FINITE)
            raise
        if self._stopped:
            return
        if not action.deadman:
            self.hold(Limit.NO_DEADMAN)
            return
        self._action = action
        self._reason = Limit.NOT_LIMITED

    def hold(self, reason: int) -> None:
        """Slow down to a standstill and stay there until the next action.

        Args:
            reason: A bit of :class:`Limit`, reported at every set-point until then; a latched stop reports itself.
        """
        self._action = None
        self._release = True
        self._reason = Limit.STOPPED if self._stopped else Limit(reason)

    def stop(self) -> None:
        """Slow down to a standstill and stay there, whatever comes, until :meth:`recover`."""
        self._stopped = True
        self.hold(Limit.STOPPED)

    def recover(self, state: RobotState) -> None:
        """Release the latched stop: stand still where the arm is measured, the hand as it was last commanded.

        An arm that still slows down goes on doing so: set-points keep their accelerations here too.
        """
        gripper_width = self._gripper_width
        self._stopped = False
        if self.standing:
            self.anchor(state)
        else:
            self.hold(Limit.STALE)
        self._gripper_width = gripper_width

    def update(self, now_ns: int, state: RobotState) -> SetPoint:
        """The next set-point.

        Args:
            now_ns: Now, on the clock of the actions' stamps [ns].
            state: What the arm measures; used where motion starts again after a hold.
        """
        action = self._action
        if action is not None and now_ns - action.stamp_ns > ACTION_LIFE_PERIODS * action.period_s * 1e9:
            self.hold(Limit.STALE)
            action = None
        if action is None:
            limited = self._reason | self._filter.brake()
            return self._set_point(limited, "", 0)
        limited = self._begin(action, state, now_ns)
        q, velocity, unreachable = self._reference.advance(self._filter.q, self._filter.transform)
        limited |= unreachable | self._filter.move(q, velocity)
        return self._set_point(limited, action.source, action.stamp_ns)

    def _begin(self, action: ArmAction, state: RobotState, now_ns: int) -> Limit:
        """Start on a new action, or go on with the one that runs."""
        if self._release:
            measured = np.asarray(state.q, dtype=np.float64)
            usable = measured.shape == (7,) and np.isfinite(measured).all()
            self._reference.rest_at(measured if usable else self._filter.q)
            self._release = False
            self._begun = None
        if self._begun is not action:
            time_s = (action.target_ns - now_ns) * 1e-9 if action.target_ns else action.period_s
            self._step_limited = self._reference.aim(action, time_s, self._filter.q, self._filter.transform)
            self._command_gripper(action)
            self._begun = action
        return self._step_limited

    def _command_gripper(self, action: ArmAction) -> None:
        closed, widest = float(np.clip(action.values[-1], 0.0, 1.0)), self._limits.gripper_max_width
        if action.space != "ee_delta":
            self._gripper_width = (1.0 - closed) * widest
        elif closed > GRIPPER_CLOSE_ABOVE:
            self._gripper_width = 0.0
        elif closed < GRIPPER_OPEN_BELOW:
            self._gripper_width = widest

    def _set_point(self, limited: Limit, source: str, stamp_ns: int) -> SetPoint:
        position, velocity = self._filter.q.copy(), self._filter.velocity.copy()
        return SetPoint(position, velocity, self._gripper_width, int(limited), source, stamp_ns)


def _check(action: ArmAction, now_ns: int) -> None:
    whose = f"{action.space} action of {action.source!r}"
    size = ACTION_SIZES.get(action.space)
    if size is None:
        raise ActionError(f"{whose}: unknown action space; known are {', '.join(ACTION_SIZES)}")
    values = np.asarray(action.values)
    if values.shape != (size,) or values.dtype.kind not in "fiu":
        raise ActionError(f"{whose}: must hold {size} numbers, got {values.dtype} of shape {values.shape}")
    if not (np.abs(values) <= LARGEST_VALUE).all():  # not-a-number compares as false
        raise ActionError(f"{whose}: not finite, or beyond {LARGEST_VALUE:g}: {values.tolist()}")
    if action.space == "ee_pose" and np.linalg.norm(values[3:7]) < 1e-6:
        raise ActionError(f"{whose}: the quaternion is zero: {values.tolist()}")
    if not 0.0 < action.period_s <= LONGEST_PERIOD_S:
        raise ActionError(f"{whose}: the period must be in (0, {LONGEST_PERIOD_S}] s, got {action.period_s} s")
    if action.stamp_ns - now_ns > action.period_s * 1e9:
        ahead_s = (action.stamp_ns - now_ns) * 1e-9
        raise ActionError(f"{whose}: stamped {ahead_s:.3f} s ahead of now: are the clocks in step?")
    if action.target_ns:
        _check_target_time(action, now_ns, whose)


def _check_target_time(action: ArmAction, now_ns: int, whose: str) -> None:
    life_s = ACTION_LIFE_PERIODS * action.period_s
    if action.target_ns - action.stamp_ns > life_s * 1e9:
        after_s = (action.target_ns - action.stamp_ns) * 1e-9
        raise ActionError(
            f"{whose}: target_time lies {after_s:.3f} s after the stamp, but an action lives {ACTION_LIFE_PERIODS} "
            f"periods, {life_s:.3f} s: send it nearer to its time, or with a longer period"
        )
    if action.target_ns <= now_ns:
        late_s = (now_ns - action.target_ns) * 1e-9
        raise LateActionError(f"{whose}: late: it was to be complete {late_s:.3f} s ago")
