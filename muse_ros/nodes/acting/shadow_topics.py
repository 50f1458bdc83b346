"""Hears the operator whom a policy shadows, for the open-loop error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from muse_ros.bridge import ACTION_QOS
from muse_ros.contract.contract import Contract
from muse_ros.msg import Action
from muse_ros.policy.open_loop import OpenLoopError


class ShadowTopics:
    """Feeds an :class:`OpenLoopError` from the topics of the contract's action; ticks come from another thread."""

    def __init__(self, node: Any, contract: Contract, now_ns: Callable[[], int]) -> None:
        """Subscribe.

        Args:
            node: The node that the subscriptions belong to.
            contract: Says where the operator's actions are.
            now_ns: The node's clock [ns].
        """
        self._node, self._now_ns = node, now_ns
        self._lock = threading.Lock()
        self._error = OpenLoopError(next(iter(contract.actions.values())), round(contract.period_s * 1e9))
        self._subscriptions = [
            node.create_subscription(Action, topic, partial(self._hear, topic), ACTION_QOS)
            for topic in self._error.topics
        ]

    def propose(self, tick_ns: int, action: np.ndarray) -> None:
        """What the policy would do at a tick."""
        with self._lock:
            self._error.propose(tick_ns, action)

    def finish(self) -> str:
        """Compare the rest; what has come of it so far, in words, or nothing."""
        with self._lock:
            self._error.finish()
            return self._error.text()

    def close(self) -> None:
        """Drop the subscriptions. Safe to call twice."""
        while self._subscriptions:
            self._node.destroy_subscription(self._subscriptions.pop())

    def _hear(self, topic: str, message: Action) -> None:
        with self._lock:
            self._error.hear(topic, message, self._now_ns())
