"""BC-RNN: its loss, its memory, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.configs import BCRNNConfig, TrainConfig
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.statistics import Statistics
from muse_core.spec import Spec

torch = pytest.importorskip("torch")

from muse_core.models import build_model  # noqa: E402
from muse_core.models.model import weighted_loss  # noqa: E402
from muse_core.models.rotations import SignedQuaternions, rotation_columns  # noqa: E402
from muse_core.trainers.loading import to_device  # noqa: E402

CPU = torch.device("cpu")


def config(memory: str = "sliding", horizon: int = 4) -> TrainConfig:
    return TrainConfig(horizon=horizon, model=BCRNNConfig(hidden_size=16, layers=1, memory=memory))


def fake(spec: Spec, seed: int) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in spec.sample(np.random.default_rng(seed), 1).items()}


@pytest.fixture
def data(tiny_dataset) -> SequenceDataset:
    return SequenceDataset(tiny_dataset, tuple(tiny_dataset.spec), 4)


@pytest.fixture
def model(data):
    torch.manual_seed(0)
    return build_model(config(), data.spec, data.statistics())


def test_padded_steps_change_neither_the_loss_nor_its_gradient(model, data):
    last = len(data) - 1  # begins at the last row: one real step, three padded ones
    batch = to_device(data.get_batch([last, 0]), CPU)
    changed = {name: value.clone() for name, value in batch.items()}
    for name in ("action", "image", "ee_position"):
        changed[name][0, 1:] = 77
    gradients = []
    for inputs in (batch, changed):
        model.zero_grad()
        weighted_loss(model.loss(inputs)).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert batch["mask"].tolist() == [[True, False, False, False], [True] * 4]
    assert torch.allclose(gradients[0], gradients[1], atol=1e-7)
    assert gradients[0].abs().sum() > 0


def test_the_loss_is_smooth_l1_of_normalised_actions_averaged_over_real_steps(model, data):
    batch = to_device(data.get_batch([len(data) - 1]), CPU)
    with torch.no_grad():
        predicted = model(batch)[0, 0]
        target = model.actions.encode(batch)[0, 0]
        error = (predicted - target).abs()
        by_hand = torch.where(error < 1, error * error / 2, error - 0.5).mean()
        assert weighted_loss(model.loss(batch)).item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_a_gripper_of_zero_and_one_weighs_as_much_as_a_translation_of_millimetres(model, data):
    batch = to_device(data.get_batch(np.arange(len(data))), CPU)
    target = model.actions.encode(batch)[batch["mask"]]
    assert target[:, [0, 1, 6]].std(dim=0).tolist() == pytest.approx([1.0, 1.0, 1.0], abs=0.3)


@pytest.mark.parametrize("memory", ["sliding", "flush"])
def test_step_by_step_gives_what_the_whole_window_gives(data, memory):
    torch.manual_seed(0)
    model = build_model(config(memory), data.spec, data.statistics()).eval()
    batch = to_device(data.get_batch([0]), CPU)
    with torch.no_grad():
        whole = model.actions.decode(model(batch))["action"]
        state = model.start(1)
        for t in range(4):
            model.observe({n: batch[n][:, t] for n in data.spec if n != "action"}, state)
            assert torch.allclose(model.predict(state)["action"][:, 0], whole[:, t], atol=1e-5)


@pytest.mark.parametrize("memory", ["sliding", "flush"])
def test_what_was_seen_more_than_a_horizon_ago_is_forgotten(data, memory):
    torch.manual_seed(0)
    model = build_model(config(memory), data.spec, data.statistics()).eval()
    outcomes = []
    for past in (1, 2):  # two different pasts of four steps, then the same four steps
        state = model.start(1)
        for seed in [past] * 4 + [10, 11, 12, 13]:
            with torch.no_grad():
                model.observe(fake(data.spec, seed), state)
        outcomes.append(model.predict(state)["action"])
    assert torch.equal(*outcomes)


def test_actions_keep_within_what_the_demonstrations_held(model, data):
    observation = fake(data.spec, 0)
    observation["ee_position"] *= 1000
    with torch.no_grad():
        memory = model.start(1)
        model.observe(observation, memory)
        action = model.predict(memory)["action"]
    assert 0.0 <= action[0, 0, 6] <= 1.0


def test_a_quaternion_and_its_negative_are_one_rotation():
    half_turn_about_x = torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert rotation_columns(half_turn_about_x).tolist() == [1, 0, 0, 0, -1, 0]
    any_rotation = torch.nn.functional.normalize(torch.tensor([0.1, -0.4, 0.3, 0.8]), dim=0)
    assert torch.equal(rotation_columns(any_rotation), rotation_columns(-any_rotation))


def test_it_overfits_a_tiny_dataset(data):
    torch.manual_seed(0)
    model = build_model(config(), data.spec, data.statistics())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    batch = to_device(data.get_batch(np.arange(0, 12, 4)), CPU)
    first = weighted_loss(model.loss(batch)).item()
    for _ in range(150):
        optimizer.zero_grad()
        loss = weighted_loss(model.loss(batch))
        loss.backward()
        optimizer.step()
    assert loss.item() < first / 50


@pytest.mark.parametrize("memory", ["sliding", "flush"])
def test_episodes_of_a_batch_do_not_influence_each_other(data, memory):
    torch.manual_seed(0)
    model = build_model(config(memory), data.spec, data.statistics()).eval()
    both, alone = model.start(2), model.start(1)
    with torch.no_grad():
        for step in range(7):
            if step == 3:  # the second begins anew in the middle
                both.forget(torch.tensor([False, True]))
            one, other = fake(data.spec, step), fake(data.spec, 100 + step)
            model.observe({n: torch.cat([one[n], other[n]]) for n in one}, both)
            if step >= 3:
                model.observe(other, alone)
                expected = model.predict(alone)["action"]
                assert torch.allclose(model.predict(both)["action"][1:], expected, atol=1e-5)


def test_a_quaternion_keeps_the_sign_of_its_largest_component():
    seen = Statistics(4, np.array([0.0, 0.1, 0.0, 0.2]), np.array([0.9, 0.1, 0.1, 0.1]), -np.ones(4), np.ones(4))
    signed = SignedQuaternions(seen)  # x: its mean is 0 because both signs were recorded
    half_turn = torch.tensor([[0.8, 0.6, 0.0, 0.0], [-0.8, -0.6, 0.0, 0.0]])
    assert torch.equal(signed(half_turn), half_turn[:1].expand(2, -1))
    loaded = SignedQuaternions()
    loaded.load_state_dict(signed.state_dict())
    assert torch.equal(loaded(half_turn), half_turn[:1].expand(2, -1))
