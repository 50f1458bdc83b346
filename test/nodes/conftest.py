"""Fixtures of the tests that use DDS: a private domain, a fresh rclpy context, executors in threads, waiting.

Every test session takes a domain that no other session on this machine has, of the upper half, which people leave
alone, and keeps discovery on this machine: it neither hears nor disturbs another session or a robot. Waiting is always
for a condition, with a deadline generous enough for a loaded machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

DEADLINE_S = 20.0
RESEND_S = 3.0


def reserve_domain() -> tuple[int, TextIO]:
    """A domain that no other test session has, and the locked file that keeps it so until it is closed."""
    for domain in random.SystemRandom().sample(range(51, 101), 50):
        with contextlib.suppress(OSError):  # locked by another session, or another user's
            file = open(Path(tempfile.gettempdir()) / f"muse_test_domain_{domain}.lock", "w")  # noqa: SIM115
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return domain, file
    pytest.fail("all 50 ROS domains for tests are in use; wait for other test sessions to end")


@pytest.fixture(scope="session", autouse=True)
def dds_domain() -> Iterator[int]:
    """Number of the private ROS domain of this test session; inherited by the processes that tests start."""
    domain, lock = reserve_domain()
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    if os.environ.get("ROS_DISTRO") == "humble":
        os.environ["ROS_LOCALHOST_ONLY"] = "1"  # Humble's name for the same; later distributions warn about it
    yield domain
    lock.close()


@pytest.fixture
def ros() -> Iterator[None]:
    """rclpy, initialised for one test and shut down after it."""
    rclpy = pytest.importorskip("rclpy")
    from muse_ros.nodes.run_node import leave_the_graph

    rclpy.init(args=[])
    yield
    leave_the_graph()  # else each lifecycle node keeps its participant, and a domain has room for about thirty
    rclpy.try_shutdown()


@pytest.fixture
def make_node(ros: None) -> Iterator[Callable]:
    """``make_node(name, **options)`` makes a plain node that is destroyed after the test."""
    import rclpy

    nodes = []

    def make(name: str, **options):
        node = rclpy.create_node(name, **options)
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.destroy_node()


@pytest.fixture
def spin(ros: None) -> Iterator[Callable]:
    """``spin(node, ...)`` runs each node in an executor of its own, in a thread, until the test ends."""
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

    running = []

    def run(executor) -> None:
        with contextlib.suppress(ExternalShutdownException):  # the test, or the node under test, shut rclpy down
            executor.spin()

    def start(*nodes):
        for node in nodes:
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            thread = threading.Thread(target=run, args=(executor,), name=f"spin {node.get_name()}", daemon=True)
            thread.start()
            running.append((executor, thread))
        return nodes[0]

    yield start
    for executor, thread in running:
        executor.shutdown()
        thread.join(timeout=DEADLINE_S)


@pytest.fixture
def wait_until() -> Callable:
    """``wait_until(predicate, deadline_s, what)`` returns the predicate's first true value, or fails the test."""

    def wait(predicate: Callable, deadline_s: float = DEADLINE_S, what: str = ""):
        end = time.monotonic() + deadline_s
        while True:
            value = predicate()
            if value:
                return value
            if time.monotonic() > end:
                pytest.fail(f"waited {deadline_s:g} s in vain for {what or predicate}")
            time.sleep(0.005)

    return wait


@pytest.fixture
def call(ros: None, wait_until: Callable) -> Callable:
    """``call(node, service_type, name, request=None)`` calls a service; `node` must be spinning elsewhere.

    A request is sent again when no answer has come for a while: where a server has just taken the place of one that was
    killed, the middleware may still be joining the two sides, and the first answer is lost.
    """

    def ask(node, service_type, name: str, request=None, deadline_s: float = DEADLINE_S):
        client = node.create_client(service_type, name)
        wait_until(client.service_is_ready, deadline_s, f"service {name}")
        futures = []

        def answered():
            if time.monotonic() >= len(futures) * RESEND_S + began:
                futures.append(client.call_async(request or service_type.Request()))
            return next((future for future in futures if future.done()), None)

        began = time.monotonic()
        future = wait_until(answered, deadline_s, f"answer of service {name}")
        node.destroy_client(client)
        return future.result()

    return ask
