"""What goes wrong around an episode: streams that stop, what other nodes say, the disk; and what is said of it."""

import json
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message

from muse_ros.bags.bags import open_bag
from muse_ros.bridge import ACTION_QOS, EVENT_QOS, STATUS_QOS, time_message
from muse_ros.msg import Action, EpisodeEvent, EpisodeStatus
from muse_ros.recording import disk

CAMERA = "cameras/front/image/compressed"


@pytest.fixture
def heard(make_node, spin):
    """The statuses and the events of the session, as they come."""
    node = make_node("listener")
    statuses, events = [], []
    node.create_subscription(EpisodeStatus, "collect/status", statuses.append, STATUS_QOS)
    node.create_subscription(EpisodeEvent, "collect/events", events.append, EVENT_QOS)
    spin(node)
    return SimpleNamespace(statuses=statuses, events=events)


def saved(folder):
    """The content of ``episode.json``, and the events in the bag as (name, detail)."""
    messages = [
        deserialize_message(bytes(data), EpisodeEvent)
        for _, _, data, _ in open_bag(folder).messages(["/collect/events"])
    ]
    return json.loads((folder / "episode.json").read_text()), [(m.event, m.detail) for m in messages]


def test_a_camera_that_stops_and_comes_back_is_an_alarm_with_its_end_and_the_episode_is_degraded(
    make_collect, world, heard, ask, ready, wait_until, tmp_path
):
    ready(make_collect())
    ask("start")
    world.camera_on = False
    wait_until(lambda: heard.statuses[-1].alarm and CAMERA in heard.statuses[-1].message)
    camera = next(stream for stream in heard.statuses[-1].streams if CAMERA in stream.topic)
    assert camera.level == camera.MISSING and camera.age > 0.3
    wait_until(lambda: heard.statuses[-1].degraded, what="a gap that costs rows")
    world.camera_on = True
    wait_until(lambda: any(event.event == EpisodeEvent.ALARM_END for event in heard.events))
    assert ask("success").success and ask("keep").success
    content, events = saved(tmp_path / "s" / "episode_0000")
    assert [name for name, _ in events] == ["start", "alarm", "alarm_end", "success", "stop"]
    assert CAMERA in events[1][1] and events[2][1] == f"/{CAMERA}"
    assert content["degraded"] and CAMERA in content["degraded_because"][0]


def test_a_second_session_in_the_same_domain_is_said_at_the_gate_and_in_the_episode(
    make_collect, make_world, heard, ask, ready, wait_until, tmp_path
):
    make_world()
    ready(make_collect())
    ask("start")
    second = make_world()
    wait_until(lambda: heard.statuses[-1].alarm and "2 nodes named /world" in heard.statuses[-1].message)
    assert ask("success").success and ask("keep").success
    content, _ = saved(tmp_path / "s" / "episode_0000")
    assert content["degraded"] and "ROS_DOMAIN_ID" in content["degraded_because"][0]
    refused = ask("start")
    assert not refused.success and "2 nodes named /world" in refused.message
    second.timer.cancel()  # as one that was killed: it may stay in the graph, but it speaks no more
    wait_until(lambda: ask("start").success)


def test_an_alarm_ends_the_episode_where_that_is_wanted(make_collect, world, heard, ask, ready, wait_until, tmp_path):
    collect = make_collect(abort_on_alarm=True)
    ready(collect)
    ask("start")
    world.camera_on = False
    wait_until(lambda: collect.session.state.name == "DECIDING")
    assert ask("discard").success
    content, _ = saved(tmp_path / "s" / ".discarded" / "episode_0000")
    assert CAMERA in content["ended_because"] and content["outcome"] == "unlabelled"


def test_the_status_says_what_may_be_done_how_the_streams_are_and_what_disk_there_is(
    make_collect, world, heard, ask, ready, wait_until
):
    ready(make_collect(task="lift", note="first light"))
    status = wait_until(lambda: heard.statuses and heard.statuses[-1].state == 1 and heard.statuses[-1])
    assert list(status.legal_verbs) == ["start", "reset"]
    assert status.note == "first light" and status.free_disk > 0.0
    assert [(stream.topic, stream.level) for stream in status.streams] == [
        ("/panda/joint_states", 0),
        (f"/{CAMERA}", 0),
    ]


