"""The operator's window over DDS: what is heard is shown, what is pressed, clicked and typed is done."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")
pytest.importorskip("pygame")

import pygame
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from muse_core.images import encode_jpeg
from muse_ros.bridge import ACTION_QOS, SENSOR_QOS, STATUS_QOS, TICK_QOS
from muse_ros.msg import Action, AppliedAction, EpisodeStatus, PolicyStatus, StreamHealth
from muse_ros.nodes.teleop import TeleopNode
from muse_ros.recording.session import RESET_RUNS, State
from muse_ros.window.prompt import prompt
from muse_ros.window.view import Level, TeleopView
from muse_ros.window.words import policy_words

SERVICES = ("start", "stop", "keep", "discard", "success", "failure", "undo", "reset")


class Recorder:
    """A collect node in so far as a window sees it: status, services, texts. It says what it is told to say."""

    def __init__(self, node):
        self.node, self.asked, self.refusal = node, [], ""
        self.statuses = node.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
        for verb in SERVICES:
            node.create_service(Trigger, f"collect/{verb}", lambda _, answer, verb=verb: self._serve(verb, answer))
        for name, value in (("note", ""), ("task", "lift"), ("operator", ""), ("seed", 0)):
            node.declare_parameter(name, value)

    def say(self, state, **fields):
        self.statuses.publish(EpisodeStatus(state=state, **fields))

    def text(self, name):
        return self.node.get_parameter(name).value

    def _serve(self, verb, answer):
        self.asked.append(verb)
        answer.success, answer.message = not self.refusal, self.refusal or f"{verb} is done"
        return answer


@pytest.fixture
def recorder(make_node, spin):
    node = make_node("collect")
    made = Recorder(node)
    spin(node)
    return made


@pytest.fixture
def world(make_node, spin):
    return spin(make_node("world"))


class Operator:
    """Sits at the window of a teleop node, and spins it: a window belongs to one thread."""

    def __init__(self, node, wait_until):
        self.node, self._wait_until = node, wait_until

    def press(self, *names):
        for name in names:
            key = pygame.key.key_code(name)
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
            pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))
        self.step()

    def type(self, text):
        pygame.event.post(pygame.event.Event(pygame.TEXTINPUT, text=text))
        self.step()

    def click(self, action):
        place = self.until(lambda _: self.node.window._window.target(action), f"{action} to be shown")
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=place))
        self.step()

    def step(self):
        self.node._beat()
        rclpy.spin_once(self.node, timeout_sec=0.01)

    def until(self, holds, what):
        """The first true value of ``holds(view)``, with the node at work."""

        def looked():
            self.step()
            return holds(self.node.window.view(TeleopView("keyboard")))

        return self._wait_until(looked, what=what)


@pytest.fixture
def operator(ros, monkeypatch, wait_until):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(pygame.key, "get_focused", lambda: True)
    values = {"device": "keyboard", "window": "true", "allow_headless": True}
    node = TeleopNode(parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])
    pygame.event.clear()
    yield Operator(node, wait_until)
    node.close()
    node.destroy_node()


def speaking(recorder, state, **fields):
    """A condition's first half: the recorder says it (again), and the window has heard it."""

    def heard(view):
        recorder.say(state, **fields)
        return view.episode.alive and view.episode.state is State(state) and view

    return heard


def test_the_status_of_the_recorder_is_shown_with_its_streams(operator, recorder):
    ill = StreamHealth(topic="/cameras/front/image/compressed", level=2, problem="no publisher", expected_rate=30.0)
    said = {"episode_id": "episode_0002", "episode_index": 2, "elapsed": 3.27, "kept": 2, "successes": 1, "failures": 1}
    said |= {"streams": [ill], "free_disk": 12.34, "note": "wet", "task": "lift", "seed": -1, "alarm": True}
    view = operator.until(speaking(recorder, EpisodeStatus.RECORDING, **said), "the status")
    episode = view.episode
    assert (episode.index, episode.elapsed_s, episode.kept, episode.failures) == (2, 3.3, 2, 1)
    assert episode.alarm and episode.free_disk_gb == 12.3
    assert dict(episode.texts) == {"note": "wet", "task": "lift", "operator": "", "seed": ""}
    assert view.streams[0].level is Level.MISSING and view.streams[0].problem == "no publisher"


