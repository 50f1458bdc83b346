"""The policy node as a process: what it says when it cannot start, and that a signal ends it cleanly."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

ROOT = Path(__file__).parents[3]
RUN = "import sys; from muse_ros.nodes.{node} import main; sys.exit(main())"


def start(node: str, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-c", RUN.format(node=node), "--ros-args", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "model_file is empty: name a checkpoint"),
        pytest.param(
            ("-p", "model_file:=no/such/model.pt"),
            "no/such/model.pt",
            marks=pytest.mark.skipif(find_spec("torch") is None, reason="needs torch"),
        ),
        (("-p", "model_file:=README.md", "-p", "contract:=nonsense"), "no contract file nonsense; by name there are"),
        (("-p", "torch_threads:=0"), "parameter torch_threads must be between 1 and 64"),
    ],
)
def test_a_policy_that_cannot_start_says_why_and_exits_with_1(arguments, said):
    process = start("policy", *arguments)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert said in output and "Traceback" not in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_node_cleanly(number):
    process = start("teleop", "-p", "device:=none")
    assert any("teleop by none" in line for line in iter(process.stdout.readline, ""))
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and output == ""


def test_a_policy_whose_call_never_returns_does_not_keep_its_process():
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert any("stuck" in line for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "the policy's call does not return" in output


STUCK = """
import sys, threading
import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.parameter import Parameter
from muse_ros.bridge import SENSOR_QOS
from muse_ros.contract.contract import load_contract
from muse_ros.nodes.policy import PolicyNode
from muse_ros.nodes.run_node import run_node
from muse_ros.nodes.acting import tick_thread
from muse_ros.policy.loading import LoadedPolicy, narrowed

tick_thread.CLOSE_S = 0.2

class Stuck:
    def reset(self):
        pass

    def act(self, observation):
        print("stuck", flush=True)
        threading.Event().wait()

def make():
    contract = narrowed(load_contract("panda_sim"), {"ee_position": (3,)})
    ungated = [Parameter("episode_gating", value=False)]
    node = PolicyNode(load=lambda *_: LoadedPolicy(Stuck(), contract), parameter_overrides=ungated)
    node.start()
    poses = node.create_publisher(PoseStamped, "panda/ee_pose", SENSOR_QOS)

    def publish():
        pose = PoseStamped()
        pose.header.stamp = node.get_clock().now().to_msg()
        poses.publish(pose)

    node.create_timer(0.01, publish)
    return node

sys.exit(run_node(make))
"""
