"""What a training step costs, its batch in RAM: Muse's beside a bare torch loop and beside robomimic's.

    python bench/training.py [--size 84] [--batch 8] [--rounds 4] [--parity-steps 20] [--threads 2]

Two networks: the small one that Muse's simulator configs train (64x64, batch 16), and BC-RNN-GMM with a ResNet-18 for
each of two cameras, as robomimic sets it up (32 keypoints and a linear layer of 64 a camera, LSTM of 2x400, five
components), put together of Muse's modules.

- The bare loop is the same network and loss with zero_grad, backward and Adam's step, and nothing else: no norm of the
  gradients, no clipping, no sums. Its Adam is torch's default one, or the fused one that the trainer uses.
- robomimic's step is its own: processing the batch, loss, backward, its norms of gradients, Adam, its log. It starts
  from the same weights and sees the same batches; at the end both take some steps (64x64, batch 4), whose losses are
  compared.

Prints milliseconds a step and ratios; writes ``bench/results/training.json``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import peers  # noqa: E402
import timing  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from muse_core.configs import BCRNNConfig, TrainConfig  # noqa: E402
from muse_core.configs.encoders import ResNetConfig  # noqa: E402
from muse_core.configs.heads import MixtureHeadConfig  # noqa: E402
from muse_core.models import build_model  # noqa: E402
from muse_core.models.model import weighted_loss  # noqa: E402
from muse_core.models.resnet_encoder import ResNetEncoder  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402
from muse_core.trainers.optimisation import Optimisation  # noqa: E402

HORIZON, ACTIONS, SMALL_SIZE, SMALL_BATCH = 10, 7, 64, 16
LOW = {"ee_position": 3, "ee_orientation": 4, "gripper_width": 1}
CAMERAS = ("image", "ego_image")
RATE = 1e-4  # robomimic's default
MIN_STD, COMPONENTS, HIDDEN, FEATURES, KEYPOINTS = 1e-4, 5, 400, 64, 32
PARITY = (64, 4)  # height and width of the pictures, and batch, where losses are compared: small, to be short
STEPS_A_TURN = 3
STEP_BAR, LOSS_BAR = 1.05, 1e-4
Batch = dict[str, Tensor]


def make_spec(size: int) -> Spec:
    """Two cameras, proprioception without units (an orientation stays as it is, as in robomimic), and an action."""
    low = {name: ArraySpec((n,)) for name, n in LOW.items()}
    images = {name: ArraySpec((size, size, 3), "uint8") for name in CAMERAS}
    return Spec({**low, **images, "action": ArraySpec((ACTIONS,), role="action")})


def make_batches(count: int, size: int, batch: int) -> list[Batch]:
    """Made-up windows, every step real: bytes for the cameras, actions in -1..1."""
    generator = torch.Generator().manual_seed(0)
    shape = (batch, HORIZON)
    made = []
    for _ in range(count):
        low = {name: torch.randn(*shape, n, generator=generator) for name, n in LOW.items()}
        images = {
            name: torch.randint(0, 256, (*shape, size, size, 3), generator=generator, dtype=torch.uint8)
            for name in CAMERAS
        }
        action = torch.rand(*shape, ACTIONS, generator=generator) * 2 - 1
        real = torch.ones(shape, dtype=torch.bool)
        made.append({**low, **images, "action": action, "mask": real, "observation_mask": real})
    return made


class Camera(nn.Module):
    """Muse's ResNet-18 with keypoints, and behind it what robomimic's VisualCore adds: a linear layer and a ReLU."""

    size = FEATURES

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNetEncoder(18, "batch", KEYPOINTS, imagenet_colors=True)
        # robomimic's pictures are in 0..1: not the colours of ImageNet, but scaled at the same place.
        self.resnet.mean.fill_(-1.0)
        self.resnet.std.fill_(2.0)
        self.linear = nn.Linear(2 * KEYPOINTS, FEATURES)

    def forward(self, images: Tensor) -> Tensor:
        """(N, height, width, 3) bytes to (N, 64)."""
        return self.linear(self.resnet(images)).relu()


def make_bc_rnn_gmm(size: int) -> nn.Module:
    """Robomimic's BC-RNN-GMM as Muse's config of it, cameras as robomimic has them; nothing is normalised."""
    head = MixtureHeadConfig(components=COMPONENTS, min_std=MIN_STD, bounded=True)
    config = BCRNNConfig(
        encoder=ResNetConfig(keypoints=KEYPOINTS, shared=False),
        head=head,
        hidden_size=HIDDEN,
        layers=2,
        normalization="min_max",
    )
    model = build_model(TrainConfig(model=config, horizon=HORIZON), make_spec(size))
    for name in CAMERAS:
        model.encoder.cameras[name] = Camera()
    return model


def copy_weights(theirs: nn.Module, ours: nn.Module) -> None:
    """Robomimic's weights into Muse's names: its ResNet is a list, its keypoints come as x, y, x, y, ..."""
    state = theirs.state_dict()
    places = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
    found: dict[str, Tensor] = {}
    for camera in CAMERAS:
        source, target = f"nets.encoder.nets.obs.obs_nets.{camera}.nets.", f"encoder.cameras.{camera}."
        for name, value in state.items():
            if name.startswith(f"{source}0.nets."):
                place, _, rest = name.removeprefix(f"{source}0.nets.").partition(".")
                found[f"{target}resnet.trunk.{places[place]}.{rest}"] = value
        for kind in ("weight", "bias"):
            found[f"{target}resnet.to_keypoints.{kind}"] = state[f"{source}1.nets.{kind}"]
        weight = state[f"{source}3.weight"]
        found[f"{target}linear.weight"] = torch.cat([weight[:, 0::2], weight[:, 1::2]], dim=1)
        found[f"{target}linear.bias"] = state[f"{source}3.bias"]
    for name, value in state.items():
        if name.startswith("nets.rnn.nets."):
            found[f"trunk.recurrent.cells.{name.removeprefix('nets.rnn.nets.')}"] = value
    for kind in ("weight", "bias"):
        parts = [state[f"nets.decoder.nets.{part}.{kind}"] for part in ("mean", "scale", "logits")]
        found[f"head.output.{kind}"] = torch.cat(parts)
    learnt = {name for name, _ in ours.named_parameters()}
    missing = learnt - set(found)
    if missing:
        raise SystemExit(f"bench/training.py: no weights of robomimic for {', '.join(sorted(missing))}")
    ours.load_state_dict(found, strict=False)


def muse_step(model: nn.Module, config: TrainConfig) -> Callable[[Batch], Tensor]:
    """The trainer's step."""
    optimisation = Optimisation(model, config)
    model.train()

    def step(batch: Batch) -> Tensor:
        optimisation.set_learning_rate(RATE)
        terms = model.loss(batch)
        optimisation.add(terms)
        optimisation.step()
        return terms["action"].mean.detach()

    return step