def test_a_session_can_be_run_by_the_mouse_alone(operator, recorder):
    for state, button in (
        (EpisodeStatus.READY, "start"),
        (EpisodeStatus.RECORDING, "stop"),
        (EpisodeStatus.DECIDING, "success"),
        (EpisodeStatus.DECIDING, "keep"),
        (EpisodeStatus.READY, "undo"),
        (EpisodeStatus.READY, "reset"),
    ):
        operator.until(speaking(recorder, state, episode_id="episode_0000"), f"state {state}")
        operator.step()
        operator.click(f"collect/{button}")
        operator.until(lambda _, button=button: recorder.asked[-1:] == [button], f"{button} to arrive")
    assert recorder.asked == ["start", "stop", "success", "keep", "undo", "reset"]


def test_a_refusal_is_shown_with_its_reason_until_the_state_changes(operator, recorder):
    recorder.refusal = "/action is not arriving"
    operator.until(speaking(recorder, EpisodeStatus.IDLE), "the recorder")
    operator.press("r")
    view = operator.until(lambda view: any(c.state == "refused" for c in view.calls) and view, "the refusal")
    assert prompt(view).text == "Not done: Start" and prompt(view).detail == "/action is not arriving"
    view = operator.until(speaking(recorder, EpisodeStatus.READY), "the news")
    operator.step()
    assert not [call for call in operator.node.verbs.calls() if call.state == "refused"]


def test_what_an_undo_was_about_is_said(operator, recorder):
    operator.until(speaking(recorder, EpisodeStatus.READY, episode_id="episode_0002"), "the recorder")
    operator.press("z")
    view = operator.until(lambda view: any(call.text for call in view.calls) and view, "the answer")
    assert prompt(view).detail == "undo is done"


def test_a_note_is_typed_and_saved_and_its_keys_do_nothing_else(operator, recorder):
    operator.until(speaking(recorder, EpisodeStatus.READY), "the recorder")
    operator.press("t")
    operator.type("r")
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_SPACE))
    operator.press("r")
    operator.type("ed cup")
    assert operator.node._last.deadman is False, "no key moves the arm while a text is typed"
    operator.press("return")
    operator.until(lambda _: recorder.text("note") == "red cup", "the note")
    assert recorder.asked == [], "neither R nor ENTER was a verb"
    operator.press("r")
    operator.until(lambda _: recorder.asked == ["start"], "R to be a verb again")


def test_a_seed_is_clicked_typed_and_saved_as_a_number(operator, recorder):
    operator.until(speaking(recorder, EpisodeStatus.READY, seed=-1), "the recorder")
    operator.click("type/seed")
    operator.type("4x")
    operator.press("return")
    problem = operator.until(lambda view: view.typing.problem, "the refusal")
    assert "a seed is a whole number" in problem, "and it stays until something is typed"
    for event in ({"key": pygame.K_BACKSPACE}, {"text": "2"}, {"key": pygame.K_RETURN}):  # faster than the window looks
        kind = pygame.TEXTINPUT if "text" in event else pygame.KEYDOWN
        pygame.event.post(pygame.event.Event(kind, **event))
    operator.until(lambda _: recorder.text("seed") == 42, "the seed")


def test_clicking_another_field_saves_the_open_one(operator, recorder):
    operator.until(speaking(recorder, EpisodeStatus.READY), "the recorder")
    operator.click("type/operator")
    operator.type("Ada")
    operator.click("type/task")
    operator.until(lambda view: recorder.text("operator") == "Ada" and view.typing.field == "task", "the operator")
    operator.press("escape")
    assert operator.node.window.view(TeleopView()).typing.field == ""


def test_escape_while_typing_in_an_episode_stops_the_arm_at_once(operator, recorder, world):
    stops = []
    world.create_service(Trigger, "panda/stop", lambda _, answer: stops.append(1) or answer)
    operator.until(lambda _: operator.node.verbs._clients["panda/stop"].service_is_ready(), "the service")
    operator.until(speaking(recorder, EpisodeStatus.READY), "the recorder")
    operator.press("t")
    operator.press("escape")
    operator.until(speaking(recorder, EpisodeStatus.RECORDING), "the episode")
    assert not stops, "between episodes ESC only leaves the field"
    operator.press("t")
    operator.press("escape")
    operator.until(lambda _: stops, "the stop")


