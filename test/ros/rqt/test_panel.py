"""What the rqt panel says of what the nodes say."""

from __future__ import annotations

from dataclasses import replace

from muse_ros.recording.session import State
from muse_ros.rqt.panel import SERVICES, Row, label, panel
from muse_ros.window.view import ArmView, CallView, EpisodeView, Level, PolicyView, StreamView, WindowView

EPISODE = EpisodeView(
    known=True,
    state=State.RECORDING,
    episode_id="episode_0003",
    index=3,
    elapsed_s=12.0,
    kept=3,
    discarded=1,
    successes=3,
    failures=1,
    free_disk_gb=59.7,
    legal_verbs=("stop", "discard", "success", "failure"),
    texts=(("note", ""), ("task", "lift")),
    message="recording episode_0003",
)
VIEW = WindowView(
    episode=EPISODE,
    arm=ArmView(known=True, robot="sim", source="teleop"),
    streams=(StreamView("/panda/ee_pose", rate_hz=100, expected_hz=100),),
)


def test_a_recording_is_told_with_its_light_its_time_and_the_rate_of_success():
    shown = panel(VIEW)
    assert (shown.state, shown.recording, shown.title, shown.disk) == (
        "RECORDING",
        True,
        "episode 3, 12 s",
        "59.7 GB free",
    )
    # Wilson: centre (0.75 + 0.480) / 1.960 = 0.628, half width sqrt(0.0469 + 0.0600) = 0.327
    assert shown.counts == "kept 3, discarded 1, success 75% (30 .. 95)"
    assert not shown.alarm


def test_only_what_would_not_be_refused_can_be_pressed():
    legal = {"collect/stop", "collect/discard", "collect/success", "collect/failure", "panda/stop"}
    assert panel(VIEW).legal == legal
    assert panel(WindowView()).legal == {"panda/stop"}  # which nothing takes away


def test_a_recorder_that_falls_silent_is_no_recording_and_nothing_is_legal_of_it():
    shown = panel(replace(VIEW, episode=replace(EPISODE, silent_s=3.2)))
    assert (shown.state, shown.recording, shown.alarm) == ("SILENT", False, True)
    assert shown.title == "the collect node, for 3.2 s"
    assert shown.legal == {"panda/home", "panda/stop"}
    assert shown.streams[0].level is Level.MISSING


def test_without_a_recorder_that_is_told():
    shown = panel(WindowView())
    assert (shown.state, shown.alarm, shown.counts, shown.texts) == ("NO RECORDER", True, "", {})


def test_a_refused_verb_is_told_before_all_else():
    shown = panel(replace(VIEW, calls=(CallView("collect/start", "refused", "it records already"),)))
    assert (shown.message, shown.alarm) == ("collect/start: it records already", True)


def test_a_stream_that_fails_is_told_with_its_light_and_the_cure():
    ill = StreamView("/cameras/front/image/compressed", Level.MISSING, "no picture for 2 s", 0, 20)
    assert panel(replace(VIEW, streams=(ill,))).streams == (
        Row(Level.MISSING, "cameras/front  0 of 20 Hz", "no picture for 2 s"),
    )


def test_a_stopped_arm_is_told_by_the_button_that_releases_it():
    arm = panel(replace(VIEW, arm=replace(VIEW.arm, stopped=True))).arm
    assert arm == Row(Level.MISSING, "STOPPED", f"{label('panda/recover')} releases the stop")


def test_the_policy_is_told_where_there_is_one():
    assert panel(VIEW).policy is None
    held = panel(replace(VIEW, policy=PolicyView("HOLDING", "front is 0.3 s old", 10.0, 21.0))).policy
    assert held == Row(Level.DEGRADED, "policy holding", "front is 0.3 s old")


def test_every_service_has_a_button():
    assert all(label(service) for service in SERVICES)