def test_a_note_belongs_to_one_episode(make_collect, world, heard, ask, ready, wait_until, tmp_path):
    collect = make_collect(note="the cube fell")
    for _ in range(2):
        ready(collect)
        for verb in ("start", "failure", "keep"):
            assert ask(verb).success
    notes = [saved(tmp_path / "s" / f"episode_000{index}")[0]["note"] for index in range(2)]
    assert notes == ["the cube fell", ""]
    wait_until(lambda: heard.statuses[-1].failures == 2)


def test_diagnostics_come_at_once_when_a_verdict_changes(make_collect, world, make_node, spin, ready, wait_until):
    levels = []
    node = make_node("listener")

    def hear(array):
        levels.extend(status.level for status in array.status if CAMERA in status.name)

    node.create_subscription(DiagnosticArray, "diagnostics", hear, 50)
    spin(node)
    ready(make_collect())
    wait_until(lambda: levels and levels[-1] == DiagnosticStatus.OK)
    world.camera_on = False
    wait_until(lambda: levels[-1] == DiagnosticStatus.ERROR)


def test_a_policy_that_gives_up_ends_the_episode_and_is_in_the_bag(
    make_collect, world, make_node, ask, ready, wait_until, tmp_path
):
    events = make_node("policy").create_publisher(EpisodeEvent, "collect/events", EVENT_QOS)
    collect = make_collect()
    ready(collect)
    old = EpisodeEvent(event=EpisodeEvent.POLICY_STOP, detail="of another day")
    old.header.stamp = time_message(5)
    events.publish(old)
    wait_until(events.get_subscription_count)
    ask("start")
    stop = EpisodeEvent(event=EpisodeEvent.POLICY_STOP, episode_id="episode_0000", detail="stale observation")
    stop.header.stamp = time_message(collect.now_ns())
    events.publish(stop)
    wait_until(lambda: collect.session.state.name == "DECIDING")
    assert ask("keep").success
    content, marks = saved(tmp_path / "s" / "episode_0000")
    assert content["ended_because"] == "the policy gave up: stale observation"
    assert ("policy_stop", "stale observation") in marks


def test_nonsense_among_the_events_is_recorded_and_harms_nothing(
    make_collect, world, make_node, ask, ready, wait_until, tmp_path
):
    events = make_node("broken").create_publisher(EpisodeEvent, "collect/events", EVENT_QOS)
    collect = make_collect()
    ready(collect)
    ask("start")
    wait_until(events.get_subscription_count)
    events.publish(b"\x00\x01\x00\x00\xff\xff")
    events.publish(EpisodeEvent(event="no such event"))
    wait_until(lambda: collect.recorder_figures()["/collect/events"]["count"] == 3)
    assert collect.session.state.name == "RECORDING"
    assert ask("stop").success and ask("keep").success


def test_a_disk_that_runs_short_ends_the_episode_and_refuses_the_next(
    make_collect, world, heard, ask, ready, wait_until, tmp_path, monkeypatch
):
    free = SimpleNamespace(free=8e9)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: free)
    collect = make_collect(min_free_gb=1.0, warn_free_gb=5.0)
    ready(collect)
    ask("start")
    free.free = 4e9
    wait_until(lambda: "only 4.0 GB free" in heard.statuses[-1].message)
    assert collect.session.state.name == "RECORDING"
    free.free = 0.9e9
    wait_until(lambda: collect.session.state.name == "DECIDING")
    assert ask("keep").success
    assert "0.90 GB free" in saved(tmp_path / "s" / "episode_0000")[0]["ended_because"]
    assert "0.90 GB free" in ask("start").message


def test_the_gate_names_an_action_that_its_quality_of_service_keeps_from_the_arm(
    make_collect, world, make_node, ask, wait_until
):
    unreliable = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    make_node("lab_teleop").create_publisher(Action, "action/teleop", unreliable)
    make_node("panda").create_subscription(Action, "action/teleop", lambda _: None, ACTION_QOS)
    collect = make_collect(source="action/teleop")
    wait_until(lambda: any("cannot hear" in problem for problem in collect.session.problems))
    message = ask("start").message
    assert "/panda cannot hear /lab_teleop, which offers reliability best effort where reliable is asked for" in message
    assert "ros2 topic info -v /action/teleop" in message


def test_a_contract_topic_that_is_excluded_is_named_with_the_pattern(make_collect, world, ask, wait_until):
    collect = make_collect(exclude=["/cameras/*"])
    wait_until(lambda: any("excluded by" in problem for problem in collect.session.problems))
    assert f"/{CAMERA}: is not recorded: excluded by '/cameras/*'" in ask("start").message
