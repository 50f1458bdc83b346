"""The policy node: a checkpoint acting on live topics, at the contract's rate, while an episode runs.

A lifecycle node: configuring loads the model and warms it up, activating lets it tick. What happens at a tick is in
``muse_ros.policy.loop``, when it happens and what is said of it in ``muse_ros.nodes.acting``; here are
parameters, subscriptions and transitions.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from muse_ros.bridge import EVENT_QOS, STATUS_QOS, Bridge
from muse_ros.contract.contract import Contract, load_contract
from muse_ros.contract.message_fields import time_ns
from muse_ros.missing_package import explain
from muse_ros.msg import EpisodeEvent, EpisodeStatus
from muse_ros.nodes.acting.tick_thread import Run, TickThread
from muse_ros.nodes.acting.voice import PolicyVoice
from muse_ros.nodes.managed_node import ManagedNode, started
from muse_ros.nodes.node_clock import NodeClock
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import run_node
from muse_ros.policy.actors import INFERENCE, choose_way, make_actor
from muse_ros.policy.loading import LoadedPolicy, load_policy
from muse_ros.policy.loop import PolicyLoop, TickReport
from muse_ros.policy.outcomes import Patience
from muse_ros.policy.pacing import Tick

SWITCH_INTERVAL_S = 0.0005  # Python's default of 5 ms is what a tick would wait for a thread that computes


class PolicyNode(ManagedNode):
    """Wires a :class:`PolicyLoop` to topics, episodes and the lifecycle."""

    def __init__(self, load: Callable[..., LoadedPolicy] = load_policy, **options: Any) -> None:
        """Declare the parameters; nothing is loaded before the node is configured.

        Args:
            load: Loads a checkpoint; tests pass their own.
            options: What rclpy's Node takes.
        """
        super().__init__("policy", **options)
        self.finished = threading.Event()
        self.failure = ""
        self.on_tick: list[Callable[[TickReport], None]] = []
        self._load = load
        self._model_file = declare(self, "model_file", "", "checkpoint to run (model.pt)")
        self._contract = declare(self, "contract", "", "contract: file or name; empty: the checkpoint's own")
        self._device = declare(self, "device", "cpu", "where the model runs: cpu, cuda, cuda:1")
        self._threads = declare(self, "torch_threads", 1, "threads of one inference", (1, 64))
        self._inference = declare(self, "inference", "auto", "whether ticks wait for the model", choices=INFERENCE)
        self._latency_s = declare(self, "latency_s", 0.0, "from a tick to its action at the arm [s]", (0.0, 2.0))
        self._give_up_s = declare(self, "give_up_s", 1.0, "without an action for so long, it stops [s]", (0.1, 60.0))
        self._goal_file = declare(self, "goal_file", "", "goal: an .npz, or the folder of a dataset's episode")
        self._execute = declare(self, "execute", True, "false: shadow mode, the actions go to policy/shadow_action")
        self._gated = declare(self, "episode_gating", True, "act only while an episode is recorded")
        self._ticks: TickThread | None = None
        self._bridge: Bridge | None = None

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, warm it up, subscribe to what it reads."""
        try:
            began = time.monotonic()
            given = load_contract(self._contract) if self._contract else None
            loaded = self._load(self._model_file, self._device, self._threads, given, self._goal_file)
            self._wire(loaded)
        except (OSError, ValueError, ImportError) as error:
            return self.refuse(f"policy: {explain(error) if isinstance(error, ImportError) else error}")
        if loaded.warning:
            self.get_logger().warning(loaded.warning)
        self.set_memory_aside()
        reads, answers = ", ".join(self.contract.observations), ", ".join(self.contract.actions)
        self.get_logger().info(
            f"{self._model_file} loaded and warm in {time.monotonic() - began:.1f} s: "
            f"{reads} -> {answers} at {self.contract.rate_hz:g} Hz"
        )
        self.get_logger().info(f"inference {self._way.inference}: {self._way.why}")
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let it tick: at once, or from the next episode on."""
        self._ticks = TickThread(
            self._tick_clock,
            self.contract.rate_hz,
            round(self.contract.settle_s * 1e9),
            self._begin,
            self._take,
            self._end,
            self._crashed,
        )
        self._heard = [
            self.create_subscription(EpisodeStatus, "collect/status", self._episode, STATUS_QOS),
            self.create_subscription(EpisodeEvent, "collect/events", self._event, EVENT_QOS),
        ]
        if not self._gated:
            self._ticks.run(Run("", self._tick_clock.now_ns()))
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End the run; the arm holds."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Drop the model."""
        self._unwire()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Stop ticking, say what it came to, let go of everything. Safe to call twice."""
        self._stop()
        self._unwire()

    def _wire(self, loaded: LoadedPolicy) -> None:
        contract = loaded.contract
        simulated = bool(self.get_parameter("use_sim_time").value)
        self._way = choose_way(self._inference, loaded.readiness, contract.period_s, simulated)
        actor = make_actor(loaded.policy, contract, loaded.readiness, self._way.inference, self._latency_s)
        # An operator whom it shadows is not to be stopped because it does not keep up.
        patience = Patience(round(self._give_up_s * 1e9) if self._execute else None, self._gated)
        self.contract: Contract = contract
        self._tick_clock = NodeClock(self.get_clock())
        self._bridge = Bridge(self, contract, self._tick_clock.now_ns)
        self._loop = PolicyLoop(
            actor, contract, self._bridge.observe, self._tick_clock.now_ns, time.monotonic_ns, patience, self.on_tick
        )
        now_ns, way = self._tick_clock.now_ns, self._way.inference
        self._voice = PolicyVoice(self, contract, self._execute, now_ns, self._bridge, way)
        self._taken_over_in: str | None = None  # the episode in which a person has the arm

    def _unwire(self) -> None:
        if self._bridge is None:
            return
        self._loop.actor.close()
        self._voice.close()
        self._bridge.close()
        self._bridge = None
        self._tick_clock.close()

    def _stop(self) -> None:
        if self._ticks is None:
            return
        while self._heard:
            self.destroy_subscription(self._heard.pop())
        if not self._ticks.close():
            self.get_logger().error("the policy's call does not return: it is left behind")
        self._ticks = None
        self._voice.summarize()

    def _episode(self, status: EpisodeStatus) -> None:
        if self._gated and self._ticks is not None:
            recording = status.state == EpisodeStatus.RECORDING
            self._ticks.run(Run(status.episode_id, time_ns(status.start)) if recording else None)

    def _event(self, event: EpisodeEvent) -> None:
        if event.event == EpisodeEvent.TAKEOVER:
            self._taken_over_in = event.episode_id
        elif event.event == EpisodeEvent.RELEASE:
            self._taken_over_in = None

    def _begin(self, run: Run) -> None:
        self._loop.begin()
        self._voice.begin(run)

    def _end(self, run: Run) -> None:
        self._voice.end(run)

    def _take(self, run: Run, tick: Tick) -> None:
        self._voice.tell(run, self._loop.take(tick, self._taken_over_in == run.episode_id))

    def _crashed(self, error: Exception) -> None:
        self.failure = f"policy: the tick thread ended: {type(error).__name__}: {error}"
        self.get_logger().fatal(self.failure)
        self.finished.set()


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return run_node(lambda: started(PolicyNode), args)
