"""The window: keys count only with the focus, what is drawn is where and as it should be, clicks do what they show."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

pygame = pytest.importorskip("pygame")

from muse_ros.recording.session import State  # noqa: E402
from muse_ros.window.entry import FIELDS, Typing  # noqa: E402
from muse_ros.window.layout import lay_out  # noqa: E402
from muse_ros.window.paint import AMBER, BLUE, GREEN, RED, Painter  # noqa: E402
from muse_ros.window.side_panels import arm_content, stream_lines  # noqa: E402
from muse_ros.window.view import ArmView, CallView, CameraView, Level, PolicyView, StreamView, WindowView  # noqa: E402
from muse_ros.window.window import Window  # noqa: E402
from muse_ros.window.words import arm_words, rate_text, short_topic  # noqa: E402

SIZE = (1280, 800)


@pytest.fixture
def window(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(pygame.key, "get_focused", lambda: True)  # the dummy driver never gives the focus
    window = Window(SIZE, allow_headless=True)
    pygame.display.set_mode(SIZE)  # whatever the screen's size
    pygame.event.clear()
    yield window
    window.close()


def press(key: int) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def release(key: int) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))


def pixels(area: pygame.Rect, colour: tuple[int, int, int], reach: int = 12) -> int:
    """How many pixels of an area have a colour, nearly."""
    shown = pygame.surfarray.array3d(pygame.display.get_surface().subsurface(area)).astype(int)
    return int((abs(shown - colour).max(axis=2) <= reach).sum())


def test_a_key_is_held_from_down_to_up_and_pressed_once(window):
    press(pygame.K_SPACE)
    first = window.poll()
    assert first.held == {"space"} and first.pressed == ("space",)
    second = window.poll()
    assert second.held == {"space"} and second.pressed == ()
    release(pygame.K_SPACE)
    assert window.poll().held == frozenset()


def test_losing_the_focus_lets_go_of_every_key(window, monkeypatch):
    press(pygame.K_SPACE)
    assert window.poll().held
    monkeypatch.setattr(pygame.key, "get_focused", lambda: False)
    without = window.poll()
    assert without.held == frozenset() and not without.focused
    monkeypatch.setattr(pygame.key, "get_focused", lambda: True)
    assert window.poll().held == frozenset(), "the key must be pressed again"


def test_keys_pressed_without_the_focus_do_nothing(window, monkeypatch):
    monkeypatch.setattr(pygame.key, "get_focused", lambda: False)
    press(pygame.K_r)
    assert window.poll().pressed == ()


def test_closing_the_window_is_reported(window):
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert window.poll().closed


def test_text_counts_only_while_it_is_typed_and_the_key_that_opens_the_field_does_not(window):
    press(pygame.K_t)
    pygame.event.post(pygame.event.Event(pygame.TEXTINPUT, text="t"))
    opened = window.poll()
    assert opened.typed == () and opened.held == {"t"}
    window.type_text(True)
    pygame.event.post(pygame.event.Event(pygame.TEXTINPUT, text="ü"))
    press(pygame.K_RETURN)
    assert window.poll().typed == (("text", "ü"), ("key", "return")), "in the order in which they came"
    release(pygame.K_RETURN)
    assert window.poll().held == frozenset()
    press(pygame.K_a)
    window.poll()
    window.type_text(False)
    pygame.event.post(pygame.event.Event(pygame.TEXTINPUT, text="a"))
    after = window.poll()
    assert after.typed == () and after.held == frozenset(), "a key that is still down moves nothing"


@pytest.mark.parametrize("size", [(640, 480), SIZE, (1920, 1080), (300, 120)])
def test_every_state_is_drawn_at_every_size(window, size, view):
    pygame.display.set_mode(size)
    ill = StreamView("/cameras/front/image/compressed", Level.MISSING, "nothing has come for 3 s " * 9, 0, 30)
    for state in State:
        busy = view(
            state,
            streams=(ill, *view().streams, replace(ill, level=Level.DEGRADED)),
            policy=PolicyView("HOLDING", "the observation is too old: " * 5, 9.9, 30.0),
            typing=Typing("note", "x" * 150),
        )
        window.draw(busy)
    window.draw(WindowView())


def test_a_big_red_light_is_on_while_recording_and_only_then(window, view):
    header = lay_out(SIZE).header
    light = pygame.Rect(header.left, header.top, header.height, header.height)
    window.draw(view(State.RECORDING))
    assert pixels(light, RED) > 900
    window.draw(view(State.READY))
    assert pixels(light, RED) == 0 and pixels(light, GREEN) > 300


def test_pictures_are_shown_and_a_stale_one_is_marked(window, view, plain):
    cameras = lay_out(SIZE).cameras
    window.draw(view())
    assert pixels(cameras, (200, 30, 30)) > 60_000 and pixels(cameras, (30, 30, 200)) > 60_000
    assert pixels(cameras, RED) == 0
    stale = (CameraView("front", plain((200, 30, 30)), 1.3), CameraView("wrist", plain((30, 30, 200))))
    window.draw(view(cameras=stale))
    assert pixels(cameras, RED) > 2_000 and pixels(cameras, (200, 30, 30)) == 0, "a stale picture is dark and framed"
    window.draw(view(cameras=(CameraView("front"), CameraView("wrist", b"no picture"))))
    assert pixels(cameras, RED) > 4_000


def test_the_last_start_is_blended_with_the_live_picture(window, view, plain):
    cameras = (CameraView("front", plain((200, 0, 0)), None, plain((0, 0, 200))),)
    window.draw(view(cameras=cameras, overlay=True))
    assert pixels(lay_out(SIZE).cameras, (100, 0, 100)) > 60_000


def test_health_lights_differ_in_shape_too(window):
    area = lay_out(SIZE).streams
    corners, tips = {}, {}
    for level, colour in ((Level.OK, GREEN), (Level.DEGRADED, AMBER), (Level.MISSING, RED)):
        pygame.display.get_surface().fill((0, 0, 0))
        Painter(1.0).lamp(area.center, level, 20)
        box = pygame.Rect(0, 0, 40, 40)
        box.center = area.center
        corners[level] = pixels(pygame.Rect(box.left, box.top, 4, 4), colour)
        tips[level] = pixels(pygame.Rect(box.left, box.bottom - 4, 4, 4), colour)
    assert (corners[Level.OK], tips[Level.OK]) == (0, 0), "a disc has no corners"
    assert corners[Level.DEGRADED] == 0 and tips[Level.DEGRADED] > 8, "a triangle has them below"
    assert corners[Level.MISSING] == tips[Level.MISSING] == 16, "a square has four"


def test_every_button_and_field_can_be_clicked(window, view):
    window.draw(view(State.DECIDING))
    for action in ("collect/keep", "collect/start", "panda/stop", "window/overlay", *(f"type/{f}" for f in FIELDS)):
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=window.target(action)))
        assert window.poll().clicked == (action,)
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=(2, 2)))
    assert window.poll().clicked == ()


def test_the_question_is_there_while_a_decision_is_asked_and_gone_after_it(window, view):
    question = lay_out(SIZE, asking=True).question
    window.draw(view(State.DECIDING))
    assert pixels(question, BLUE) > 500
    asked = window.target("collect/keep")
    assert question.collidepoint(asked)
    window.draw(view(State.READY))
    assert pixels(question, BLUE) == 0 and not question.collidepoint(window.target("collect/keep"))


def test_what_has_not_changed_is_not_drawn_again(window, monkeypatch, view, episode):
    drawn = []
    monkeypatch.setattr(pygame.display, "update", lambda areas: drawn.append(len(areas)))
    shown = view()
    for each in (shown, shown, replace(shown, episode=episode(elapsed_s=3.0))):
        window.draw(each)
    assert drawn == [0, 1], "the first is drawn whole, the second not at all, of the third the timer"


def test_the_arms_panel_is_drawn_again_when_its_words_change_and_not_when_it_moves(view):
    arm = ArmView(known=True, robot="sim", source="policy")
    shown = arm_content(view(arm=arm))
    assert arm_words(shown) == arm_words(arm)
    assert arm_content(view(arm=replace(arm, twist=(0.1,) * 6, limits=("tool speed",)))) == shown
    assert arm_content(view(arm=replace(arm, source="teleop", takeover=True))) != shown


def test_a_success_rate_has_its_interval():
    assert rate_text(9, 12) == "75% (47 .. 91)"


def test_topics_are_named_shortly():
    assert short_topic("/cameras/front/image/compressed") == "cameras/front"
    assert short_topic("/panda/joint_states") == "panda/joint_states"


def test_where_room_is_short_the_ill_streams_come_first_and_the_rest_is_counted(window):
    ok = tuple(StreamView(f"/topic_{index}") for index in range(6))
    ill = StreamView("/camera", Level.MISSING, "nothing has come")
    lines = stream_lines(Painter(1.0), (*ok, ill), 200, 4)
    assert lines[:2] == [(ill, ""), (ill, "nothing has come")] and lines[-1] == (None, "and 5 more, all well")
    assert len(lines) == 4
    roomy = stream_lines(Painter(1.0), (*ok, ill), 200, 20)
    assert [stream for stream, _ in roomy] == [*ok, ill, ill]


def test_a_text_too_long_is_shortened_to_its_place(window):
    paint = Painter(1.0)
    text = paint.fit("a very long name of a topic", "text", 80)
    assert text.endswith("...") and paint.width(text) <= 80


def test_without_a_display_it_ends_with_what_to_do_instead_of_hanging():
    code = "from muse_ros.window.window import Window; Window()"
    environment = {"SDL_VIDEODRIVER": "dummy", "PYTHONPATH": ":".join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "WindowError: pygame's video driver is 'dummy', which has no keyboard" in done.stderr
    assert "teleop:=expert" in done.stderr


def test_nonsense_from_the_topics_is_drawn_all_the_same(window, view, episode):
    texts = ("\0\x1b[2J\n", "\U0001f916" * 50, "x" * 100_000, "a " * 50_000, "\ud800")
    for text in texts:
        noisy = view(
            episode=episode(State.IDLE, message=text, episode_id=text, texts=(("note", text), ("task", text))),
            streams=(StreamView(text, Level.MISSING, text, 10**9, -5),) * 300,
            policy=PolicyView(text, text, 1e300, -1e300),
            arm=ArmView(known=True, robot=text, source=text, twist=(1e300, float("nan"), 0, 0, 0, 0), limits=(text,)),
            cameras=(CameraView(text, b"\xff\xd8\xff\xd9"), CameraView("tall", plain_header(1, 65535))),
            calls=(CallView("collect/start", "refused", text),),
        )
        window.draw(noisy)


def plain_header(width: int, height: int) -> bytes:
    """The beginning and the end of a JPEG of this size, with nothing between them."""
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8\xff\xc0\x00\x11\x08" + size + b"\x03" + bytes(9) + b"\xff\xd9"
