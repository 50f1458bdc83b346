"""HYDRA: the checks of every model, its losses by hand, and waypoints that are held until they are reached."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conformance.models import SPEC, ModelConformance

from muse_core.configs import ConfigError, HydraConfig, TrainConfig
from muse_core.spec import ArraySpec, Spec

torch = pytest.importorskip("torch")

from muse_core.models import build_model  # noqa: E402
from muse_core.models.model import weighted_loss  # noqa: E402

LABELS = {
    "mode": ArraySpec((1,), "uint8", role="action"),
    "target/ee_position": ArraySpec((3,), unit="m", role="action"),
    "target/ee_orientation": ArraySpec((4,), unit="quaternion xyzw", role="action"),
    "target/gripper": ArraySpec((1,), low=0.0, high=1.0, role="action"),
}
SMALL = {"hidden_size": 32, "layers": 1, "waypoint_sizes": (32,), "mode_sizes": (16,)}


class TestHydra(ModelConformance):
    spec = Spec({**SPEC, **LABELS})
    always = 1

    def config(self, **changes):
        return TrainConfig(horizon=4, model=HydraConfig(**SMALL), **changes)

    def rows(self, count, seed):
        rows = super().rows(count, seed)
        rows["target/ee_orientation"] /= np.linalg.norm(rows["target/ee_orientation"], axis=-1, keepdims=True)
        rows["mode"][:] = self.always
        return rows


class TestHydraThatGoesToWaypoints(TestHydra):
    always = 0

    def config(self, **changes):
        return TrainConfig(horizon=4, model=HydraConfig(**SMALL, waypoint="relative", memory="flush"), **changes)

    def model(self, config, *, training=False):
        model = super().model(config, training=training)
        with torch.no_grad():
            model.mode[-1].bias += torch.tensor([5.0, 0.0])
        return model

    def test_it_learns_six_windows_by_heart_and_acts_so(self):
        config, model, batch = self.config(), self.model(self.config(), training=True), self.batch(self.config(), 6)
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        for _ in range(self.learning_steps):
            optimizer.zero_grad()
            weighted_loss(model.loss(batch)).backward()
            optimizer.step()
        memory = model.eval().start(6)
        with torch.inference_mode():
            model.observe(self.observations(config, batch, 0), memory)
        error = np.abs(memory.target.position - batch["target/ee_position"][:, 0].numpy())
        assert (memory.held == 1).all()
        assert error.mean() < 0.25 * batch["target/ee_position"].std().item()


POINT = Spec(
    {
        "position": ArraySpec((2,), unit="m"),
        "scene": ArraySpec((2,)),
        "action": ArraySpec((2,), role="action"),
        "mode": ArraySpec((1,), "uint8", role="action"),
        "target/position": ArraySpec((2,), role="action"),
    }
)


def point_model(horizon: int = 2, **changes):
    """HYDRA of a point that moves by its action, all statistics left out: normalised is as it is."""
    torch.manual_seed(0)
    settings = SMALL | {"orientation": "", "gripper": "none", "position": "position", "gain": 1.0, "step_m": 0.1}
    model = HydraConfig(**(settings | changes))
    config = TrainConfig(observations=("position", "scene"), actions=("action",), horizon=horizon, model=model)
    return build_model(config, POINT).eval()


def scripted(model, waypoint: tuple[float, float], sparse: bool, dense: tuple[float, ...] = (9.0, 9.0)) -> None:
    """Let every head say the same whatever it sees."""
    with torch.no_grad():
        for layer, value in (
            (model.sparse[-1], waypoint),
            (model.mode[-1], (1.0, 0.0) if sparse else (0.0, 1.0)),
            (model.head.output, dense),
        ):
            layer.weight.zero_()
            layer.bias.copy_(torch.tensor(value))


def act(model, memory, *positions: tuple[float, float]) -> list[list[float]]:
    with torch.inference_mode():
        observation = {"position": torch.tensor(positions), "scene": torch.zeros(len(positions), 2)}
        model.observe(observation, memory)
        return [[round(x, 6) for x in row] for row in model.predict(memory)["action"][:, 0].tolist()]


def test_a_waypoint_is_held_until_it_is_reached_whatever_the_heads_say_then():
    model = point_model()
    memory = model.start(1)
    scripted(model, (0.3, 0.4), sparse=True)
    assert act(model, memory, (0.0, 0.0)) == [[0.06, 0.08]]  # 3-4-5, 0.1 m a step
    scripted(model, (-7.0, -7.0), sparse=False, dense=(0.5, 0.5))
    assert act(model, memory, (0.3, 0.3)) == [[0.0, 0.1]]
    assert act(model, memory, (0.3, 0.38)) == [[0.0, 0.02]]
    assert act(model, memory, (0.3, 0.394)) == [[0.5, 0.5]]  # 6 mm away: reached, and the mode is dense
    assert act(model, memory, (0.0, 0.0)) == [[0.5, 0.5]]  # and stays so


def test_the_gripper_may_be_left_to_the_dense_head_on_the_way():
    torch.manual_seed(0)
    spec = Spec({**POINT, "action": ArraySpec((3,), role="action")})
    settings = HydraConfig(**SMALL, orientation="", gripper="action", position="position", gain=1.0, step_m=0.1)
    config = TrainConfig(observations=("position", "scene"), actions=("action",), horizon=2, model=settings)
    model = build_model(config, spec).eval()
    scripted(model, (0.3, 0.4), sparse=True, dense=(9.0, 9.0, 0.75))
    assert act(model, model.start(1), (0.0, 0.0)) == [[0.06, 0.08, 0.75]]


def test_a_waypoint_that_is_not_reached_is_given_up():
    model = point_model(max_waypoint_steps=3)
    memory = model.start(1)
    scripted(model, (0.3, 0.4), sparse=True)
    got = [act(model, memory, (0.0, 0.0))[0]]
    scripted(model, (0.3, 0.4), sparse=False, dense=(0.5, 0.5))
    got += [act(model, memory, (0.0, 0.0))[0] for _ in range(3)]
    assert got == [[0.06, 0.08]] * 3 + [[0.5, 0.5]]


def test_a_waypoint_where_the_tool_stands_already_leaves_the_step_to_the_dense_head():
    model = point_model()
    scripted(model, (0.3, 0.4), sparse=True, dense=(0.5, 0.5))
    memory = model.start(1)
    assert act(model, memory, (0.3, 0.4)) == [[0.5, 0.5]]
    assert memory.held.tolist() == [0]


def test_episodes_of_a_batch_hold_and_forget_waypoints_of_their_own():
    model = point_model()
    memory = model.start(3)
    scripted(model, (0.3, 0.4), sparse=True, dense=(0.5, 0.5))
    assert act(model, memory, (0.0, 0.0), (0.3, 0.4), (0.3, 0.0)) == [[0.06, 0.08], [0.5, 0.5], [0.0, 0.1]]
    scripted(model, (1.0, 0.0), sparse=True)
    assert act(model, memory, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)) == [[0.06, 0.08], [0.1, 0.0], [0.06, 0.08]]
    memory.forget(torch.tensor([True, False, False]))
    assert act(model, memory, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)) == [[0.1, 0.0], [0.1, 0.0], [0.06, 0.08]]


def batch(mode: list[int], mask: list[bool]) -> dict[str, torch.Tensor]:
    size = len(mode)
    zeros = torch.zeros(1, size, 2)
    return {
        "position": zeros,
        "scene": zeros,
        "action": zeros.clone(),
        "mode": torch.tensor(mode, dtype=torch.uint8).reshape(1, size, 1),
        "target/position": zeros.clone(),
        "mask": torch.tensor([mask]),
        "observation_mask": torch.tensor([mask]),
    }


def test_each_loss_is_weighted_by_the_true_mode_and_leaves_padding_out():
    model = point_model(horizon=4, gamma=0.2, mode_beta=0.1)
    scripted(model, (2.0, 2.0), sparse=True, dense=(3.0, 3.0))
    terms = model.loss(batch([0, 1, 1, 0], [True, True, True, False]))
    # smooth L1 of 2 is 1.5, of 3 is 2.5; one sparse step and two dense ones
    assert terms["waypoint"].mean.item() == pytest.approx(1.5 * (0.8 + 0.2 + 0.2) / 3)
    assert terms["action"].mean.item() == pytest.approx(2.5 * (0.2 + 0.8 + 0.8) / 3)
    # logits 1 and 0: log(1 + exp(-1)) where sparse is right, log(1 + e) where it is wrong
    entropy = (math.log(1 + math.exp(-1)) + 2 * math.log(1 + math.e)) / 3
    assert terms["mode"].mean.item() == pytest.approx(entropy)
    assert terms["mode_accuracy"].mean.item() == pytest.approx(1 / 3)
    total = 1.5 * 1.2 / 3 + 2.5 * 1.8 / 3 + 0.1 * entropy
    assert weighted_loss(terms).item() == pytest.approx(total)


def learn(model, data: dict[str, torch.Tensor], steps: int) -> dict[str, float]:
    optimizer = torch.optim.Adam(model.train().parameters(), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        terms = model.loss(data)
        weighted_loss(terms).backward()
        optimizer.step()
    return {name: term.mean.item() for name, term in terms.items()}


def test_it_learns_both_modes_by_heart_and_the_cross_entropy_reaches_zero():
    # fed with probabilities in place of logits it could not fall below log(1 + 1 / e) = 0.313
    generator = torch.Generator().manual_seed(1)
    data = {n: torch.randn(8, 4, 2, generator=generator) for n in ("position", "scene", "action", "target/position")}
    data |= {"mode": (data["scene"][..., :1] > 0).byte(), "mask": torch.ones(8, 4, dtype=torch.bool)}
    model = point_model(horizon=4)
    means = learn(model, data, 300)
    assert means["mode"] < 0.005
    assert means["mode_accuracy"] == 1.0
    assert means["action"] < 0.02
    assert means["waypoint"] < 0.02
    with torch.inference_mode():
        memory = model.eval().start(8)
        model.observe({n: data[n][:, 0] for n in ("position", "scene")}, memory)
    sparse = data["mode"][:, 0, 0] == 0
    assert 0 < sparse.sum() < 8
    assert (memory.held > 0).tolist() == sparse.tolist()
    np.testing.assert_allclose(memory.target.position[sparse], data["target/position"][sparse, 0], atol=0.3)
    np.testing.assert_allclose(model.predict(memory)["action"][~sparse, 0], data["action"][~sparse, 0], atol=0.3)


def test_a_model_that_does_not_see_its_pose_or_has_other_actions_is_refused():
    config = TrainConfig(observations=("scene",), model=HydraConfig(position="position", orientation=""))
    with pytest.raises(ConfigError, match="goes to waypoints by 'position', which must be among the observations"):
        build_model(config, POINT)
    config = TrainConfig(observations=("position",), model=HydraConfig(position="position", orientation=""))
    with pytest.raises(ConfigError, match="one action of 3 numbers, for position, the gripper; got action with 2"):
        build_model(config, POINT)