def bare_step(model: nn.Module, fused: bool) -> Callable[[Batch], Tensor]:
    """The least that trains the same model, with torch's default form of Adam or with the fused one."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=fused)
    model.train()

    def step(batch: Batch) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = weighted_loss(model.loss(batch))
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def robomimic_step(algorithm: Any) -> Callable[[Batch], float]:
    """Robomimic's step, on batches as its loader gives them."""
    import robomimic_bc

    algorithm.set_train()

    def step(batch: Batch) -> float:
        obs = {name: batch[name] for name in (*LOW, *CAMERAS)}
        return robomimic_bc.learn(algorithm, {"obs": obs, "actions": batch["action"]})

    return step


def make_pair(size: int) -> tuple[Any, nn.Module]:
    """Robomimic's algorithm, and Muse's network with its weights."""
    import robomimic_bc

    torch.manual_seed(0)
    images = {name: (size, size) for name in CAMERAS}
    theirs = robomimic_bc.make_bc_rnn_gmm(
        LOW, images, ACTIONS, backbone="ResNet18Conv", horizon=HORIZON, learning_rate=RATE
    )
    ours = make_bc_rnn_gmm(size)
    copy_weights(theirs.nets["policy"], ours)
    return theirs, ours


def time_steps(steps: dict[str, Callable[[Batch], object]], batch: Batch, rounds: int) -> dict[str, list[float]]:
    """Seconds a step, some steps a turn: the first of a turn finds the memory that the last contender left."""

    def turn(step: Callable[[Batch], object]) -> None:
        for _ in range(STEPS_A_TURN):
            step(batch)

    seconds = timing.interleave({name: lambda step=step: turn(step) for name, step in steps.items()}, rounds)
    return {name: [s / STEPS_A_TURN for s in taken] for name, taken in seconds.items()}


