"""Worker processes leave Ctrl-C to their parent, and end when it does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from multiprocessing.connection import wait


def begin_worker() -> None:
    """Call at the start of a process of a pool.

    A Ctrl-C reaches every process of a terminal; the parent alone decides what follows. And a worker whose parent was
    killed would wait for its next job for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Start worker processes in here: they never see a Ctrl-C, not even before :func:`begin_worker` has run.

    One that comes meanwhile reaches this process at the end of the block.
    """
    resource_tracker.ensure_running()  # the first process starts it, which lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
