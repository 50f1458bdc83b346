"""Replay on the simulated arm: a recorded lift lifts again, and whoever takes the arm away keeps it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from muse_core.control.limits import Limit
from muse_ros.bridge import ACTION_QOS, SENSOR_QOS, STATUS_QOS
from muse_ros.msg import Action, AppliedAction, EpisodeStatus
from muse_ros.nodes.managed_node import started
from muse_ros.nodes.panda import PandaNode
from muse_ros.nodes.replay import ReplayNode
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.replay.motion import MotionError
from muse_ros.replay.opening import open_motion

DEADLINE_S = 90.0
SEED = 1  # of the recorded lift
SMALL = {"camera_width": 32, "camera_height": 32, "camera_rate_hz": 1.0, "seed": SEED}


@pytest.fixture
def graph(ros, spin, make_node, lift):
    """``graph(panda={...}, replay={...})`` starts an arm and a replay of the lift; gives it and an observer."""
    running = []

    def start(panda=None, **replay):
        def overrides(parameters):
            return [Parameter(name, value=value) for name, value in parameters.items()]

        arm = {**SMALL, "execute_always": True, **(panda or {})}
        running.append(started(lambda: PandaNode(parameter_overrides=overrides(arm))))
        spin(running[-1])
        observer = make_node("observer")
        observer.applied = []
        observer.create_subscription(AppliedAction, "panda/applied_action", observer.applied.append, SENSOR_QOS)
        spin(observer)
        parameters = {"path": str(lift), "reset_scene": True, "patience_s": 20.0, **replay}
        running.append(ReplayNode(parameter_overrides=overrides(parameters)))
        return spin(running[-1]), observer

    yield start
    for node in reversed(running):
        node.close()
        node.destroy_node()


def playing(observer) -> bool:
    return bool(observer.applied) and observer.applied[-1].source == "replay"


def test_a_recorded_lift_lifts_again(lift, muse):
    done = muse("replay", str(lift), "--reset", "--what", "set_points")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the task is done" in done.stdout
    assert largest_mm(done.stdout) < 60.0  # 4 to 21 where the machine is free


def test_at_half_the_speed_the_tool_goes_the_same_way(lift, muse):
    """How near depends on when the limits held the arm back; open loop, nothing corrects that. Nonsense is far off."""
    done = muse("replay", str(lift), "--reset", "--speed", "0.5", "clock:=true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(speed 0.5)" in done.stdout
    assert largest_mm(done.stdout) < 60.0


def largest_mm(printed: str) -> float:
    """The largest distance to the recorded path that a replay printed [mm]."""
    return float(re.search(r"was ([0-9.]+) mm from the recorded path at most", printed)[1])


def test_a_replay_can_be_recorded_and_is_an_episode_like_any_other(lift, tmp_path, muse):
    # in real time: faster, a busy machine brings an action after its life more often, and the arm leaves it out
    done = muse("replay", str(lift), "--reset", "--record", "--root_dir", str(tmp_path), "--session", "again")
    assert done.returncode == 0, done.stdout + done.stderr
    episode = tmp_path / "again" / "episode_0000"
    assert json.loads((episode / "episode.json").read_text())["outcome"] in ("success", "failure"), "labelled"
    played, recorded = open_motion(lift), open_motion(episode)
    assert {action.source for action in recorded.actions} == {"replay"}
    carried_out, asked = map(int, re.search(r"replayed (\d+) of (\d+) actions", done.stdout).groups())
    assert asked == len(played.actions) and carried_out > 0.8 * asked
    assert len(recorded.actions) == carried_out
    left = iter(played.actions)
    for after in recorded.actions:
        assert any(np.array_equal(before.values, after.values) for before in left), "all that was recorded, in order"


def test_an_arm_that_stands_elsewhere_is_not_moved_and_is_told_how_far_off_it_is(graph, wait_until):
    replay, observer = graph(panda={"seed": SEED + 7}, reset_scene=False, start_tolerance=0.005)
    wait_until(replay.finished.is_set, what="the refusal")
    assert "the arm does not stand where the recording began" in replay.failure
    assert "joint 4 " in replay.failure and "--approach" in replay.failure
    assert not any(each.source for each in observer.applied), "nothing may move before the start is checked"


def test_the_approach_leads_to_the_recorded_start_and_then_it_plays(graph, wait_until):
    chosen = []
    make = {"reset_scene": False, "start_tolerance": 0.005, "approach": True}
    replay, observer = graph(panda={"seed": SEED + 7}, **make)
    observer.create_subscription(Action, "action", chosen.append, ACTION_QOS)
    wait_until(replay.finished.is_set, DEADLINE_S, "the replay")
    assert replay.failure == ""
    spaces = [each.action_space for each in chosen]
    assert spaces[0] == "joint_position" and spaces[-1] == "ee_delta"
    assert spaces == sorted(spaces, reverse=True), "all of the way to the start lies before the recording"


def test_a_teleoperator_takes_the_arm_and_the_replay_does_not_come_back(graph, make_node, spin, wait_until):
    replay, observer = graph(speed=0.5)
    wait_until(lambda: playing(observer), what="the replay")
    operator = spin(make_node("operator"))
    hold = Action(action_space=Action.EE_DELTA, period=0.02, source=Action.TELEOP, deadman=True)
    actions = operator.create_publisher(Action, "action/teleop", ACTION_QOS)

    def taken():
        actions.publish(hold)
        return replay.finished.is_set()

    wait_until(taken, what="the end of the replay")
    assert "teleop has taken the arm" in replay.failure
    assert "It does not go on by itself" in replay.failure
    seen = len(observer.applied)
    wait_until(lambda: len(observer.applied) > seen + 50, what="half a second more")
    assert not any(each.source == "replay" for each in observer.applied[seen + 20 :])


def test_the_end_of_the_episode_that_let_it_move_ends_it(graph, make_node, spin, wait_until):
    collect = spin(make_node("collect"))
    statuses = collect.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
    collect.create_timer(0.1, lambda: statuses.publish(EpisodeStatus(state=state[0], episode_id="e")))
    state = [EpisodeStatus.RECORDING]
    replay, observer = graph(panda={"execute_always": False, "seed": SEED}, speed=0.1, reset_scene=False, approach=True)
    wait_until(lambda: playing(observer), what="the replay")
    state[0] = EpisodeStatus.DECIDING
    wait_until(replay.finished.is_set, what="the end of the replay")
    assert "nobody lets a replay move it" in replay.failure


def test_the_latched_stop_ends_it(graph, call, wait_until):
    replay, observer = graph(speed=0.5)
    wait_until(lambda: playing(observer), what="the replay")
    assert call(observer, Trigger, "panda/stop").success
    wait_until(replay.finished.is_set, what="the end of the replay")
    assert "latched stop" in replay.failure


def test_without_an_episode_or_a_permission_it_says_what_would_let_it_move(graph, wait_until):
    replay, _ = graph(panda={"execute_always": False}, patience_s=1.0)
    wait_until(replay.finished.is_set, what="the refusal")
    assert "nobody lets a replay move it" in replay.failure
    assert "execute_always:=true" in replay.failure


def test_a_scene_of_another_task_is_not_the_recorded_one(graph, wait_until):
    replay, _ = graph(panda={"task": "place"})
    wait_until(replay.finished.is_set, what="the refusal")
    assert "are task and wide those of the recording?" in replay.failure


def test_a_killed_replay_leaves_an_arm_that_holds(lift, ros, make_node, spin, wait_until, tmp_path):
    observer = make_node("observer")
    observer.applied = []
    observer.create_subscription(AppliedAction, "panda/applied_action", observer.applied.append, SENSOR_QOS)
    spin(observer)
    panda = started(
        lambda: PandaNode(
            parameter_overrides=[Parameter(n, value=v) for n, v in {**SMALL, "execute_always": True}.items()]
        )
    )
    spin(panda)
    command = [
        sys.executable,
        "-c",
        "from muse_ros.command import main; main()",
        "replay",
        str(lift),
        "--reset",
        "--speed",
        "0.2",
        "--attach",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: playing(observer), what="the replay")
        os.kill(process.pid, signal.SIGKILL)  # its node dies with it
        wait_until(lambda: observer.applied[-1].limited_by & Limit.NO_DEADMAN, what="the arm to hold")
        wait_until(lambda: not any(observer.applied[-1].velocity), what="the arm to stand")
    finally:
        process.kill()
        process.wait()
        panda.close()
        panda.destroy_node()


def test_what_cannot_be_replayed_is_refused_before_any_node_runs(tmp_path, lift, muse):
    assert "no such file" in muse("replay", str(tmp_path / "nothing")).stderr
    assert "it holds 1 bags" in muse("replay", str(lift.parent)).stderr
    assert "use speed 0.05 or more" in muse("replay", str(lift), "--speed", "0.02").stderr
    dry = muse("replay", str(lift), "--speed", "0.5", "--dry-run")
    assert dry.returncode == 0 and "actions (ee_delta;" in dry.stdout
    with pytest.raises(MotionError, match="what must be one of"):
        open_motion(lift, what="everything")


def test_the_node_itself_names_what_it_was_not_given(ros):
    with pytest.raises(NodeFailure, match="parameter path must name an episode"):
        ReplayNode()
