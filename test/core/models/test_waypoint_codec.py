"""Waypoints as vectors and back."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from muse_core.datasets.statistics import Statistics  # noqa: E402
from muse_core.geometry import quaternion_from_euler  # noqa: E402
from muse_core.models.waypoint_codec import WaypointCodec  # noqa: E402
from muse_core.waypoints import Pose  # noqa: E402

HALF = np.sqrt(0.5)


def statistics(low: float = -9.0, high: float = 9.0) -> dict[str, Statistics]:
    spread = Statistics(9, np.array([0.5, 0, 0.1]), np.array([0.1, 0.2, 0.4]), np.full(3, low), np.full(3, high))
    return {"target/ee_position": spread, "target/gripper": Statistics(9, *(np.array([x]) for x in (0.5, 0.5, 0, 1)))}


def codec(relative: bool, **limits: float) -> WaypointCodec:
    return WaypointCodec("ee_position", 3, "ee_orientation", relative=relative, statistics=statistics(**limits))


def batch(rows: int = 6) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(0)
    arrays = {
        "ee_position": rng.normal(size=(1, rows, 3)),
        "ee_orientation": quaternion_from_euler(rng.uniform(-3, 3, (1, rows, 3))),
        "target/ee_position": rng.normal(size=(1, rows, 3)),
        "target/ee_orientation": quaternion_from_euler(rng.uniform(-3, 3, (1, rows, 3))),
        "target/gripper": rng.uniform(size=(1, rows, 1)),
    }
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}


@pytest.mark.parametrize("relative", [False, True])
def test_a_waypoint_survives_the_way_through_its_vector(relative):
    made, data = codec(relative), batch()
    pose = Pose(data["ee_position"][0].numpy(), data["ee_orientation"][0].numpy())
    target, gripper = made.decode(made.encode(data)[0], pose)
    np.testing.assert_allclose(target.position, data["target/ee_position"][0], atol=1e-5)
    np.testing.assert_allclose(
        np.abs((target.quaternion * data["target/ee_orientation"][0].numpy()).sum(-1)), 1, atol=1e-5
    )
    np.testing.assert_allclose(gripper, data["target/gripper"][0], atol=1e-6)


def test_absolute_vectors_are_normalised_poses():
    data = {name: values[:, :1] for name, values in batch().items()}
    data["target/ee_position"] = torch.tensor([[[0.6, 0.1, 0.1]]])
    data["target/ee_orientation"] = torch.tensor([[[0.0, 0.0, HALF, HALF]]])  # a quarter turn about z
    data["target/gripper"] = torch.tensor([[[1.0]]])
    # (0.6 - 0.5) / 0.1, 0.1 / 0.2, 0; x goes to y, y to -x; (1 - 0.5) / 0.5
    want = [1, 0.5, 0, 0, 1, 0, -1, 0, 0, 1]
    np.testing.assert_allclose(codec(False).encode(data)[0, 0], want, atol=1e-6)


def test_relative_vectors_of_a_tool_that_is_there_say_so():
    data = batch(1)
    data["target/ee_position"], data["target/ee_orientation"] = data["ee_position"], -data["ee_orientation"]
    np.testing.assert_allclose(codec(True).encode(data)[0, 0, :9], [0, 0, 0, 1, 0, 0, 0, 1, 0], atol=1e-6)


@pytest.mark.parametrize("relative", [False, True])
def test_no_waypoint_lies_further_out_than_the_demonstrated_ones(relative):
    made = codec(relative, low=-0.2, high=0.3)
    pose = Pose(np.zeros((1, 3)), np.array([[0.0, 0, 0, 1]]))
    target, gripper = made.decode(torch.full((1, made.size), 100.0), pose)
    np.testing.assert_allclose(target.position, [[0.3, 0.3, 0.3]], atol=1e-6)
    assert gripper.tolist() == [[1.0]]


def test_a_point_without_gripper_is_its_position_alone():
    made = WaypointCodec("position", 2, gripper=False)
    target, gripper = made.decode(torch.tensor([[1.0, 2.0]]), Pose(np.zeros((1, 2))))
    assert (made.size, target.position.tolist(), target.quaternion, gripper.shape) == (2, [[1, 2]], None, (1, 0))
