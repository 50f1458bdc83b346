"""What a worker process of a pool does first: leave Ctrl-C to its parent, and end when the parent does."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
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
