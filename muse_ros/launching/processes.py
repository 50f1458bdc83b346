"""Runs a handful of processes as one: prefixed output, one fate, an orderly end.

Single-threaded: one loop reads all outputs, notices ends and passes signals on. Knows nothing of ROS or of graphs.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

POLL_S = 0.05
GRACE_S = {signal.SIGINT: 15.0, signal.SIGTERM: 5.0}  # what each signal is given to work before the next is sent
ESCALATION = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
COLOURS = (36, 33, 35, 32, 34, 31)
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Program:
    """One process to run.

    Attributes:
        name: What its output is prefixed with.
        command: Program and arguments.
        required: Its end, however it comes, ends all.
        finishes: It ends by itself when its work is done; with exit code 0 the whole run is a success.
        stops_last: When all stop, it is only told once those without this mark have ended.
        again: The command with which a person has it back where the others go on without it; empty: not said.
    """

    name: str
    command: tuple[str, ...]
    required: bool = False
    finishes: bool = False
    stops_last: bool = False
    again: str = ""


def describe_end(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode < 0:
        return f"was killed by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"


def consequence(name: str, returncode: int, required: bool, finishes: bool, again: str = "") -> tuple[str, int | None]:
    """What follows when a program has ended while all should run: a sentence, and the status with which all end.

    The status is None where the others go on.
    """
    if finishes and returncode == 0:
        return f"{name} is done", 0
    end = f"{name} {describe_end(returncode)}"
    if required:
        return f"{end}; it is required, so everything stops", 1
    return f"{end}; the others go on" + (f". To have it back: {again}" if again else ""), None


class Supervisor:
    """Starts programs and stays until all of them have ended.

    Args:
        programs: What to run.
        environment: Environment of every process.
        write: Takes each line of output, without its newline.
        colour: Colour the prefixes.
    """

    def __init__(
        self,
        programs: list[Program],
        environment: Mapping[str, str],
        write: Callable[[str], None] = lambda line: print(line, flush=True),
        colour: bool = False,
    ) -> None:
        self._programs = programs
        self._environment = dict(environment)
        self._write = write
        self._width = max(len(program.name) for program in programs)
        self._colour = colour
        self._processes: dict[str, subprocess.Popen] = {}
        self._selector = selectors.DefaultSelector()
        self._partial: dict[str, bytes] = {}
        self._stopping = False
        self._all_told = False  # those that stop last, too
        self._level = -1  # index into ESCALATION of the signal sent last
        self._deadline = float("inf")
        self._status: int | None = None
        self._signals: list[int] = []  # received and not yet acted on: a handler must not print

    def run(self) -> int:
        """Run until all have ended; returns 0 after success, 130 after an interrupt, else 1."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handlers = {number: signal.signal(number, lambda got, _: self._signals.append(got)) for number in numbers}
        try:
            for program in self._programs:
                if self._status is None:
                    self._start(program)
            while self._processes:
                self._read(POLL_S)
                while self._signals:
                    self._obey(self._signals.pop(0))
                for program in self._programs:
                    self._reap(program)
                if self._stopping and self._processes:
                    self._press_on()
        finally:
            for process in self._processes.values():
                _signal_group(process, signal.SIGKILL)
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return 0 if self._status is None else self._status

    def _start(self, program: Program) -> None:
        try:
            process = subprocess.Popen(
                program.command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C reaches this process alone, which passes it on once
                preexec_fn=_die_with_parent,
            )
        except OSError as error:
            self._end(1, f"{program.name} could not be started: {error}")
            return
        self._processes[program.name] = process
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, program.name)
        self._partial[program.name] = b""

    def _read(self, timeout_s: float) -> None:
        if not self._selector.get_map():
            time.sleep(timeout_s)
            return
        for key, _ in self._selector.select(timeout_s):
            self._take(key.data, key.fileobj)

    def _take(self, name: str, pipe) -> bool:
        """Read what a pipe holds now and print its whole lines; False at its end."""
        try:
            data = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, self._partial[name] = (self._partial[name] + data).split(b"\n")
        if not data and self._partial[name]:
            lines, self._partial[name] = [self._partial[name]], b""
        for line in lines:
            self._print(name, line.decode(errors="replace"))
        if not data:
            self._selector.unregister(pipe)
            pipe.close()
        return bool(data)

    def _reap(self, program: Program) -> None:
        process = self._processes.get(program.name)
        if process is None or process.poll() is None:
            return
        while not process.stdout.closed and self._take(program.name, process.stdout):
            pass
        if not process.stdout.closed:  # a grandchild holds the pipe open; what it says no longer matters
            self._selector.unregister(process.stdout)
            process.stdout.close()
        del self._processes[program.name]
        _signal_group(process, signal.SIGTERM)  # whatever it started and left behind
        if self._stopping:
            self._print("muse", f"{program.name} {describe_end(process.returncode)}")
            return
        sentence, status = consequence(
            program.name, process.returncode, program.required, program.finishes, program.again
        )
        if status is not None:
            self._end(status, sentence)
            return
        self._print("muse", sentence)
        if not self._processes:
            self._status = 0 if process.returncode == 0 else 1

    def _obey(self, number: int) -> None:
        """A signal to this process: the first stops all in good order, further ones press harder, on all at once."""
        if not self._stopping:
            self._end(128 + number, "stopping")
        else:
            self._all_told = True
            self._escalate()

    def _end(self, status: int, reason: str) -> None:
        """Begin to stop all; the first reason sets the exit status."""
        self._print("muse", reason)
        if self._status is None:
            self._status = status
        if not self._stopping:
            self._stopping = True
            self._press_on()

    def _press_on(self) -> None:
        """Tell the next ones to stop once it is their turn, and more firmly those that do not."""
        if not self._all_told and not self._told():
            self._all_told, self._level = True, -1
        if self._level < 0 or time.monotonic() > self._deadline:
            self._escalate()

    def _told(self) -> list[str]:
        """Names of the running processes whose turn it is to stop."""
        last = {program.name for program in self._programs if program.stops_last}
        return [name for name in self._processes if self._all_told or name not in last]

    def _escalate(self) -> None:
        """Send the next stronger signal to all that were told to stop and still run."""
        self._level = min(self._level + 1, len(ESCALATION) - 1)
        number = ESCALATION[self._level]
        if self._level > 0 and self._told():
            self._print("muse", f"still running: {', '.join(self._told())}; sending {number.name}")
        for name in self._told():
            _signal_group(self._processes[name], number)
        self._deadline = time.monotonic() + GRACE_S.get(number, float("inf"))

    def _print(self, name: str, line: str) -> None:
        prefix = f"[{name}]".ljust(self._width + 2)
        if self._colour:
            names = [program.name for program in self._programs]
            code = COLOURS[names.index(name) % len(COLOURS)] if name in names else 1
            prefix = f"\033[{code}m{prefix}\033[0m"
        self._write(f"{prefix} {line}")


def _signal_group(process: subprocess.Popen, number: int) -> None:
    """Signal a process and all that it started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _die_with_parent() -> None:
    """In the child, before its program: be interrupted when the supervisor dies, even by SIGKILL. Linux only."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