def test_a_silent_recorder_and_a_silent_arm_are_told(operator, recorder, world):
    applied = world.create_publisher(AppliedAction, "panda/applied_action", SENSOR_QOS)

    def both(view):
        applied.publish(AppliedAction())
        return speaking(recorder, EpisodeStatus.READY)(view) and view.arm.alive

    operator.until(both, "both to be heard")
    view = operator.until(lambda view: view.arm.silent_s and view, "the arm's silence")
    assert view.arm.silent_s < 1.0 and "(panda) has been silent" in prompt(view).text
    view = operator.until(lambda view: view.episode.silent_s and view, "the recorder's silence")
    assert not view.episode.alive


def test_the_arm_is_shown_with_who_leads_it_what_limits_it_and_how_it_moves(operator, world):
    applied = world.create_publisher(AppliedAction, "panda/applied_action", SENSOR_QOS)
    chosen = world.create_publisher(Action, "action", ACTION_QOS)
    diagnostics = world.create_publisher(DiagnosticArray, "diagnostics", 10)
    said = {"robot": "sim", "enabled": "False", "to be released": "True", "recorder lost": "True"}
    values = [KeyValue(key=key, value=value) for key, value in said.items()]
    status = DiagnosticStatus(name="panda: arm control", values=values)
    turning = AppliedAction(source="policy", limited_by=AppliedAction.CARTESIAN_SPEED, gripper_width=0.0)
    turning.position, turning.velocity = np.zeros(7), np.array([0.5, 0, 0, 0, 0, 0, 0])
    asked = Action(action_space="ee_delta", source="policy", period=0.1, values=[0.02, 0, 0, 0, 0, 0, 1])

    def shown(view):
        applied.publish(turning)
        chosen.publish(asked)
        diagnostics.publish(DiagnosticArray(status=[status]))
        return view.arm.robot and view.arm.asked and view.arm

    arm = operator.until(shown, "the arm")
    assert (arm.robot, arm.source, arm.limits, arm.gripper_closed) == ("sim", "policy", ("tool speed",), True)
    assert not arm.enabled and arm.to_be_released and arm.recorder_lost
    assert arm.asked[0] == pytest.approx(0.2)
    assert arm.twist[5] == pytest.approx(0.5), "the first joint turns about the base's z axis"
    assert arm.twist[1] == pytest.approx(0.5 * 0.088, abs=1e-3), "and the tool lies 8.8 cm in front of it"


def test_the_policy_is_shown_where_there_is_one_and_its_silence_in_an_episode(operator, recorder, world):
    ticks = world.create_publisher(PolicyStatus, "policy/status", TICK_QOS)
    assert operator.node.window.view(TeleopView()).policy is None

    def shown(view):
        ticks.publish(PolicyStatus(state=PolicyStatus.HOLDING, reason="the wrist camera is stale", period=0.1))
        return view.policy

    policy = operator.until(shown, "the policy")
    assert (policy.state, policy.reason) == ("HOLDING", "the wrist camera is stale")
    recording = speaking(recorder, EpisodeStatus.RECORDING)
    policy = operator.until(lambda view: recording(view) and view.policy.silent_s and view.policy, "its silence")
    assert policy_words(policy)[1] == "policy silent"
    view = operator.until(speaking(recorder, EpisodeStatus.READY), "the episode's end")
    assert view.policy.silent_s is None, "between episodes it has nothing to say"


def picture(level):
    return CompressedImage(format="jpeg", data=encode_jpeg(np.full((24, 32, 3), level, np.uint8)))


