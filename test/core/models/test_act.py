"""ACT: its two losses, its latent, and that it learns chunks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from muse_core.configs import ACTConfig, SmallEncoderConfig, TrainConfig
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.statistics import Statistics
from muse_core.spec import ArraySpec, Spec

torch = pytest.importorskip("torch")

from muse_core.models import build_model  # noqa: E402
from muse_core.models.act import gaussian_divergence  # noqa: E402
from muse_core.models.act_networks import ChunkDecoder, grid_positions  # noqa: E402
from muse_core.models.model import weighted_loss  # noqa: E402
from muse_core.models.networks.positions import SinusoidalEmbedding  # noqa: E402

LINE = Spec({"place": ArraySpec((1,)), "action": ArraySpec((1,), role="action")})
SIZES = {"width": 32, "feedforward": 64, "layers": 1, "attention_heads": 2, "dropout": 0.0, "latent_size": 4}
TINY_ENCODER = SmallEncoderConfig(channels=(4, 4), kernels=(3, 3), strides=(2, 2))


def config(horizon: int = 4, observations: tuple[str, ...] = ("place",), **model) -> TrainConfig:
    return TrainConfig(
        horizon=horizon, observations=observations, model=ACTConfig(**{"encoder": TINY_ENCODER, **SIZES, **model})
    )


def line_model(horizon: int = 4, seed: int = 0, **model):
    torch.manual_seed(seed)
    unscaled = Statistics(2, *(np.array([value]) for value in (0.0, 1.0, -1.0, 1.0)))
    return build_model(config(horizon, **model), LINE, {"place": unscaled, "action": unscaled})


def line_batch(places, actions) -> dict[str, torch.Tensor]:
    actions = torch.as_tensor(actions, dtype=torch.float32).unsqueeze(-1)
    return {
        "place": torch.as_tensor(places, dtype=torch.float32).reshape(-1, 1, 1),
        "action": actions,
        "mask": torch.ones(actions.shape[:2], dtype=torch.bool),
        "observation_mask": torch.ones(len(actions), 1, dtype=torch.bool),
    }


def train(model, batch, steps: int, learning_rate: float = 3e-3) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        weighted_loss(model.loss(batch)).backward()
        optimizer.step()
        schedule.step()


@pytest.fixture
def data(tiny_dataset) -> SequenceDataset:
    return SequenceDataset(tiny_dataset, tuple(tiny_dataset.spec), 4, observation_steps=1)


@pytest.fixture
def model(data):
    torch.manual_seed(0)
    observations = tuple(n for n in data.spec if n != "action")
    return build_model(config(observations=observations), data.spec, data.statistics())


def window(data: SequenceDataset, indices) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in data.get_batch(indices).items()}


def test_the_divergence_of_a_gaussian_by_hand():
    # mean 1, variance 1: 1/2. Mean 0, variance 4: (4 - 1 - ln 4) / 2 = 0.806853. The prior itself: 0.
    mean = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    log_variance = torch.tensor([[0.0, math.log(4)], [0.0, 0.0]])
    assert gaussian_divergence(mean, log_variance).tolist() == pytest.approx([0.5 + 0.806853, 0.0], abs=1e-6)


def test_the_loss_is_l1_over_real_steps_and_the_weighted_divergence(model, data):
    batch = window(data, [11, 10])  # one real step, and two
    model.eval()
    with torch.no_grad():
        terms = model.loss(batch)
        memory = model.start(2)
        model.observe({n: batch[n][:, 0] for n in model.encoder.vectors + model.encoder.columns + model.encoder.images},
                      memory)  # fmt: skip
        predicted = model.decoder(torch.zeros(2, 4), memory.state, memory.cameras)
        error = (predicted - model.actions.encode(batch)).abs().mean(dim=-1)
        by_hand = (error[0, 0] + error[1, 0] + error[1, 1]) / 3
        mean, log_variance = model.style(memory.state, model.actions.encode(batch), batch["mask"])
        divergence = gaussian_divergence(mean, log_variance).mean()
    assert terms["action"].mean.item() == pytest.approx(by_hand.item(), rel=1e-5)
    assert terms["divergence"].mean.item() == pytest.approx(divergence.item(), rel=1e-5)
    assert weighted_loss(terms).item() == pytest.approx((by_hand + 10 * divergence).item(), rel=1e-5)


def test_a_chunk_reproduces_a_sequence():
    # three places, each with a chunk of its own; nothing in common between them
    places = [-1.0, 0.0, 1.0]
    chunks = [[0.9, -0.5, 0.1, 0.7], [-0.8, -0.8, 0.6, -0.2], [0.0, 0.3, -0.9, 1.0]]
    model = line_model(layers=2)
    train(model, line_batch(places, chunks), 500, 2e-3)
    model.eval()
    memory = model.start(3)
    with torch.inference_mode():
        model.observe({"place": torch.tensor(places).unsqueeze(-1)}, memory)
        predicted = model.predict(memory)["action"].squeeze(-1)
    assert predicted.shape == (3, 4)
    assert torch.allclose(predicted, torch.tensor(chunks), atol=0.05)


def test_the_latent_tells_styles_apart_in_training_and_is_zero_when_it_acts():
    # one place, two styles: only the latent can tell which
    model = line_model(kl_weight=0.01)
    batch = line_batch([0.0] * 16, [[1.0] * 4, [-1.0] * 4] * 8)
    train(model, batch, 300)
    with torch.no_grad():
        told_apart = model.loss(batch)["action"].mean.item()
        model.eval()
        zero = [model.loss(batch)["action"].mean.item() for _ in range(2)]
        memory = model.start(1)
        model.observe({"place": torch.zeros(1, 1)}, memory)
        acted = model.predict(memory)["action"].squeeze()
    assert told_apart < 0.15
    assert zero[0] == zero[1] == pytest.approx(1.0, abs=0.2)  # whatever it gives, it is wrong by 1 on average
    torch.manual_seed(5)
    with torch.no_grad():
        assert torch.equal(model.predict(memory)["action"].squeeze(), acted)


def test_a_heavy_divergence_presses_the_style_out_of_the_latent():
    batch = line_batch([0.0] * 16, [[1.0] * 4, [-1.0] * 4] * 8)
    divergences = {}
    for weight in (0.01, 10.0):
        model = line_model(kl_weight=weight)
        train(model, batch, 200)
        divergences[weight] = model.loss(batch)["divergence"].mean.item()
    assert divergences[10.0] < 0.02 < 1.0 < divergences[0.01]


def test_each_place_of_a_map_becomes_a_token_and_order_matters():
    torch.manual_seed(0)
    decoder = ChunkDecoder(
        state_size=1, camera_sizes=[8, 3], action_size=2, horizon=5, latent_size=4, width=16, heads=2, layers=1,
        decoder_layers=1, dropout=0.0, feedforward=32,
    )  # fmt: skip
    seen = []
    decoder.encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    latent, state, vector = torch.zeros(2, 4), torch.ones(2, 1), torch.randn(2, 3)
    features = torch.randn(2, 8, 3, 4)
    chunk = decoder(latent, state, [features, vector])
    assert chunk.shape == (2, 5, 2)
    assert seen[0].shape == (2, 2 + 3 * 4 + 1, 16)
    moved = decoder(latent, state, [features.flip(3), vector])
    assert not torch.allclose(chunk, moved, atol=1e-5)


def test_positions_of_a_map_by_hand():
    # width 4 for each direction: frequencies 1 and 1e-4; rows at pi and 2 pi, the single column at 2 pi
    table = grid_positions(SinusoidalEmbedding(4), 2, 1)
    row = [math.sin(math.pi), math.sin(math.pi * 1e-4), math.cos(math.pi), math.cos(math.pi * 1e-4)]
    column = [math.sin(2 * math.pi), math.sin(2 * math.pi * 1e-4), 1.0, math.cos(2 * math.pi * 1e-4)]
    assert table.shape == (2, 8)
    assert table[0].tolist() == pytest.approx([*row, *column], abs=1e-5)
    assert table[1].tolist() == pytest.approx([*column, *column], abs=1e-5)
