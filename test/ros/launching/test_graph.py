"""The one description of the graph: arguments, and the nodes that follow from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from muse_ros.launching.arguments import Argument, GraphError
from muse_ros.launching.graph import GRAPHS, build, parse

SCREEN = {"DISPLAY": ":0"}


def nodes(graph: str, environment: dict | None = None, **texts: str) -> dict:
    """The nodes of a graph, by name; on a machine with a screen unless told otherwise."""
    return {spec.name: spec for spec in build(graph, texts, SCREEN if environment is None else environment)}


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "model.pt"
    path.touch()
    return str(path)


def test_no_episode_starts_before_the_actions_it_is_about_can_come(model: str):
    assert nodes("collect", teleop="expert")["collect"].parameters["source"] == "action/teleop"
    assert nodes("collect", teleop="none")["collect"].parameters["source"] == ""
    acting = nodes("policy", model_file=model)
    assert acting["collect"].parameters["source"] == "action/policy"
    shadow = nodes("policy", model_file=model, execute="false")
    assert shadow["collect"].parameters["source"] == "policy/shadow_action"


def test_collecting_runs_the_arm_a_device_and_the_recorder():
    assert list(nodes("collect", teleop="expert")) == ["panda", "teleop", "collect"]


def test_a_decision_is_followed_by_what_the_robot_can_do_unless_told_otherwise():
    assert nodes("collect")["collect"].parameters["reset"] == "sim"
    assert nodes("collect", robot="none")["collect"].parameters["reset"] == "none"
    assert nodes("collect", reset="home")["collect"].parameters["reset"] == "home"


def test_leading_the_arm_needs_no_recorder():
    assert list(nodes("teleop")) == ["panda", "teleop"]


def test_where_a_screen_is_the_keyboard_leads_by_its_window():
    assert nodes("collect")["teleop"].parameters["device"] == "keyboard"
    assert nodes("collect")["collect"].parameters["source"] == "action/teleop"


def test_a_device_that_died_comes_back_beside_what_runs_with_what_it_was_started_with():
    screen = {"DISPLAY": ":0"}
    plain = {node.name: node for node in build("collect", {}, screen)}
    assert plain["teleop"].again == "muse up teleop robot:=none"
    texts = {"teleop": "gamepad", "namespace": "left", "clock": "true"}
    again = {node.name: node for node in build("collect", texts, screen)}["teleop"].again
    assert again == "muse up teleop robot:=none teleop:=gamepad namespace:=left use_sim_time:=true"
    assert [node.name for node in build("teleop", dict(word.split(":=") for word in again.split()[3:]), screen)] == [
        "teleop"
    ]


@pytest.mark.parametrize(("environment", "texts"), [({}, {}), (SCREEN, {"window": "false"})])
def test_without_a_window_there_is_no_keyboard_and_no_episode_waits_for_one(environment: dict, texts: dict):
    found = nodes("collect", environment, **texts)
    assert list(found) == ["panda", "collect"]
    assert found["collect"].parameters["source"] == ""


def test_a_device_that_was_named_is_started_without_a_screen_too():
    assert nodes("collect", {}, teleop="gamepad")["teleop"].parameters["device"] == "gamepad"


def test_a_mapping_is_a_name_or_a_file_that_is_there(tmp_path):
    assert nodes("teleop", teleop="joy", mapping="spacenav")["teleop"].parameters["mapping"] == "spacenav"
    file = tmp_path / "mine.yaml"
    file.write_text("")
    assert nodes("teleop", teleop="joy", mapping=str(file))["teleop"].parameters["mapping"] == str(file)
    with pytest.raises(GraphError, match=r"mapping:=other\.yaml: there is no such file"):
        nodes("teleop", teleop="joy", mapping="other.yaml")


@pytest.mark.parametrize(
    ("teleop", "mapping", "said"),
    [("gamepad", "gampad", "there are buttons, gamepad"), ("keyboard", "gamepad", "no axes or buttons to map")],
)
def test_a_mapping_that_would_do_nothing_is_refused_before_anything_starts(teleop: str, mapping: str, said: str):
    with pytest.raises(GraphError, match=said):
        build("collect", {"teleop": teleop, "mapping": mapping}, {"DISPLAY": ":0"})


def test_without_a_device_the_teleop_node_only_shows_the_window():
    shown = nodes("collect", teleop="none")
    assert (shown["teleop"].parameters["device"], shown["collect"].parameters["source"]) == ("none", "")
    assert "teleop" not in nodes("collect", {}, teleop="none")
    assert "teleop" not in nodes("collect", teleop="none", window="false")
    assert "teleop" in nodes("collect", {}, teleop="none", window="true")


def test_what_the_window_should_be_is_the_nodes_to_decide():
    assert nodes("teleop", window="auto", teleop="expert")["teleop"].parameters["window"] == "auto"


def test_beside_a_played_bag_no_arm_is_driven_and_nothing_recorded(model: str):
    found = nodes("policy", {}, model_file=model, robot="none", record="false", use_sim_time="true", execute="false")
    assert list(found) == ["policy"]
    assert found["policy"].parameters["use_sim_time"] is True


def test_a_graph_without_any_node_is_refused():
    with pytest.raises(GraphError, match="starts no node"):
        nodes("sim", robot="none")


def test_there_is_one_clock():
    with pytest.raises(GraphError, match="choose one"):
        nodes("collect", clock="true", use_sim_time="true")
    with pytest.raises(GraphError, match="robot:=sim, which makes the time"):
        nodes("collect", clock="true", robot="none")


def test_all_nodes_can_live_by_a_clock_from_elsewhere():
    assert all(spec.parameters["use_sim_time"] for spec in nodes("collect", use_sim_time="true").values())


def test_the_contract_is_the_robots_unless_one_is_named():
    assert nodes("collect")["collect"].parameters["contract"] == "panda_sim"
    assert nodes("collect", robot="none")["collect"].parameters["contract"] == "panda"
    assert nodes("collect", robot="ros2_control")["collect"].parameters["contract"] == "panda"
    assert nodes("collect", contract="mine.yaml")["collect"].parameters["contract"] == "mine.yaml"


def test_a_policy_lives_by_its_checkpoints_contract_unless_one_is_named(model: str):
    assert "contract" not in nodes("policy", model_file=model)["policy"].parameters
    named = nodes("policy", model_file=model, contract="panda_sim")
    assert [named[name].parameters["contract"] for name in ("policy", "collect")] == ["panda_sim", "panda_sim"]


def test_lifecycle_nodes_can_wait_for_transitions(model: str, tmp_path: Path):
    cameras = tmp_path / "cameras.yaml"
    cameras.write_text("cameras:\n  front: {source: a.mp4}\n")
    waiting = nodes("policy", model_file=model, autostart="false", cameras=str(cameras))
    for name in ("panda", "policy", "camera_front"):
        assert waiting[name].parameters["autostart"] is False, name


@pytest.mark.parametrize(
    ("texts", "reset"),
    [
        ({}, "sim"),
        ({"robot": "none"}, "none"),
        ({"robot": "ros2_control"}, "home"),
        ({"reset": "home"}, "home"),
        ({"reset": "none"}, "none"),
    ],
)
def test_after_a_decision_the_robot_is_made_ready_in_its_own_way(texts: dict, reset: str):
    assert nodes("collect", **texts)["collect"].parameters["reset"] == reset


def test_each_camera_of_a_file_gets_a_node_whose_loss_ends_nothing(tmp_path: Path):
    cameras = tmp_path / "cameras.yaml"
    cameras.write_text("cameras:\n  front: {source: /dev/video0, width: 640, height: 480}\n  wrist: {source: a.mp4}\n")
    found = nodes("collect", {}, cameras=str(cameras), namespace="left")
    assert list(found) == ["panda", "camera_front", "camera_wrist", "collect"]
    assert found["panda"].parameters["publish_cameras"] is False
    assert nodes("collect", {})["panda"].parameters["publish_cameras"] is True
    front, wrist = found["camera_front"], found["camera_wrist"]
    assert (front.program, front.full_name, front.required) == ("camera", "/left/camera_front", False)
    assert front.parameters["width"] == 640
    assert wrist.parameters["source"] == str(tmp_path / "a.mp4")


def test_the_window_shows_the_cameras_of_the_file(tmp_path: Path):
    cameras = tmp_path / "cameras.yaml"
    cameras.write_text("cameras:\n  left: {source: a.mp4}\n  right: {source: b.mp4}\n")
    found = nodes("collect", {"DISPLAY": ":0"}, cameras=str(cameras))
    assert found["teleop"].parameters["cameras"] == ["left", "right"]
    assert "cameras" not in nodes("collect", {"DISPLAY": ":0"})["teleop"].parameters, "its own file names the robot's"


def test_a_file_of_cameras_that_makes_no_sense_is_refused_by_name(tmp_path: Path):
    cameras = tmp_path / "cameras.yaml"
    cameras.write_text("cameras: {}\n")
    with pytest.raises(GraphError, match=r"cameras:=.*names no camera"):
        nodes("sim", cameras=str(cameras))


def test_the_arm_stops_after_all_that_lead_it():
    assert {name: spec.stops_last for name, spec in nodes("collect").items()} == {
        "panda": True,
        "teleop": False,
        "collect": False,
    }


def test_the_simulator_can_be_started_alone():
    assert list(nodes("sim")) == ["panda"]


def test_a_policy_runs_with_the_arm_a_device_that_can_take_over_and_the_recorder(model: str):
    specs = nodes("policy", model_file=model)
    assert list(specs) == ["panda", "teleop", "collect", "policy"]
    assert specs["policy"].parameters["model_file"] == model
    assert [name for name, spec in specs.items() if spec.required] == ["panda", "collect", "policy"]


def test_a_goal_is_a_file_or_the_folder_of_an_episode(model: str, tmp_path: Path):
    assert "goal_file" not in nodes("policy", model_file=model)["policy"].parameters
    found = nodes("policy", model_file=model, goal_file=str(tmp_path))["policy"].parameters
    assert found["goal_file"] == str(tmp_path)
    with pytest.raises(GraphError, match="there is no such file"):
        nodes("policy", model_file=model, goal_file=str(tmp_path / "nowhere"))


def test_a_policy_without_a_checkpoint_is_refused():
    with pytest.raises(GraphError, match="model_file:=PATH"):
        build("policy", {})


@pytest.mark.parametrize(("graph", "name"), [("policy", "model_file"), ("sim", "params_file")])
def test_a_file_that_does_not_exist_is_refused_by_name(graph: str, name: str):
    with pytest.raises(GraphError, match=rf"{name}:=nowhere\.x: there is no such file"):
        build(graph, {name: "nowhere.x"})


def test_the_arm_and_the_recorder_are_required_and_a_device_is_not():
    required = {name: spec.required for name, spec in nodes("collect").items()}
    assert required == {"panda": True, "teleop": False, "collect": True}


def test_automatic_episodes_end_the_run_and_services_do_not():
    assert nodes("collect", episodes="5")["collect"].finishes
    assert nodes("collect", episodes="5")["collect"].parameters["auto_episodes"] == 5
    assert not nodes("collect")["collect"].finishes
    assert nodes("collect")["collect"].parameters["auto_exit"] is False


def test_simulated_time_is_used_by_all_nodes_but_the_one_that_makes_it():
    used = {name: spec.parameters["use_sim_time"] for name, spec in nodes("collect", clock="true").items()}
    assert used == {"panda": False, "teleop": True, "collect": True}
    assert nodes("collect", clock="true")["panda"].parameters["clock"] is True
    assert nodes("collect")["teleop"].parameters["use_sim_time"] is False


@pytest.mark.parametrize(
    ("texts", "lockstep"),
    [
        ({}, False),
        ({"clock": "true"}, True),
        ({"clock": "true", "lockstep": "false"}, False),
        ({"lockstep": "true"}, False),
    ],
)
def test_lockstep_is_of_the_clock_and_can_be_declined(texts: dict, lockstep: bool):
    assert nodes("collect", **texts)["panda"].parameters["lockstep"] is lockstep


def test_every_argument_of_the_simulator_reaches_it():
    given = {"task": "place", "seed": "7", "wide": "true"}
    found = nodes("sim", **given)["panda"].parameters
    assert {name: found[name] for name in given} == {"task": "place", "seed": 7, "wide": True}


def test_a_users_parameters_are_laid_over_muses_own(tmp_path: Path):
    mine = tmp_path / "mine.yaml"
    mine.touch()
    files = nodes("sim", params_file=str(mine))["panda"].parameter_files
    assert [path.name for path in files] == ["panda.yaml", "mine.yaml"]


def test_folders_are_absolute_since_nodes_may_run_elsewhere():
    assert Path(str(nodes("collect", root_dir="here")["collect"].parameters["root_dir"])) == Path.cwd() / "here"


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        (0, "12", 12),
        (1.0, "3", 3.0),
        (1.0, "1e-3", 0.001),
        (False, "True", True),
        (True, "false", False),
        ("", "007", "007"),
    ],
)
def test_a_text_becomes_a_value_of_the_defaults_type(default: object, text: str, value: object):
    parsed = Argument("x", default, "").parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("default", "text", "wanted"),
    [(0, "1.5", "a whole number"), (1.0, "fast", "a number"), (False, "yes", "true or false")],
)
def test_a_text_of_the_wrong_type_is_refused_with_what_is_wanted(default: object, text: str, wanted: str):
    with pytest.raises(GraphError, match=f"x:={text}: must be {wanted}"):
        Argument("x", default, "").parse(text)


def test_a_value_that_is_no_choice_is_refused_with_the_choices():
    with pytest.raises(GraphError, match="task:=juggle: must be one of reach, lift, place, coffee"):
        parse("collect", {"task": "juggle"})


def test_an_unknown_argument_is_refused_with_the_nearest_one():
    with pytest.raises(GraphError, match=r"collect has no argument 'episode'; did you mean 'episodes'\?"):
        parse("collect", {"episode": "5"})


def test_an_unknown_graph_is_refused_with_the_ones_there_are():
    with pytest.raises(GraphError, match="no graph 'xyz'; there are: sim, teleop, collect"):
        build("xyz", {})


def test_every_argument_is_described_and_its_default_is_legal():
    for graph in GRAPHS.values():
        for argument in graph.arguments:
            assert argument.description
            assert argument.parse(argument.default_text) == argument.default


def test_a_replay_moves_the_arm_without_an_episode_and_ends_the_graph_with_itself(tmp_path):
    found = nodes("replay", {}, path=str(tmp_path), clock="true")
    assert list(found) == ["panda", "replay"]
    assert found["panda"].parameters["execute_always"] is True
    assert found["panda"].parameters["lockstep"] is False
    assert found["replay"].required and found["replay"].finishes


def test_a_replay_can_be_recorded_and_can_stand_beside_an_arm_that_runs(tmp_path):
    recorded = nodes("replay", {}, path=str(tmp_path), record="true")
    assert recorded["collect"].parameters["source"] == "action/replay"
    assert list(nodes("replay", {}, path=str(tmp_path), robot="none", teleop="none", record="true")) == ["replay"]
    with pytest.raises(GraphError, match="replay needs path:=EPISODE"):
        nodes("replay")


def test_interactive_collect_runs_a_policy_only_where_one_is_named_and_names_its_files_after_the_session():
    person = {spec.name: spec for spec in build("interactive_collect", {}, {})}
    assert list(person) == ["panda", "collect", "interactive_collect"]
    books = person["interactive_collect"]
    assert books.required and books.finishes
    assert books.parameters["save_file"] == str(Path("data/interactive.npz").absolute())
    assert person["collect"].parameters["session"] == books.parameters["session"] == "interactive"
    chance = {spec.name: spec for spec in build("interactive_collect", {"model_file": "random", "session": "s"}, {})}
    assert chance["policy"].parameters["contract"] == "panda_sim"
    assert chance["collect"].parameters["source"] == "action/policy"
    assert chance["interactive_collect"].parameters["dataset"] == str(Path("data/s").absolute())


def test_a_calibration_moves_the_arm_without_an_episode_and_ends_the_graph_with_itself(tmp_path):
    found = nodes("calibrate", {}, bag=str(tmp_path / "bag"))
    assert list(found) == ["panda", "calibrate"]
    assert found["panda"].parameters["execute_always"]
    assert found["calibrate"].required and found["calibrate"].finishes
    assert found["calibrate"].parameters["contract"] == "panda_sim"
    assert list(nodes("calibrate", {}, bag=str(tmp_path / "bag"), robot="none", teleop="none")) == ["calibrate"]
    with pytest.raises(GraphError, match="calibrate needs bag:=FOLDER"):
        nodes("calibrate")
