"""The whole of ``muse calibrate latency``: the simulated arm sways, over DDS, and what was planted is found."""

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")

from muse_ros.contract.contract import contract_path, load_contract

PLANTED_S = 0.063
PARAMETERS = """
/**/panda:
  ros__parameters:
    camera_latency_s: 0.063
/**/calibrate:
  ros__parameters:
    patience_s: 60.0
"""


@pytest.fixture
def lab(tmp_path):
    """A folder with the contract and the parameters of a lab whose cameras are late."""
    (tmp_path / "mine.yaml").write_text(contract_path("panda_sim").read_text())
    (tmp_path / "late.yaml").write_text(PARAMETERS)
    return tmp_path


def calibrate(muse, lab, *arguments):
    return muse(
        "calibrate", "latency", "--contract", str(lab / "mine.yaml"), "--out_dir", str(lab / "out"), *arguments,
        f"params_file:={lab / 'late.yaml'}",
    )  # fmt: skip


def test_the_simulated_arm_recovers_a_planted_delay_to_five_milliseconds(muse, lab):
    done = calibrate(muse, lab, "--duration", "10", "window:=false")
    assert done.returncode == 0, done.stdout + done.stderr
    observations = load_contract(lab / "mine.yaml").observations
    assert observations["image"].latency_s == pytest.approx(PLANTED_S, abs=0.005)
    assert observations["ego_image"].latency_s == pytest.approx(PLANTED_S, abs=0.005)
    assert "the tool ends" in done.stdout and "settle_s" in done.stdout
    (bag,) = (path for path in (lab / "out").iterdir() if path.is_dir())
    (lab / "mine.yaml").write_text(contract_path("panda_sim").read_text())
    again = muse("calibrate", "latency", "--contract", str(lab / "mine.yaml"), "--bag", str(bag), "--dry-run")
    assert again.returncode == 0 and again.stdout.splitlines()[:3] == done.stdout.splitlines()[-6:-3]


def test_without_an_arm_nothing_is_written_and_the_silent_topics_are_named(muse, lab):
    before = (lab / "mine.yaml").read_text()
    (lab / "late.yaml").write_text(PARAMETERS.replace("60.0", "3.0"))
    done = calibrate(muse, lab, "--attach", "teleop:=none")
    assert done.returncode == 1
    assert "nothing comes on panda/joint_states, panda/applied_action" in done.stdout
    assert (lab / "mine.yaml").read_text() == before
    assert not (lab / "out").exists()


def test_an_arm_that_nobody_lets_it_move_is_left_alone(muse, lab):
    patient = PARAMETERS.replace("60.0", "10.0")  # enough for the arm to be found
    (lab / "late.yaml").write_text(patient.replace("camera_latency_s: 0.063", "require_enable: true"))
    done = calibrate(muse, lab, "window:=false")
    assert done.returncode == 1
    assert "the arm cannot be moved: nobody lets a replay move it" in done.stdout
