"""Several environments side by side, each in a process of its own, stepped together as one batch.

Episodes that end are not begun anew by themselves: the caller says which, with which seeds, so that each seed is run
exactly once. Works wherever processes can be spawned; a script needs ``if __name__ == "__main__":`` around it.
"""

from __future__ import annotations

import os
import pickle
import signal
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np

from muse_core.environments.environment import Environment
from muse_core.environments.environment_worker import Description, Failure, run_worker
from muse_core.environments.shared_arrays import SharedArrays
from muse_core.spec import Arrays
from muse_core.worker_processes import deaf_to_interrupts

CLOSING_S = 5.0  # how long a worker may take to close before it is killed
Infos = list[dict[str, Any]]


class EnvironmentFailedError(RuntimeError):
    """An environment of a batch raised an error, or its process ended; the message says which and how."""


class VectorizedEnvironment:
    """B environments in B processes. Observations come through shared memory.

    Args:
        make: Makes one environment; called in each process, so it must be picklable, such as
            ``functools.partial(make_environment, "lift")``.
        count: How many, B.

    Attributes:
        observation_spec: Of one environment; observations have shape (B, *shape).
        action_spec: Of one environment; actions have shape (B, *shape).
        rate_hz: Steps per second.
        presets: Initial conditions by name.

    Raises:
        ValueError: when there is to be none, or `make` cannot be sent to another process.
        EnvironmentFailedError: when one cannot be made; with its traceback.
    """

    def __init__(self, make: Callable[[], Environment], count: int) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        try:
            pickle.dumps(make)
        except Exception as error:  # pickle raises several kinds
            raise ValueError(
                f"make cannot be sent to another process ({error}); give a function of a module, or "
                'functools.partial(make_environment, "lift")'
            ) from error
        self._count = count
        self._call = 0
        self._resources = _Resources()
        self._close = weakref.finalize(self, self._resources.close)
        try:
            self._start(make)
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return self._count

    def __enter__(self) -> VectorizedEnvironment:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reset(
        self,
        seeds: Sequence[int | None] | None = None,
        which: np.ndarray | None = None,
        options: Mapping[str, Any] | Sequence[Mapping[str, Any] | None] | None = None,
    ) -> tuple[Arrays, Infos]:
        """Begin episodes.

        Args:
            seeds: One for each environment, B long; None goes on with that environment's stream.
            which: (B,) bool, the environments to reset; all by default.
            options: Reset options, for all or one for each.

        Returns:
            Observations (B, ...) of all environments, with the last ones of those that were not reset; and infos, empty
            for these.

        Raises:
            ValueError: on a number of seeds, options or marks other than B.
            EnvironmentFailedError: when one raises an error, or its process has ended.
        """
        chosen = self._chosen(which)
        seeds = self._one_each("seeds", [None] * self._count if seeds is None else seeds)
        same = options is None or isinstance(options, Mapping)
        options = self._one_each("options", [options] * self._count if same else options)
        requests = {
            i: (None if seeds[i] is None else int(seeds[i]), None if options[i] is None else dict(options[i]))
            for i in chosen
        }
        answers = self._ask("reset", requests)
        return self._resources.shared.copy(), [answers.get(i, {}) for i in range(self._count)]

    def step(
        self, actions: Arrays, which: np.ndarray | None = None
    ) -> tuple[Arrays, np.ndarray, np.ndarray, np.ndarray, Infos]:
        """Carry out one action in each environment, or in some.

        Args:
            actions: Action key to (B, *shape); rows of environments that are not stepped are not looked at.
            which: (B,) bool, the environments to step; all by default.

        Returns:
            Observations (B, ...); rewards (B,) float64; terminated and truncated (B,) bool; infos. Environments that
            were not stepped keep their last observation, with reward 0, False and an empty info.

        Raises:
            SpecError: when the actions are not as `action_spec` says.
            ValueError: on a number of marks other than B.
            EnvironmentFailedError: when one raises an error, or its process has ended.
        """
        chosen = self._chosen(which)
        arrays = {key: self._one_each(key, np.asarray(actions[key])) for key in self.action_spec if key in actions}
        self.action_spec.check({key: array[chosen] for key, array in arrays.items()}, leading=1)
        requests = {i: {key: array[i] for key, array in arrays.items()} for i in chosen}
        rewards, terminated = np.zeros(self._count), np.zeros(self._count, bool)
        truncated, infos = np.zeros(self._count, bool), [{} for _ in range(self._count)]
        for i, answer in self._ask("step", requests).items():
            rewards[i], terminated[i], truncated[i], infos[i] = answer
        return self._resources.shared.copy(), rewards, terminated, truncated, infos

    def render(self, number: int) -> np.ndarray:
        """What one environment's `render` gives: (H, W, 3) uint8 RGB."""
        return self._ask("render", {number: None})[number]

    def close(self) -> None:
        """Close every environment and end its process. Safe to call twice, and after an error."""
        self._close()

    def _start(self, make: Callable[[], Environment]) -> None:
        context = get_context("spawn")
        for number in range(self._count):
            ours, theirs = context.Pipe()
            arguments = (theirs, number, self._count, make)
            process = context.Process(target=run_worker, args=arguments, name=f"environment {number}", daemon=True)
            with deaf_to_interrupts():
                process.start()
            theirs.close()
            self._resources.workers.append((process, ours))
        descriptions: dict[int, Description] = self._collect("make", range(self._count))
        self.observation_spec = descriptions[0].observation_spec
        self.action_spec = descriptions[0].action_spec
        self.rate_hz = descriptions[0].rate_hz
        self.presets = descriptions[0].presets
        self._resources.shared = SharedArrays(self.observation_spec, self._count)
        self._ask("share", dict.fromkeys(range(self._count), self._resources.shared.name))

    def _chosen(self, which: np.ndarray | None) -> list[int]:
        marks = np.ones(self._count, bool) if which is None else np.asarray(which)
        if marks.dtype != bool or marks.shape != (self._count,):
            raise ValueError(f"which must be ({self._count},) bool, got {marks.dtype} {marks.shape}")
        return np.flatnonzero(marks).tolist()

    def _one_each(self, name: str, values: Any) -> Any:
        found = len(values) if hasattr(values, "__len__") and np.shape(values) != () else repr(values)
        if found != self._count:
            raise ValueError(f"{name}: one is needed for each of {self._count} environments, got {found}")
        return values

    def _ask(self, command: str, requests: Mapping[int, Any]) -> dict[int, Any]:
        """Send requests and wait for all answers, so that an error in one leaves the others in step."""
        if not self._close.alive:
            raise EnvironmentFailedError("these environments are closed")
        self._call += 1
        for number, payload in requests.items():
            with suppress(OSError):  # a process that has ended is reported when its answer is due
                self._resources.workers[number][1].send((self._call, command, payload))
        return self._collect(command, list(requests))

    def _collect(self, command: str, numbers: Sequence[int]) -> dict[int, Any]:
        answers = {number: self._answer(*self._resources.workers[number], command) for number in numbers}
        for number, answer in answers.items():
            if isinstance(answer, Failure):
                where = f"environment {number} of {self._count} failed in {command}"
                raise EnvironmentFailedError(f"{where}: {answer.message}\n\nIn its process:\n{answer.trace}")
        return answers

    def _answer(self, process: BaseProcess, connection: Connection, command: str) -> Any:
        """The answer to the running call. One to an earlier call, that a Ctrl-C cut short, is passed over."""
        with suppress(EOFError, ConnectionResetError):
            while connection in wait([connection, process.sentinel]):
                call, answer = connection.recv()
                if call == self._call:
                    return answer
        process.join()
        return Failure(_how_it_ended(process.exitcode, command), "(it left no traceback)")


class _Resources:
    """Processes and shared memory: apart from their user, so that they are given back when it is forgotten."""

    def __init__(self) -> None:
        self.workers: list[tuple[BaseProcess, Connection]] = []
        self.shared: SharedArrays | None = None
        self._owner = os.getpid()

    def close(self) -> None:
        if os.getpid() != self._owner:
            return  # a fork of the process that made them, which still needs them
        for _, connection in self.workers:
            with suppress(OSError):
                connection.send((-1, "close", None))
        for process, connection in self.workers:
            process.join(CLOSING_S)
            if process.is_alive():
                process.kill()
                process.join()
            connection.close()
            process.close()
        if self.shared is not None:
            self.shared.close()


def _how_it_ended(code: int | None, command: str) -> str:
    if code is not None and code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    hint = ' (is the script that makes it inside `if __name__ == "__main__":`?)' if command == "make" else ""
    return f"its process ended with exit code {code}{hint}"
