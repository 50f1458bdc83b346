"""What holds for all tests."""

from __future__ import annotations

import os

# The networks of the tests are small: more threads only spin, and on a busy machine they take ten times as long. Worker
# processes and commands that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
