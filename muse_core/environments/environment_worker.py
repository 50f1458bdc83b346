"""The process of one environment of a :class:`~muse_core.environments.vectorized.VectorizedEnvironment`.

It answers each request ``(call, command, payload)`` with ``(call, answer)``; what goes wrong in it is an answer too.
Observations lie in shared memory; all else is small and goes through the pipe.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from muse_core.environments.environment import Environment
from muse_core.environments.presets import Presets
from muse_core.environments.shared_arrays import SharedArrays
from muse_core.spec import Spec
from muse_core.worker_processes import begin_worker


@dataclass(frozen=True)
class Description:
    """What a worker says of its environment when it has made it."""

    observation_spec: Spec
    action_spec: Spec
    rate_hz: float
    presets: Presets


@dataclass(frozen=True)
class Failure:
    """What went wrong: the exception in a line, and where it came from."""

    message: str
    trace: str


def run_worker(connection: Connection, number: int, count: int, make: Callable[[], Environment]) -> None:
    """Make the environment, then carry out requests until one says ``close`` or the other end is gone."""
    begin_worker()
    worker = _Worker(number, count, make)
    request: tuple[int, str, Any] = (0, "make", None)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while request[1] != "close":
            call, command, payload = request
            _reply(connection, call, worker, command, payload)
            request = connection.recv()
    worker.close()


def _reply(connection: Connection, call: int, worker: _Worker, command: str, payload: Any) -> None:
    try:
        connection.send((call, getattr(worker, command)(payload)))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # whatever it is, the parent is to say it
        connection.send((call, Failure(f"{type(error).__name__}: {error}", traceback.format_exc())))


class _Worker:
    """One environment, and its row of the shared observations."""

    def __init__(self, number: int, count: int, make: Callable[[], Environment]) -> None:
        self._number, self._count, self._make_environment = number, count, make
        self._environment: Environment | None = None
        self._shared: SharedArrays | None = None

    def make(self, _: None) -> Description:
        self._environment = made = self._make_environment()
        return Description(made.observation_spec, made.action_spec, made.rate_hz, dict(made.presets))

    def share(self, name: str) -> None:
        self._shared = SharedArrays(self._environment.observation_spec, self._count, name)

    def reset(self, payload: tuple[int | None, dict[str, Any] | None]) -> dict[str, Any]:
        seed, options = payload
        observation, info = self._environment.reset(seed=seed, options=options)
        self._show(observation)
        return info

    def step(self, action: dict[str, Any]) -> tuple[float, bool, bool, dict[str, Any]]:
        observation, *outcome = self._environment.step(action)
        self._show(observation)
        return tuple(outcome)

    def render(self, _: None) -> Any:
        return self._environment.render()

    def close(self) -> None:
        if self._environment is not None:
            self._environment.close()
        if self._shared is not None:
            self._shared.close()

    def _show(self, observation: dict[str, Any]) -> None:
        for key, rows in self._shared.arrays.items():
            rows[self._number] = observation[key]
