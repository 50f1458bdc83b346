"""Polymetis' servers run libtorch 1.13.1: what is sent there loads in it, runs, and gives what it gives here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from running_controller import POSE

from muse_ros.polymetis.controller_limits import FIRM_DAMPING, FIRM_STIFFNESS
from muse_ros.polymetis.controllers import gravity_compensation, joint_impedance
from muse_ros.polymetis.set_points import SetPointArchive, sign_of_life

SCRIPT = Path(__file__).resolve().parents[2] / "support" / "libtorch_1_13.py"
SYSTEM_PYTHON = "/usr/bin/python3"
LONGEST_S = 120.0


@pytest.fixture(scope="module")
def old_python() -> str:
    probe = [SYSTEM_PYTHON, "-I", "-c", "import torch; print(torch.__version__)"]
    try:
        found = subprocess.run(probe, capture_output=True, text=True, timeout=LONGEST_S)
    except OSError:
        found = None
    if found is None or not found.stdout.startswith("1.13."):
        version = (found.stdout.strip() if found else "") or "no torch"
        pytest.skip(
            f"{SYSTEM_PYTHON} has {version}; torch 1.13 is Debian 12's: "
            "apt-get install --no-install-recommends python3-torch"
        )
    return SYSTEM_PYTHON


def write_cycles(folder: Path, controller: bytes, sign_at: int | None = None) -> None:
    """An arm swung for 2 s at 50 set-points a second, with a refused one, a lost state and a pause at the end."""
    folder.joinpath("controller.pt").write_bytes(controller)
    folder.joinpath("sign.pt").write_bytes(sign_of_life())
    packed = SetPointArchive()
    cycles = []
    for n in range(2000):
        late = 1e-3 * max(n - 15, 0)
        cycle = {
            "timestamp": divmod(1_700_000_000_000_000_000 + n * 1_000_000, 1_000_000_000),
            "q": (POSE + 0.1 * (1.0 - np.cos(3.0 * late))).tolist(),
            "velocity": (0.3 * np.sin(3.0 * late) * np.ones(7)).tolist(),
        }
        if n == 700:
            cycle["q"] = [float("nan")] * 7
        if n % 20 == 0 and 0 < n < 1900:
            ahead = 1e-3 * n + 0.02
            wanted = POSE + 0.1 * (1.0 - np.cos(3.0 * ahead)) + (0.5 if n == 1000 else 0.0)
            velocity = 0.3 * np.sin(3.0 * ahead) * np.ones(7)
            folder.joinpath(f"{n}.pt").write_bytes(packed.pack(wanted, velocity, 0.02, n))
            cycle["update"] = f"{n}.pt"
        if n == sign_at:
            cycle["update"] = "sign.pt"
        cycles.append(cycle)
    folder.joinpath("cycles.json").write_text(json.dumps(cycles))


def run(python: str, folder: Path) -> dict:
    done = subprocess.run([python, "-I", str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=LONGEST_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("controller", "sign_at"),
    [(joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING), None), (gravity_compensation(), 1010)],
    ids=["joint_impedance", "gravity_compensation"],
)
def test_libtorch_1_13_gives_the_torques_that_ours_gives(old_python, tmp_path, controller, sign_at):
    write_cycles(tmp_path, controller, sign_at)
    old, new = run(old_python, tmp_path), run(sys.executable, tmp_path)
    assert old["version"] != new["version"]
    assert np.array(old["torques"]) == pytest.approx(np.array(new["torques"]), abs=1e-5)
    assert np.abs(np.diff(old["torques"], axis=0)).max() < 1.0 + 1e-5
    assert old["terminated"] is False


def test_libtorch_1_13_refuses_with_our_words(old_python, tmp_path):
    write_cycles(tmp_path, joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING))
    refused = run(old_python, tmp_path)["refused"]
    assert len(refused) == 1
    assert "set-point: joint 1 wanted at" in refused[0]
    assert "begin again from where the arm is" in refused[0]
