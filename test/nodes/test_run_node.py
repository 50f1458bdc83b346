"""A node's process ends: what it had in the middleware is gone before C's exit handlers run, and signals are no error.

A participant that is still there when they run makes Fast DDS wait, now and then for ever, for a discovery thread that
waits for it. Whether one is there is seen by its threads, each time.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

ROOT = Path(__file__).parents[2]
LIFECYCLE_NODE = """
import gc, sys, threading
from pathlib import Path
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Bool
from muse_ros.nodes import run_node

class Waiting(LifecycleNode):
    def __init__(self):
        super().__init__("waiting")
        self.finished, self.failure = threading.Event(), ""
        self.create_publisher(Bool, "said", 1)
        self.create_subscription(Bool, "heard", lambda message: self, 1)
        self.create_timer(1.0, lambda: self)
        self.trigger_configure()
        gc.freeze()  # as the policy node does with its model
        print("ready", flush=True)

    def close(self):
        pass

run_node.unknown_parameters = lambda node: ""
code = run_node.run_node(Waiting)
print(*(path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")), flush=True)
print("the interpreter ends", flush=True)
sys.stdin.readline()
sys.exit(code)
"""


@pytest.fixture
def process(request):
    """A lifecycle node that has said that it is ready; a parameter is what it is started by."""
    command = [*getattr(request, "param", ()), sys.executable, "-c", LIFECYCLE_NODE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    # A shell's background job ignores SIGINT, one of nohup SIGHUP, and so would all that these tests start.
    heed = {"preexec_fn": lambda: [signal.signal(each, signal.SIG_DFL) for each in (signal.SIGINT, signal.SIGHUP)]}
    started = subprocess.Popen(command, cwd=ROOT, text=True, **pipes, **heed)
    assert started.stdout.readline() == "ready\n"
    yield started
    started.kill()
    started.wait()


def test_nothing_of_the_middleware_is_left_when_a_lifecycle_node_has_ended(process):
    process.send_signal(signal.SIGINT)
    threads = process.stdout.readline().split()
    assert "python" in " ".join(threads)
    assert [name for name in threads if name.startswith(("dds.udp", "dds.ev", "dds.asyn"))] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_while_the_interpreter_ends_is_no_error(process, number):
    process.send_signal(number)
    process.stdout.readline()
    assert process.stdout.readline() == "the interpreter ends\n"
    process.send_signal(number)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.wait(60) == 0


@pytest.mark.parametrize("process", [("nohup",)], indirect=True)
def test_a_terminal_that_is_closed_does_not_end_a_node_that_is_to_outlive_it(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    assert ignored & 1 << (signal.SIGHUP - 1)