def parity(steps: int) -> dict[str, Any]:
    """Both from the same weights on the same batches: their losses, and how far apart they ever are."""
    theirs, ours = make_pair(PARITY[0])
    learn_theirs, learn_ours = robomimic_step(theirs), muse_step(ours, TrainConfig(max_gradient_norm=0.0))
    pairs = [(learn_theirs(b), float(learn_ours(b))) for b in make_batches(steps, *PARITY)]
    apart = [abs(a - b) for a, b in pairs]
    timing.table(
        [("loss at step", "robomimic", "muse", "apart")]
        + [(k + 1, f"{a:.6f}", f"{b:.6f}", f"{abs(a - b):.1e}") for k, (a, b) in enumerate(pairs)]
    )
    return {"robomimic": [a for a, _ in pairs], "muse": [b for _, b in pairs], "largest_difference": max(apart)}


def own_steps(make: Callable[[], nn.Module], config: TrainConfig) -> dict[str, Callable[[Batch], object]]:
    """The trainer's step and the bare loops, each on a model of its own with the same weights."""
    steps: dict[str, Callable[[Batch], object]] = {}
    makers = {
        "muse": lambda model: muse_step(model, config),
        "bare torch, fused Adam": lambda model: bare_step(model, fused=True),
        "bare torch": lambda model: bare_step(model, fused=False),
    }
    for name, make_step in makers.items():
        torch.manual_seed(0)
        steps[name] = make_step(make())
    return steps


def measure_small(rounds: int) -> dict[str, list[float]]:
    """On the network that Muse's simulator configs train."""
    config = TrainConfig(model=BCRNNConfig(), horizon=HORIZON)
    steps = own_steps(lambda: build_model(config, make_spec(SMALL_SIZE)), config)
    return time_steps(steps, make_batches(1, SMALL_SIZE, SMALL_BATCH)[0], rounds)


def measure_resnet(size: int, batch: int, rounds: int, beside_robomimic: bool) -> dict[str, list[float]]:
    """On BC-RNN-GMM with a ResNet-18 a camera; beside robomimic's step."""
    steps = own_steps(lambda: make_bc_rnn_gmm(size), TrainConfig(max_gradient_norm=0.0))
    if beside_robomimic:
        steps["robomimic"] = robomimic_step(make_pair(size)[0])
    return time_steps(steps, make_batches(1, size, batch)[0], rounds)


def report(title: str, seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Print a table of milliseconds a step; the figures."""
    found = {name: timing.spread([1e3 * s for s in taken]) for name, taken in seconds.items()}
    timing.table([(f"ms a step: {title}", "min", "median", "max")] + [(n, *s.values()) for n, s in found.items()])
    return found


def main() -> int:
    parser = timing.parser(__doc__)
    parser.add_argument("--size", type=int, default=84, help="height and width of the ResNets' pictures")
    parser.add_argument("--batch", type=int, default=8, help="windows in a batch of the ResNets")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--parity-steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    begun = timing.machine()
    beside_robomimic = peers.have("robomimic")
    size, batch = arguments.size, arguments.batch
    small = measure_small(5 * arguments.rounds)
    large = measure_resnet(size, batch, arguments.rounds, beside_robomimic)
    names = {"small": f"small, {SMALL_SIZE}x{SMALL_SIZE}, batch {SMALL_BATCH}"}
    names["resnet"] = f"two ResNet-18, {size}x{size}, batch {batch}"
    figures = {"ms": {names["small"]: report(names["small"], small), names["resnet"]: report(names["resnet"], large)}}
    bars = []
    for name, seconds in (("small", small), ("resnet", large)):
        for bare in ("bare torch", "bare torch, fused Adam"):
            ratio = timing.ratios(seconds["muse"], seconds[bare])
            bars.append(timing.bar(f"time of {bare}, {name}", ratio["median"], STEP_BAR, at_most=True) | ratio)
    if beside_robomimic:
        ratio = timing.ratios(large["robomimic"], large["muse"])
        bars.append(timing.bar("steps a second of robomimic", ratio["median"], 1.0) | ratio)
        figures["losses"] = parity(arguments.parity_steps)
        apart = figures["losses"]["largest_difference"]
        bars.append(timing.bar("largest difference of the losses", apart, LOSS_BAR, at_most=True))
    figures |= {"bars": bars, "threads": arguments.threads, "horizon": HORIZON}
    timing.write(arguments.results / "training.json", figures, ("torch", "numpy", "robomimic", "torchvision"), begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
