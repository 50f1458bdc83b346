"""How many windows a second the small CPU encoder learns from at its own 64x64, beside ResNet-18 x2 at 128x128.

    python bench/encoder.py [--rounds 8] [--batch 16] [--resnet-batch 8] [--threads 2]

Whole training steps of BC-RNN with either encoder (forward, loss, backward, Adam), batch in RAM, T = 10, two cameras,
an encoder for each. Prints samples a second; writes ``bench/results/encoder.json``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import timing  # noqa: E402
import torch  # noqa: E402

from muse_core.configs import BCRNNConfig, TrainConfig  # noqa: E402
from muse_core.configs.encoders import EncoderConfig, ResNetConfig, SmallEncoderConfig  # noqa: E402
from muse_core.models import build_model  # noqa: E402
from muse_core.models.model import weighted_loss  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402

HORIZON = 10
BAR = 20.0


def make_step(encoder: EncoderConfig, size: int, batch: int) -> tuple[Callable[[], None], int]:
    """A training step on one made-up batch, and how many parameters learn."""
    spec = Spec(
        {
            "ee_position": ArraySpec((3,)),
            "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
            "gripper_width": ArraySpec((1,)),
            "image": ArraySpec((size, size, 3), "uint8"),
            "ego_image": ArraySpec((size, size, 3), "uint8"),
            "action": ArraySpec((7,), role="action"),
        }
    )
    torch.manual_seed(0)
    model = build_model(TrainConfig(model=BCRNNConfig(encoder=encoder), horizon=HORIZON), spec)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    generator = torch.Generator().manual_seed(0)
    arrays = {}
    for name, array in spec.items():
        values = torch.rand(batch, HORIZON, *array.shape, generator=generator)
        arrays[name] = (values * 256).to(torch.uint8) if array.is_image else values
    arrays["mask"] = arrays["observation_mask"] = torch.ones(batch, HORIZON, dtype=torch.bool)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        weighted_loss(model.loss(arrays)).backward()
        optimizer.step()

    return step, sum(p.numel() for p in model.parameters())


def main() -> int:
    parser = timing.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16, help="windows a batch with the small encoder")
    parser.add_argument("--resnet-batch", type=int, default=8, help="windows a batch with ResNet-18")
    parser.add_argument("--resnet-size", type=int, default=128, help="height and width of the ResNets' pictures")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    begun = timing.machine()
    batches = {"small, 64x64": arguments.batch}
    name = f"ResNet-18 x2, {arguments.resnet_size}x{arguments.resnet_size}"
    batches[name] = arguments.resnet_batch
    made = {
        "small, 64x64": make_step(SmallEncoderConfig(), 64, arguments.batch),
        name: make_step(ResNetConfig(shared=False), arguments.resnet_size, arguments.resnet_batch),
    }
    seconds = timing.interleave({n: step for n, (step, _) in made.items()}, arguments.rounds)
    samples = {n: [batches[n] / s for s in taken] for n, taken in seconds.items()}
    found = {n: timing.spread(taken) for n, taken in samples.items()}
    timing.table(
        [("windows a second", "min", "median", "max", "parameters")]
        + [(n, *s.values(), f"{made[n][1]:,}") for n, s in found.items()]
    )
    ratio = timing.ratios(samples["small, 64x64"], samples[name])
    bars = [timing.bar("small encoder's samples a second by ResNet-18 x2's", ratio["median"], BAR) | ratio]
    parameters = {n: count for n, (_, count) in made.items()}
    figures = {"samples_per_s": found, "parameters": parameters, "batch": batches, "bars": bars}
    figures |= {"horizon": HORIZON, "threads": arguments.threads}
    timing.write(arguments.results / "encoder.json", figures, ("torch", "numpy"), begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
