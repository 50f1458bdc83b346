"""What is printed before the nodes start."""

from __future__ import annotations

from pathlib import Path

from muse_ros.launching.graph import build, parse
from muse_ros.launching.notices import WIDTH, notices

SCREEN = {"DISPLAY": ":0"}


def lines(graph: str, environment: dict, **texts: str) -> list[str]:
    return notices(parse(graph, texts), build(graph, texts, environment), environment)


def test_where_the_data_goes_is_told_in_full(tmp_path: Path):
    assert f"episodes go to {tmp_path}/monday" in lines("collect", SCREEN, root_dir=str(tmp_path), session="monday")
    unnamed = f"episodes go to {Path.cwd()}/recordings, in a folder named after the date and time"
    assert lines("collect", SCREEN)[0] == unnamed


def test_the_keys_are_told_where_a_window_has_them():
    told = " ".join(lines("collect", SCREEN))
    assert "SPACE hold to move" in told and "R start / stop an episode" in told
    assert all(len(line) <= WIDTH for line in lines("collect", SCREEN)[1:])


def test_what_the_buttons_of_a_gamepad_do_is_told_and_no_key_that_moves_nothing():
    told = " ".join(lines("collect", SCREEN, teleop="gamepad"))
    assert "LEFT SHOULDER hold to move the arm" in told and "A keeps" in told and "LEFT Y x" in told
    assert "R start / stop an episode" in told and "SPACE" not in told and "W S" not in told
    assert all(len(line) <= WIDTH for line in lines("collect", SCREEN, teleop="gamepad")[1:])


def test_without_a_screen_it_is_told_what_is_missing_and_what_to_do():
    told = " ".join(lines("collect", {}, namespace="left/"))
    assert "nothing leads the arm: there is no display" in told
    assert "ros2 service call /left/collect/start std_srvs/srv/Trigger" in told
    assert "SPACE" not in told


def test_beside_a_policy_a_device_is_there_to_take_over(tmp_path: Path):
    model = tmp_path / "model.pt"
    model.touch()
    assert "no device can take the arm over: there is no display" in " ".join(
        lines("policy", {}, model_file=str(model))
    )


def test_an_interactive_session_has_its_own_folder(tmp_path: Path):
    assert f"episodes go to {tmp_path}/interactive" in lines("interactive_collect", SCREEN, root_dir=str(tmp_path))


def test_automatic_episodes_are_announced_and_no_service_is_asked_for():
    told = lines("collect", {}, teleop="expert", episodes="5")
    assert "5 episodes run by themselves, then everything ends" in told
    assert not [line for line in told if "service" in line]


def test_the_simulator_alone_records_nothing():
    assert lines("sim", SCREEN) == []
