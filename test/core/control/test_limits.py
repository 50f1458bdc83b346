"""Limits are complete, possible, and the same in the file that users copy as in the library."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import yaml

from muse_core.control.limits import Limit, LimitError, Limits, default_limits

ROOT = Path(__file__).parents[3]
FILE = ROOT / "config" / "robot" / "limits.yaml"


@pytest.mark.parametrize("arm_id", ["panda", "fr3"])
def test_the_file_holds_the_default_limits(arm_id):
    from_file, built_in = Limits.load(FILE, arm_id), default_limits(arm_id)
    for field in fields(Limits):
        np.testing.assert_array_equal(getattr(from_file, field.name), getattr(built_in, field.name), field.name)


def test_behind_a_polymetis_server_the_arm_stays_where_its_client_neither_stops_nor_pushes_it():
    ours, shipped = Limits.load(FILE.with_name("limits_polymetis.yaml")), default_limits()
    for field in fields(Limits):
        if field.name.startswith("joint_position_") or field.name.endswith("_max"):
            np.testing.assert_array_equal(getattr(ours, field.name), getattr(shipped, field.name), field.name)
    # franka_hardware.yaml of Polymetis: stops at these, pushes from 0.05 m, 0.2 rad and 0.5 rad/s before
    assert (ours.workspace_lower >= np.array([0.1, -0.4, -0.05]) + 0.05).all()
    assert (ours.workspace_upper <= np.array([1.0, 0.4, 1.0]) - 0.05).all()
    lower, upper = [-2.8, -1.66, -2.8, -2.97, -2.8, 0.08, -2.8], [2.8, 1.66, 2.8, -0.17, 2.8, 3.65, 2.8]
    assert (ours.q_lower >= np.array(lower) + 0.197).all() and (ours.q_upper <= np.array(upper) - 0.197).all()
    assert (ours.joint_velocity <= np.array([2.075] * 4 + [2.51] * 3) - 0.5).all()


@pytest.mark.parametrize("name", [field.name for field in fields(Limits) if field.name != "arm_id"])
def test_a_missing_limit_is_an_error_that_names_it(name, tmp_path):
    data = yaml.safe_load(FILE.read_text())
    del data["panda"][name]
    path = tmp_path / "limits.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(LimitError, match=f"{path}: panda: missing: {name};"):
        Limits.load(path)


@pytest.mark.parametrize(
    "change, named",
    [
        ({"linear_sped": 1.0}, "linear_sped"),
        ({"linear_speed": 0.0}, "linear_speed must be > 0"),
        ({"velocity_scale": 1.5}, "velocity_scale must be at most 1"),
        ({"jerk_scale": 0.0}, "jerk_scale must be > 0"),
        ({"singularity_stop": 0.02}, "singularity_stop must lie below singularity_slow"),
        ({"joint_margin": 2.0}, "joint_margin"),
        ({"workspace_lower": [0.9, -0.5, 0.0]}, "workspace_lower"),
        ({"joint_velocity_max": [1.0] * 6}, "joint_velocity_max must hold 7"),
        ({"joint_torque_max": [np.nan] * 7}, "joint_torque_max must hold 7 finite"),
        ({"step_linear": "far"}, "far"),
        ({"gripper_max_width": 2.0}, "gripper_max_width"),
    ],
)
def test_an_impossible_limit_is_refused_by_name(change, named):
    data = yaml.safe_load(FILE.read_text())["panda"]
    with pytest.raises(LimitError, match=named):
        Limits.from_dict("panda", {**data, **change})


def test_an_unknown_arm_is_refused_with_the_known_ones():
    with pytest.raises(LimitError, match="panda, fr3"):
        default_limits("ur5")
    with pytest.raises(LimitError, match="panda, fr3"):
        Limits.load(FILE, "ur5")


def test_the_bits_are_those_of_the_message():
    text = (ROOT / "msg" / "AppliedAction.msg").read_text()
    constants = [line.split()[1] for line in text.splitlines() if line.startswith("uint32 ") and "=" in line.split()[1]]
    in_message = dict(constant.split("=") for constant in constants)
    assert {name: int(value) for name, value in in_message.items()} == {
        name: int(bit) for name, bit in Limit.__members__.items()
    }
