"""BC-RNN beside the numbers of others: robomimic's loss, the original Muse's size, and the traps of its loss."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from muse_core.configs import (  # noqa: E402
    BCRNNConfig,
    DeterministicHeadConfig,
    MixtureHeadConfig,
    ResNetConfig,
    TrainConfig,
)
from muse_core.datasets.statistics import Statistics  # noqa: E402
from muse_core.models import build_model  # noqa: E402
from muse_core.models.model import Tensors, weighted_loss  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402


def wave(number: int, *shape: int) -> torch.Tensor:
    """Weights that follow from their place in a list."""
    steps = torch.arange(int(np.prod(shape)), dtype=torch.float64)
    return (torch.sin(steps * 1.7 + number) * 0.5).reshape(shape).float()


@pytest.fixture
def mixture():
    """Two LSTM layers of 4, three Gaussians, 3 numbers in, 2 out; robomimic 0.3.0 was given these weights too."""
    spec = Spec({"x": ArraySpec((3,)), "action": ArraySpec((2,), role="action")})
    head = MixtureHeadConfig(components=3, min_std=1e-4, bounded=True)
    network = BCRNNConfig(hidden_size=4, layers=2, head=head, normalization="min_max")
    model = build_model(TrainConfig(observations=("x",), horizon=5, model=network), spec)
    head_weights = (wave(0, 6, 4), wave(2, 6, 4), wave(4, 3, 4))  # means, deviations, weights of the Gaussians
    head_biases = (wave(1, 6), wave(3, 6), wave(5, 3))
    with torch.no_grad():
        model.head.output.weight.copy_(torch.cat(head_weights))
        model.head.output.bias.copy_(torch.cat(head_biases))
        for number, parameter in enumerate(model.trunk.recurrent.parameters(), start=6):
            parameter.copy_(wave(number, *parameter.shape))
    return model


@pytest.fixture
def batch() -> Tensors:
    observations = torch.sin(torch.arange(30, dtype=torch.float64) * 0.9).reshape(2, 5, 3)
    actions = torch.cos(torch.arange(20, dtype=torch.float64) * 1.3).reshape(2, 5, 2) * 0.8
    mask = torch.ones(2, 5, dtype=torch.bool)
    return {"x": observations.float(), "action": actions.float(), "mask": mask, "observation_mask": mask}


def test_the_loss_of_bc_rnn_gmm_is_robomimics_for_the_same_weights_and_batch(mixture, batch):
    # -log_prob of its RNNGMMActorNetwork in training, averaged over both sequences.
    assert weighted_loss(mixture.loss(batch)).item() == pytest.approx(1.9716265201568604, rel=1e-5)


def test_padded_steps_leave_robomimics_loss_of_the_real_ones(mixture, batch):
    batch["mask"] = torch.zeros(2, 5, dtype=torch.bool)
    batch["mask"][0, :2] = True
    by_step = [1.1162025928497314, 2.6888620853424072]  # robomimic's, of the first sequence's first two steps
    assert weighted_loss(mixture.loss(batch)).item() == pytest.approx(sum(by_step) / 2, rel=1e-5)


COFFEE = Spec(
    {
        "ee_position": ArraySpec((3,), unit="m"),
        "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
        "gripper_pos": ArraySpec((1,)),
        "image": ArraySpec((240, 320, 3), "uint8"),
        "ego_image": ArraySpec((240, 320, 3), "uint8"),
        "action": ArraySpec((7,), role="action"),
    }
)


def coffee(**changes) -> TrainConfig:
    network = BCRNNConfig(
        encoder=ResNetConfig(), head=DeterministicHeadConfig(loss="mse"), hidden_size=1000, memory="flush"
    )
    observations = tuple(name for name in COFFEE if name != "action")
    return TrainConfig(observations=observations, image_crop=0.9, rotation="quaternion", model=network, **changes)


def test_the_originals_coffee_network_has_its_23759935_parameters():
    with torch.device("meta"):
        model = build_model(coffee(), COFFEE)
    assert sum(p.numel() for p in model.parameters()) == 23_759_935
    assert model.encoder.size == 136
    assert sum(p.numel() for p in model.encoder.parameters()) == 11_192_928


def statistics(actions: np.ndarray) -> Statistics:
    return Statistics(len(actions), actions.mean(0), actions.std(0), actions.min(0), actions.max(0))


def test_translations_of_millimetres_weigh_as_much_as_the_gripper_in_the_squared_error():
    # The original's loss: for translations within 0.025 m and a gripper of 0 or 1, the gripper is all there is.
    rng = np.random.default_rng(0)
    actions = np.concatenate([rng.uniform(-0.025, 0.025, (400, 3)), rng.integers(0, 2, (400, 1))], axis=1)
    actions = actions.astype(np.float32)
    raw = actions.var(axis=0)
    assert raw[3] / raw.sum() > 0.997  # 0.25 of 0.25 + 3 * 0.025^2 / 3

    spec = Spec({"x": ArraySpec((1,)), "action": ArraySpec((4,), role="action")})
    network = BCRNNConfig(hidden_size=2, layers=1, head=DeterministicHeadConfig(loss="mse"))
    seen = {"action": statistics(actions), "x": statistics(np.zeros((400, 1)))}
    model = build_model(TrainConfig(observations=("x",), horizon=1, model=network), spec, seen)
    torch.nn.init.zeros_(model.head.output.weight)
    torch.nn.init.zeros_(model.head.output.bias)  # it says the mean, so that each term is a variance
    mask = torch.ones(400, 1, dtype=torch.bool)
    batch = {"x": torch.zeros(400, 1, 1), "action": torch.from_numpy(actions).unsqueeze(1), "mask": mask}
    terms = model.loss(batch)
    assert [terms[f"action/action_{i}"].mean.item() for i in range(4)] == pytest.approx([1.0] * 4, rel=1e-4)
    assert terms["action"].mean.item() == pytest.approx(1.0, rel=1e-4)


def test_an_action_beyond_one_metre_can_be_learnt():
    # The original's tanh kept every action within 1, whatever its unit.
    spec = Spec({"x": ArraySpec((1,)), "action": ArraySpec((1,), unit="m", role="action")})
    seen = {"x": statistics(np.zeros((2, 1))), "action": statistics(np.array([[-3.0], [5.0]]))}
    config = TrainConfig(observations=("x",), horizon=1, model=BCRNNConfig(hidden_size=2, layers=1))
    model = build_model(config, spec, seen)
    with torch.no_grad():
        model.head.output.bias.fill_(1.0)
        model.head.output.weight.zero_()
        memory = model.start(1)
        model.observe({"x": torch.zeros(1, 1)}, memory)
        assert model.predict(memory)["action"].item() == pytest.approx(1.0 + 4.0)  # mean 1, deviation 4


def test_a_bright_picture_does_not_drown_the_first_convolution():
    # The original fed bytes of 0..255 as they were.
    model = build_model(coffee(), COFFEE)
    seen = []
    model.encoder.cameras["all"].trunk.conv1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    images = {n: torch.full((1, 1, 240, 320, 3), 255, dtype=torch.uint8) for n in ("image", "ego_image")}
    rest = {n: torch.zeros(1, 1, *COFFEE[n].shape) for n in ("ee_position", "ee_orientation", "gripper_pos")}
    with torch.no_grad():
        model.eval()(images | rest)
    assert seen[0].shape == (2, 3, 216, 288)  # both cameras in one batch, the centre of each
    assert seen[0].max() == 1.0


def test_frames_behind_an_episodes_end_do_not_enter_the_means_of_a_batch_norm():
    network = BCRNNConfig(encoder=ResNetConfig(keypoints=0), hidden_size=4, layers=1)
    spec = Spec({"image": ArraySpec((32, 32, 3), "uint8"), "action": ArraySpec((1,), role="action")})
    torch.manual_seed(0)
    model = build_model(TrainConfig(observations=("image",), horizon=3, model=network), spec).train()
    images = torch.randint(0, 256, (2, 3, 32, 32, 3), dtype=torch.uint8)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    outcomes = []
    for padding in (0, 255):
        images[1, 1:] = padding
        model.zero_grad()
        batch = {"image": images, "action": torch.ones(2, 3, 1), "mask": mask, "observation_mask": mask}
        weighted_loss(model.loss(batch)).backward()
        outcomes.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert torch.equal(*outcomes)
    assert outcomes[0].abs().sum() > 0