def test_the_first_picture_of_an_episode_is_laid_over_the_live_one_after_it(operator, recorder, world):
    front = world.create_publisher(CompressedImage, "cameras/front/image/compressed", SENSOR_QOS)

    def showing(level):
        def seen(view):
            front.publish(picture(level))
            return view.cameras[0].data == picture(level).data.tobytes() and view

        return seen

    operator.until(showing(10), "the first picture")
    operator.until(speaking(recorder, EpisodeStatus.RECORDING, episode_id="episode_0000"), "the episode")
    operator.until(showing(100), "the picture at the start")
    operator.until(showing(200), "a later picture")
    operator.until(speaking(recorder, EpisodeStatus.READY, episode_id="episode_0000"), "its end")
    operator.press("v")
    view = operator.until(lambda view: view.overlay and view, "the overlay")
    assert view.cameras[0].start == picture(100).data.tobytes()
    operator.press("v")
    assert operator.until(lambda view: not view.overlay and view, "its end").cameras[0].start is None
    # No arm says that it is simulated: the table is real, and is set by hand.
    waiting = speaking(recorder, EpisodeStatus.IDLE, episode_id="episode_0000", message=f"waiting: {RESET_RUNS}")
    operator.until(lambda view: waiting(view) and view.overlay, "the overlay with the reset")
    operator.until(speaking(recorder, EpisodeStatus.RECORDING, episode_id="episode_0001"), "the next episode")
    operator.step()
    operator.until(speaking(recorder, EpisodeStatus.READY, episode_id="episode_0001"), "its end")
    assert not operator.node.window.view(TeleopView()).overlay, "an episode ends it"


def test_bytes_that_are_no_picture_do_not_end_the_node(operator, recorder, world):
    torn = world.create_publisher(CompressedImage, "cameras/front/image/compressed", SENSOR_QOS)

    def heard(view):
        torn.publish(b"\x00\x01\x00\x00" + b"\xff" * 40)
        return view.cameras[0].data is not None and view

    assert operator.until(heard, "the torn picture").cameras[0].data == b""
    operator.node.window._draw_after_s = 0.0
    operator.step()


def test_what_cannot_be_drawn_is_said_and_does_not_end_the_node(operator, monkeypatch):
    def fail(view):
        raise OverflowError("cannot convert float infinity to integer")

    said = []
    logger = type("Logger", (), {"error": lambda self, text, **more: said.append(text)})()
    monkeypatch.setattr(operator.node.window._window, "draw", fail)
    monkeypatch.setattr(operator.node, "get_logger", lambda: logger)
    operator.node.window._draw_after_s = 0.0
    operator.step()
    assert said == ["the window cannot be drawn: OverflowError: cannot convert float infinity to integer"]


def test_nonsense_on_every_topic_neither_ends_the_node_nor_hides_what_made_sense(operator, recorder, world):
    nan = float("nan")
    applied = AppliedAction(gripper_width=nan, limited_by=2**32 - 1, source="?")
    applied.position, applied.velocity = np.full(7, nan), np.full(7, float("inf"))
    ill = StreamHealth(topic="/x", level=99, rate=nan, expected_rate=float("inf"))
    others = [
        (AppliedAction, "panda/applied_action", SENSOR_QOS, applied),
        (Action, "action", ACTION_QOS, Action(action_space="ee_delta", values=[nan] * 7, period=nan, source="policy")),
        (PolicyStatus, "policy/status", TICK_QOS, PolicyStatus(state=99, period=nan, wait=nan)),
        (CompressedImage, "cameras/front/image/compressed", SENSOR_QOS, CompressedImage(data=b"no picture")),
    ]
    publishers = [(world.create_publisher(kind, topic, qos), message) for kind, topic, qos, message in others]
    operator.until(speaking(recorder, EpisodeStatus.READY, episode_id="episode_0007", streams=[ill]), "sense")

    def all_heard(view):
        recorder.say(77, episode_id="nonsense", elapsed=nan)
        for publisher, message in publishers:
            publisher.publish(message)
        return view.arm.known and view.policy and view.cameras[0].data and view

    view = operator.until(all_heard, "the nonsense")
    for _ in range(5):
        operator.node.window._draw_after_s = 0.0
        operator.step()
    assert view.episode.episode_id == "episode_0007" and view.streams[0].level is Level.MISSING
    assert view.arm.twist == (0.0,) * 6 and view.policy.state == "STATE 99"
