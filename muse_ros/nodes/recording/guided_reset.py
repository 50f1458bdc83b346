"""The reset between two episodes: the simulation with the next seed, or the arm home and the rest by hand.

A simulated arm behind a real arm's controller does both: it moves home, then the objects are placed by the next seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from muse_ros.msg import AppliedAction
from muse_ros.nodes.polled_topic import PolledTopic
from muse_ros.nodes.recording.sim_reset import SimReset
from muse_ros.recording.home_watch import HomeWatch

WAYS = ("none", "home", "sim", "home_sim")
AGAIN_S = 0.5
REFUSED_S = 5.0
MOVES, UNATTENDED_MOVES = 3, 10
"""So often the arm may be sent home, where it stops on the way: a late state lets it hold."""
ANSWER_S = 60.0
PUT_BACK = "put the scene back as in the picture of the last start"


@dataclass(frozen=True)
class ResetResult:
    """What came of a reset.

    Attributes:
        failure: Why it failed; empty where it did not.
        seed: Of the simulated world; None where it is a real one.
        to_prepare: What is left to the operator.
    """

    failure: str = ""
    seed: int | None = None
    to_prepare: str = ""


class GuidedReset:
    """One reset at a time.

    A refusal is tried again for a moment: a hand may still be on the deadman. A stop of the arm ends it for good: what
    follows a recover is the operator's to say.
    """

    def __init__(
        self,
        node: Node,
        way: str,
        patience_s: float,
        home_q: np.ndarray,
        simulator: str,
        recovers: bool,
        done: Callable[[ResetResult], None],
    ) -> None:
        """Make the clients.

        Args:
            node: The node that they belong to; its executor runs everything here.
            way: One of ``WAYS``; ``none``: what the arm offers.
            patience_s: How long services may be missing [s].
            home_q: The arm's joints at home [rad], shape (7,).
            simulator: Name of the node that has the simulated world's seed.
            recovers: A simulated arm that is stopped is recovered first: nobody is there to say so, or to be hurt.
            done: Is told what came of it.
        """
        self._node, self._way, self._patience_s, self._done = node, way, patience_s, done
        self._home_q, self._sim = home_q, SimReset(node, simulator)
        self._home = node.create_client(Trigger, "panda/home")
        self._recovers = recovers and way == "home_sim"
        self._recover = node.create_client(Trigger, "panda/recover") if self._recovers else None  # else not its to ask
        self._most_moves = UNATTENDED_MOVES if self._recovers else MOVES
        self._number = self._moves = 0
        self._running = self._asked = self._is_home = False
        self._began_s = self._again_s = 0.0
        self._seed: int | None = None
        self._watch: HomeWatch | None = None
        # polled while the arm moves: made once, for a subscription made anew each time may stay deaf
        self._applied = PolledTopic(node, AppliedAction, "panda/applied_action")

    def begin(self, seed: int | None) -> None:
        """Begin; a simulated world gets `seed`, None: the next one."""
        self._number += 1
        self._moves = 0
        self._running, self._asked, self._is_home, self._seed = True, False, False, seed
        self._began_s = self._again_s = time.monotonic()
        self.look()

    def stopped(self) -> None:
        """The arm's latched stop was set: it must not move by itself when that is released."""
        if self._running and not self._simulated() and not self._recovers:
            self._finish(ResetResult("the arm was stopped: recover it first"))

    def look(self) -> None:
        """Go on with it; call it at 10 Hz or more."""
        now_s = time.monotonic()
        if not self._running:
            return
        if self._watch is not None:
            self._look_at_arm(now_s)
        elif self._asked:
            self._sim.look()
            if now_s - self._began_s > ANSWER_S:
                self._finish(ResetResult(f"no answer came in {ANSWER_S:g} s"))
        elif now_s >= self._again_s:
            self._again_s = now_s + AGAIN_S
            self._ask(now_s)

    def _ask(self, now_s: float) -> None:
        simulated = self._simulated()
        if simulated and self._sim.is_ready():
            self._asked = True
            number = self._number
            self._sim.begin(self._seed, lambda failure, seed: self._sim_answered(number, failure, seed))
        elif not simulated and self._home.service_is_ready():
            self._asked = True
            number = self._number
            future = self._home.call_async(Trigger.Request())
            future.add_done_callback(lambda answer: self._home_answered(number, answer))
        elif now_s - self._began_s > self._patience_s:
            service = "sim/reset" if simulated else "panda/home"
            self._finish(ResetResult(f"{service} cannot be reached: is the panda node running?"))

    def _simulated(self) -> bool:
        """Whether the next step is the simulation's."""
        if self._way == "home_sim":
            return self._is_home
        return self._way == "sim" or (self._way == "none" and self._sim.is_ready())

    def _sim_answered(self, number: int, failure: str, seed: int) -> None:
        if number != self._number or not self._running:
            return
        if failure:
            self._refused(failure)
        else:
            self._finish(ResetResult(seed=seed))

    def _home_answered(self, number: int, future: Future) -> None:
        if number != self._number or not self._running:
            return
        answer = future.result()
        if not answer.success:
            if self._recovers:
                self._recover.call_async(Trigger.Request())  # and home is asked for again
            self._refused(answer.message)
            return
        self._moves += 1
        self._watch = HomeWatch(time.monotonic(), self._home_q)

    def _refused(self, reason: str) -> None:
        self._asked, self._watch = False, None
        if time.monotonic() - self._began_s > (self._patience_s if self._recovers else REFUSED_S):
            self._finish(ResetResult(reason))

    def _look_at_arm(self, now_s: float) -> None:
        applied = self._applied.newest()
        if applied is not None:
            stopped = bool(applied.limited_by & AppliedAction.STOPPED)
            self._watch.see(applied.position, applied.velocity, applied.source, stopped, now_s)
        self._watch.look(now_s)
        if self._watch.failure and self._recovers and self._moves < self._most_moves:
            self._asked, self._watch = False, None
        elif self._watch.failure:
            self._finish(ResetResult(self._watch.failure))
        elif self._watch.home and self._way == "home_sim":
            self._watch, self._asked, self._is_home = None, False, True
        elif self._watch.home:
            self._finish(ResetResult(to_prepare=PUT_BACK))
        elif self._watch.gave_up and self._moves < self._most_moves:
            self._asked, self._watch = False, None
        elif self._watch.gave_up:
            self._finish(ResetResult(f"the arm stood still {self._moves} times before it was home"))

    def _finish(self, result: ResetResult) -> None:
        self._running, self._watch = False, None
        self._done(result)
