"""Runs one node until a signal or its own wish, and lets it say goodbye while it still can publish."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from muse_ros.nodes.guarded_parameters import guard_parameters
from muse_ros.nodes.unknown_parameters import unknown_parameters

SPIN_S = 0.1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""SIGHUP is a terminal that is closed; ``nohup`` has it ignored, and then it stays so."""


class NodeFailure(RuntimeError):
    """A node cannot start or go on; the message says why and what to do. The process ends with exit code 1."""


def run_node(make: Callable[[], Any], args: list[str] | None = None) -> int:
    """Make a node, spin it in this thread until a signal of ENDING or its ``finished`` event, close and destroy it.

    A node has ``finished`` (a :class:`threading.Event`), ``failure`` (text, empty where all went well) and ``close()``,
    which is called while publishing still works.

    Args:
        make: Makes the node; it may raise :class:`NodeFailure`.
        args: Command line, the process's own by default.

    Returns:
        Exit code: 0, or 1 after a failure.
    """
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # such as a file of parameters that is no YAML
        print(error, flush=True)
        return 1
    signals: list[int] = []  # appended to and looked at: a lock could be held by the very code that a signal interrupts
    nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    for number in (each for each in ENDING if not (nohup and each == signal.SIGHUP)):
        signal.signal(number, lambda got, _: signals.append(got))
    node = executor = None
    try:
        node = make()
        unknown = unknown_parameters(node)
        if unknown:
            raise NodeFailure(f"node {node.get_name()}: {unknown}")
        guard_parameters(node)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        while not (signals or node.finished.is_set()):
            executor.spin_once(timeout_sec=SPIN_S)
        failure = node.failure
    except NodeFailure as error:
        failure = str(error)
    except ExternalShutdownException:
        failure = ""
    finally:
        if node is not None:
            node.close()
            node.destroy_node()
        if executor is not None:
            executor.shutdown()
        node = executor = None
        leave_the_graph()
        rclpy.try_shutdown()
        for number in ENDING:  # while the interpreter ends, a second Ctrl-C would kill what is done
            signal.signal(number, signal.SIG_IGN)
    if failure:
        print(failure, flush=True)
    return 1 if failure else 0


def leave_the_graph() -> None:
    """Take the nodes that nobody refers to any more out of the middleware, whatever cycles they are in.

    What of a node is still there when the process ends takes Fast DDS's participant into C's exit handlers, which now
    and then wait for a discovery thread that waits for them. A lifecycle node's state machine is in such a cycle, and
    frozen objects are in nobody's sight.
    """
    gc.unfreeze()
    gc.collect()
