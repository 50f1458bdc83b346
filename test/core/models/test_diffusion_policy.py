"""Diffusion Policy: its loss, its memory and noise, and that it learns distributions that a mean would miss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from muse_core.configs import (
    BCRNNConfig,
    DenoisingTransformerConfig,
    DiffusionConfig,
    SmallEncoderConfig,
    TrainConfig,
    UnetConfig,
)
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.statistics import Statistics
from muse_core.spec import ArraySpec, Spec

torch = pytest.importorskip("torch")

from muse_core.models import build_model  # noqa: E402
from muse_core.models.diffusion_policy import fill_padding  # noqa: E402
from muse_core.models.model import weighted_loss  # noqa: E402

LINE = Spec({"place": ArraySpec((1,)), "action": ArraySpec((1,), role="action")})
TINY_UNET = UnetConfig(channels=(32,), kernel=3, groups=4, step_width=16)
TINY_TRANSFORMER = DenoisingTransformerConfig(width=32, layers=2, attention_heads=2, dropout=0.0)
TINY_ENCODER = SmallEncoderConfig(channels=(4, 4), kernels=(3, 3), strides=(2, 2))
DENOISERS = pytest.mark.parametrize("denoiser", [TINY_UNET, TINY_TRANSFORMER], ids=["unet", "transformer"])
DDPM = {"eta": 1.0, "noise_steps": 20, "sampling_steps": 20}


def config(denoiser=TINY_UNET, horizon: int = 4, observations: tuple[str, ...] = ("place",), **model) -> TrainConfig:
    model = {"execute": 1, "encoder": TINY_ENCODER, **model}
    return TrainConfig(horizon=horizon, observations=observations, model=DiffusionConfig(denoiser=denoiser, **model))


def statistics(places, actions):
    rows = {name: np.asarray(values, float).reshape(-1, 1) for name, values in (("place", places), ("action", actions))}
    return {n: Statistics(len(a), a.mean(0), a.std(0), a.min(0), a.max(0)) for n, a in rows.items()}


def train(model, batch, steps: int, learning_rate: float = 3e-3) -> float:
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = weighted_loss(model.loss(batch))
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    return loss.item()


def window(data: SequenceDataset, indices) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in data.get_batch(indices).items()}


@pytest.fixture
def data(tiny_dataset) -> SequenceDataset:
    shape = config().model.window(4)
    pads = {"pad_start": shape.pad_start, "pad_end": shape.pad_end}
    return SequenceDataset(tiny_dataset, tuple(tiny_dataset.spec), 4, observation_steps=2, **pads)


@pytest.fixture
def model(data):
    torch.manual_seed(0)
    observations = tuple(n for n in data.spec if n != "action")
    return build_model(config(observations=observations), data.spec, data.statistics())


def test_every_step_of_an_episode_is_the_present_of_one_window(data):
    # 8 episodes of 12 rows; windows of 4 whose second step is the present
    assert len(data) == 8 * 12
    assert sorted(data.windows.start[:12] + 1) == list(range(12))


def test_what_is_observed_before_an_episode_begins_changes_nothing(model, data):
    batch = window(data, [0])
    changed = {name: value.clone() for name, value in batch.items()}
    for name in ("image", "ee_position", "gripper_width", "action"):
        changed[name][0, 0] = 77
    assert batch["mask"].tolist() == [[False, True, True, True]]
    model.eval()
    assert weighted_loss(model.loss(batch)).item() == weighted_loss(model.loss(changed)).item()


def test_the_loss_is_the_squared_error_of_the_noise_over_real_steps(model, data):
    batch = window(data, [11])  # two real steps, two padded
    seen = {}

    class Zero(torch.nn.Module):
        def forward(self, actions, step, features):
            seen["noisy"], seen["step"] = actions, step
            return torch.zeros_like(actions)

    model.denoiser = Zero()
    loss = weighted_loss(model.loss(batch)).item()
    kept = model.schedule.kept[seen["step"]]
    clean = model.actions.encode(batch)
    noise = (seen["noisy"] - kept.sqrt() * clean) / (1 - kept).sqrt()
    assert loss == pytest.approx(noise[0, :2].square().mean().item(), rel=1e-3)


def test_the_last_action_is_held_behind_the_end_of_an_episode(model, data):
    batch, seen = window(data, [11]), {}
    batch["action"][0, 2:] = 77

    class Zero(torch.nn.Module):
        def forward(self, actions, step, features):
            seen["noisy"] = actions
            return torch.zeros_like(actions)

    model.denoiser = Zero()
    model.schedule.kept = torch.ones(100)  # no noise
    model.loss(batch)
    held = model.actions.encode(batch)[0, 1]
    assert torch.equal(seen["noisy"][0, 2:], held.expand(2, -1))


def test_what_is_padded_is_seen_as_the_nearest_real_step():
    steps = torch.tensor([[[1.0], [2.0], [3.0]]])
    assert fill_padding(steps, torch.tensor([[False, False, True]])).flatten().tolist() == [3, 3, 3]
    assert fill_padding(steps, torch.tensor([[False, True, True]])).flatten().tolist() == [2, 2, 3]
    assert fill_padding(steps, torch.tensor([[True, True, False]])).flatten().tolist() == [1, 2, 2]
    assert fill_padding(steps, torch.tensor([[True, True, True]])).flatten().tolist() == [1, 2, 3]


@DENOISERS
def test_it_samples_both_of_two_ways_and_nothing_between(denoiser):
    torch.manual_seed(0)
    model = build_model(config(denoiser), LINE, statistics([0, 1], [-1, 1]))
    ways = torch.tensor([-1.0, 1.0]).repeat(32).reshape(-1, 1, 1)
    batch = {
        "place": torch.zeros(64, 2, 1),
        "action": ways.expand(-1, 4, -1),  # all four steps the one way, or all the other
        "mask": torch.ones(64, 4, dtype=torch.bool),
        "observation_mask": torch.ones(64, 2, dtype=torch.bool),
    }
    train(model, batch, 500, 5e-3)
    memory = model.start(200)
    with torch.inference_mode():
        model.observe({"place": torch.zeros(200, 1)}, memory)
        memory.age = torch.arange(200)  # each draws other noise
        actions = model.predict(memory)["action"]
    assert actions.shape == (200, 3, 1)
    assert (actions.abs() > 0.9).float().mean() > 0.9
    assert (actions.abs() < 0.5).float().mean() < 0.01
    assert (actions.sign() == actions[:, :1].sign()).float().mean() > 0.99  # a chunk goes one way
    assert 0.3 < (actions[:, 0] > 0).float().mean() < 0.7


def test_a_deterministic_head_gives_the_mean_of_the_two_ways():
    torch.manual_seed(0)
    bc = TrainConfig(horizon=1, observations=("place",), model=BCRNNConfig(hidden_size=16, layers=1))
    model = build_model(bc, LINE, statistics([0, 1], [-1, 1]))
    batch = {
        "place": torch.zeros(2, 1, 1),
        "action": torch.tensor([[[-1.0]], [[1.0]]]),
        "mask": torch.ones(2, 1, dtype=torch.bool),
        "observation_mask": torch.ones(2, 1, dtype=torch.bool),
    }
    train(model, batch, 100)
    memory = model.start(1)
    with torch.inference_mode():
        model.observe({"place": torch.zeros(1, 1)}, memory)
        assert model.predict(memory)["action"].item() == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(
    ("denoiser", "model", "steps"),
    [
        (TINY_UNET, {"prediction": "sample"}, 300),
        (TINY_UNET, {"prediction": "epsilon", **DDPM}, 300),
        (TINY_TRANSFORMER, {"prediction": "sample"}, 500),
    ],
    ids=["unet-ddim", "unet-ddpm", "transformer-ddim"],
)
def test_it_overfits_a_sequence_and_its_chunk_begins_at_the_present(denoiser, model, steps):
    torch.manual_seed(0)
    places = torch.tensor([-1.0, 0.0, 1.0, -0.5, 0.5])
    moves = torch.tensor([0.9, -0.6, 0.3, 0.8, -0.9, 0.1, -0.3])
    model = build_model(config(denoiser, **model), LINE, statistics(places, moves[:5]))
    rows = (torch.arange(4).unsqueeze(1) + torch.arange(4)).repeat(16, 1)
    batch = {
        "place": places[rows[:, :2]].unsqueeze(-1),
        "action": moves[rows].unsqueeze(-1),
        "mask": torch.ones(64, 4, dtype=torch.bool),
        "observation_mask": torch.ones(64, 2, dtype=torch.bool),
    }
    train(model, batch, steps, 1e-2)
    memory = model.start(1)
    model.observe({"place": places[0].reshape(1, 1)}, memory)
    with torch.inference_mode():
        for t in range(1, 5):
            model.observe({"place": places[t].reshape(1, 1)}, memory)
            chunk = model.predict(memory)["action"].flatten()
            assert chunk.tolist() == pytest.approx(moves[t : t + 3].tolist(), abs=0.1)


def untrained(**model):
    torch.manual_seed(0)
    return build_model(config(**model), LINE, statistics([-1, 1], [-1, 1])).eval()


@pytest.mark.parametrize("model", [{}, {"eta": 1.0, "sampling_steps": 100}], ids=["ddim", "ddpm"])
def test_the_same_observations_give_the_same_actions_whatever_the_neighbours_do(model):
    model = untrained(**model)
    torch.manual_seed(7)
    places = torch.randn(5, 3, 1)

    def run(which: list[int], disturbed: bool = False):
        memory = model.start(len(which))
        for t, place in enumerate(places):
            model.observe({"place": place[which]}, memory)
            if disturbed:
                torch.rand(3)
                model.predict(memory)
            if disturbed and t == 1:  # a neighbour begins anew
                memory.forget(torch.tensor([False, True, False]))
        return model.predict(memory)["action"]

    with torch.inference_mode():
        together, alone = run([0, 1, 2], disturbed=True), run([2])
        assert torch.allclose(together[2:], alone, atol=1e-5)
        assert not torch.allclose(together[1:2], run([1]), atol=1e-2)


def test_a_validation_loss_is_the_same_each_time_and_a_training_loss_is_not(model, data):
    batch = window(data, [3, 4])
    with torch.no_grad():
        training = [weighted_loss(model.loss(batch)).item() for _ in range(2)]
        model.eval()
        validation = [weighted_loss(model.loss(batch)).item() for _ in range(2)]
    assert training[0] != training[1]
    assert validation[0] == validation[1]


def test_a_validation_loss_tries_each_window_at_steps_spread_over_the_process(model, data):
    batch, seen = window(data, [3, 11]), {}

    class Zero(torch.nn.Module):
        def forward(self, actions, step, features):
            seen["step"] = step
            return torch.zeros_like(actions)

    model.eval().denoiser = Zero()
    (term,) = model.loss(batch).values()
    assert seen["step"].tolist() == [90, 80, 70, 60, 50, 40, 30, 20, 10, 0] * 2
    assert term.count.item() == 10 * (4 + 2)  # the second window has two real steps


def test_estimates_are_clipped_only_where_actions_are_scaled_by_their_range():
    assert untrained().schedule.clip == 1.0
    assert untrained(normalization="mean_std").schedule.clip is None


def test_a_unet_tells_observations_apart_that_mish_alone_would_make_one():
    places = torch.tensor([-0.7, -1.8538636]).reshape(2, 1, 1)
    shown = torch.nn.functional.mish(places).flatten()
    assert shown[0].item() == pytest.approx(shown[1].item(), abs=1e-6)
    net, noisy, step = untrained().denoiser, torch.ones(2, 4, 1), torch.tensor([5, 5])
    given = net(noisy, step, places.expand(2, 2, 1))
    assert (given[0] - given[1]).abs().max() > 1e-3


@pytest.mark.parametrize("causal", [False, True])
def test_a_transformer_action_sees_those_after_it_unless_it_is_causal(causal):
    torch.manual_seed(0)
    net = untrained(denoiser=replace(TINY_TRANSFORMER, causal=causal)).denoiser
    actions, step, features = torch.randn(1, 4, 1), torch.tensor([5]), torch.randn(1, 2, 1)
    changed = actions.clone()
    changed[:, 2] += 1
    before, after = net(actions, step, features), net(changed, step, features)
    assert torch.allclose(before[:, :2], after[:, :2], atol=1e-6) == causal
    assert not torch.allclose(before[:, 2:], after[:, 2:], atol=1e-4)
    assert not torch.allclose(before, net(actions, step + 50, features), atol=1e-4)
    assert not torch.allclose(before, net(actions, step, features + 1), atol=1e-4)
