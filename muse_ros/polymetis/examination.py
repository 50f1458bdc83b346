"""Looks at an arm's server for some seconds and reports what it measured.

Only reads: the arm does not move, and a controller that runs is not disturbed. What is good enough is `muse doctor`'s
matter. Imports neither ROS nor torch.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np

from muse_ros.polymetis.arm_client import ArmClient, StateStream
from muse_ros.polymetis.arm_state import ArmState, RobotMetadata
from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.hand_client import HandClient, HandMetadata, HandState
from muse_ros.polymetis.server_clock import ServerClock

ASKED_EVERY_S = 0.01
STREAMED_S = 2.0
HAND_S = 0.5


@dataclass
class ArmFacts:
    """What an arm's server said and did.

    Attributes:
        metadata: What the robot client told the server; None where `metadata_error` says why not.
        newest: The newest state; None where `state_error` says why not.
        advances: Whether a newer state came while it was looked at.
        round_trips_ms: Of asking for the newest state [ms].
        clock: How the server's clock stands to ours.
        cycles_ns: Stamps of control cycles on end, by the server's clock [ns].
        waits_ms: How long the robot client waited for the server in each of them [ms].
        successes: Whether the arm took the torques, of each.
        controller_runs: Whether a client's controller runs; None where that is not known.
    """

    metadata: RobotMetadata | None = None
    metadata_error: PolymetisError | None = None
    newest: ArmState | None = None
    state_error: PolymetisError | None = None
    advances: bool = False
    round_trips_ms: list[float] = field(default_factory=list)
    clock: ServerClock = field(default_factory=ServerClock)
    cycles_ns: list[int] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)
    controller_runs: bool | None = None


@dataclass
class HandFacts:
    """What a hand's server said.

    Attributes:
        metadata: What the hand told its server; None where it did not.
        state: The newest state; None where `error` says why not.
        error: What went wrong.
        advances: Whether a newer state came while it was looked at.
    """

    metadata: HandMetadata | None = None
    state: HandState | None = None
    error: PolymetisError | None = None
    advances: bool = False


def examine_arm(client: ArmClient, seconds: float) -> ArmFacts:
    """Ask an arm's server for its state for so many seconds, and listen to its stream for the first two of them."""
    facts = ArmFacts()
    try:
        facts.metadata = client.metadata()
    except PolymetisError as error:
        facts.metadata_error = error
        if error.kind in ("unreachable", "late"):
            facts.state_error = error
            return facts
    stream = client.stream()
    listening = threading.Thread(target=_listen, args=(stream, facts), daemon=True)
    ending = threading.Timer(min(STREAMED_S, seconds), stream.cancel)
    listening.start()
    ending.start()
    try:
        _ask(client, seconds, facts)
        facts.controller_runs = client.controller_runs()
    except PolymetisError as error:
        facts.state_error = error
    finally:
        ending.cancel()
        stream.cancel()
        listening.join()
    return facts


def examine_hand(client: HandClient) -> HandFacts:
    """Ask a hand's server for its state until it changes, or for half a second."""
    facts = HandFacts()
    try:
        first = facts.state = client.state()
        until_s = time.monotonic() + HAND_S
        while not facts.advances and time.monotonic() < until_s:
            time.sleep(ASKED_EVERY_S)
            facts.state = client.state()
            facts.advances = facts.state.stamp_ns != first.stamp_ns
        facts.metadata = client.metadata()
    except PolymetisError as error:
        facts.error = error
    return facts


def _ask(client: ArmClient, seconds: float, facts: ArmFacts) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        sent_ns, sent_s = time.time_ns(), time.perf_counter()
        state = client.state()
        facts.round_trips_ms.append((time.perf_counter() - sent_s) * 1e3)
        if facts.newest is not None and state.stamp_ns != facts.newest.stamp_ns:
            facts.advances = True
            facts.clock.note(sent_ns, time.time_ns(), state.stamp_ns)
        facts.newest = state
        time.sleep(ASKED_EVERY_S)


def _listen(stream: StateStream, facts: ArmFacts) -> None:
    try:
        for state in stream:
            facts.cycles_ns.append(state.stamp_ns)
            facts.waits_ms.append(state.controller_latency_ms)
            facts.successes.append(state.command_successful)
    except PolymetisError:  # the calls beside it say what it is
        pass


def gaps_ms(cycles_ns: list[int]) -> np.ndarray:
    """The times between control cycles on end [ms]."""
    return np.diff(np.array(cycles_ns, dtype=np.int64)) * 1e-6
