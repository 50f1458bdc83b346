from __future__ import annotations

import re
from pathlib import Path

import pytest

from muse_ros.calibration.calibrate_cli import main
from muse_ros.calibration.from_bag import state_stream
from muse_ros.calibration.latency import CalibrationError
from muse_ros.contract.contract import contract_path, load_contract


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A lab's own contract file."""
    path = tmp_path / "mine.yaml"
    path.write_text(contract_path("panda_sim").read_text())
    return path


def test_a_bag_with_two_late_cameras_mends_the_contract_and_draws(swayed_bag, mine, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    before = mine.read_text()
    bag = swayed_bag(front=0.043, wrist=0.012)
    assert main(["latency", "--contract", str(mine), "--bag", str(bag), "--out_dir", str(tmp_path / "out")]) == 0
    observations = load_contract(mine).observations
    assert observations["image"].latency_s == pytest.approx(0.043, abs=0.005)
    assert observations["ego_image"].latency_s == pytest.approx(0.012, abs=0.005)
    assert observations["q"].latency_s == 0.0
    after = mine.read_text()
    assert [line for line in after.splitlines() if "latency_s: 0.0" not in line] == before.splitlines()
    assert after.count("by muse calibrate latency, +- ") == 2
    assert (tmp_path / "out/bag.png").read_bytes().startswith(b"\x89PNG")
    out = capsys.readouterr().out
    assert re.search(r"cameras/front/image/compressed +image +4[0-9]\.\d +0\.\d +9\d % +\d{3} +0\.0", out)
    assert "settle_s: 0.05 in the contract mends it" in out  # 43 ms and 3 ms on the way, rounded up to 5 ms


def test_a_contract_by_name_and_a_dry_run_write_nothing(swayed_bag, mine, tmp_path, capsys):
    bag, before = swayed_bag(front=0.02), mine.read_text()
    where = ["--bag", str(bag), "--out_dir", str(tmp_path)]
    assert main(["latency", "--contract", str(mine), "--dry-run", *where]) == 0
    assert main(["latency", "--contract", "panda_sim", *where]) == 0
    assert "--output mine.yaml" in capsys.readouterr().out
    assert mine.read_text() == contract_path("panda_sim").read_text() == before
    assert main(["latency", "--contract", "panda_sim", "--output", str(tmp_path / "new.yaml"), *where]) == 0
    assert load_contract(tmp_path / "new.yaml").observations["image"].latency_s == pytest.approx(0.02, abs=0.005)


def test_without_a_contract_the_bags_own_is_read_and_nothing_written(swayed_bag, tmp_path, capsys):
    plain, own = swayed_bag("plain", front=0.043), swayed_bag("own", load_contract("panda_sim"), front=0.043)
    assert main(["latency", "--bag", str(plain), "--out_dir", str(tmp_path)]) == 1
    assert "names no contract" in capsys.readouterr().err
    assert main(["latency", "--bag", str(own), "--out_dir", str(tmp_path)]) == 0
    assert "--contract mine.yaml says into which" in capsys.readouterr().out


def test_what_no_graph_can_start_is_said_before_any_arm_moves(tmp_path, capsys):
    for words, said in (
        (["--robot", "polymetis"], "robot_ip"),
        (["task:=fly"], "task:=fly"),
        (["--contract", "nowhere.yaml"], "nowhere.yaml"),
        (["--state", "image"], "--state image"),
    ):
        assert main(["latency", "--out_dir", str(tmp_path), *words]) == 1
        assert said in capsys.readouterr().err


def test_a_state_that_the_contract_knows_to_be_late_is_put_right_first(swayed_bag, mine, tmp_path):
    mine.write_text(
        mine.read_text().replace(
            "    shape: [7]\n    unit: rad\n", "    shape: [7]\n    unit: rad\n    latency_s: 0.03\n"
        )
    )
    where = ["--bag", str(swayed_bag(front=0.02, wrist=0.02)), "--out_dir", str(tmp_path)]
    assert main(["latency", "--contract", str(mine), *where]) == 0
    assert load_contract(mine).observations["image"].latency_s == pytest.approx(0.05, abs=0.005)


def test_one_camera_without_a_delay_does_not_hide_the_other(swayed_bag, mine, tmp_path, capsys):
    mine.write_text(mine.read_text().replace("cameras/wrist/", "cameras/elsewhere/"))
    bag = swayed_bag(front=0.043)
    assert main(["latency", "--contract", str(mine), "--bag", str(bag), "--out_dir", str(tmp_path)]) == 1
    assert "holds no /cameras/elsewhere/image/compressed" in capsys.readouterr().out
    assert load_contract(mine).observations["image"].latency_s == pytest.approx(0.043, abs=0.005)
    assert load_contract(mine).observations["ego_image"].latency_s == 0.0


def test_a_robot_in_a_namespace_is_found_there(swayed_bag, mine, tmp_path):
    bag = swayed_bag(namespace="/left", front=0.043)
    where = ["--bag", str(bag), "--out_dir", str(tmp_path)]
    assert main(["latency", "--contract", str(mine), *where]) == 1
    assert main(["latency", "--contract", str(mine), "--namespace", "left", *where]) == 0


def test_the_state_is_the_joints_and_not_the_hand():
    contract = load_contract("panda_sim")
    assert state_stream(contract).key == "q"
    assert state_stream(contract, "ee_position").key == "ee_position"
    with pytest.raises(CalibrationError, match="ee_position"):
        state_stream(contract, "image")


def test_the_command_line_says_what_it_does_not_understand(capsys):
    for words in (["latency", "--fast"], ["latency", "--bag", "x", "task:=lift"], ["intrinsics"]):
        with pytest.raises(SystemExit) as error:
            main(words)
        assert error.value.code == 2
    assert main(["latency", "--bag", "nowhere"]) == 1
    assert "nowhere" in capsys.readouterr().err
