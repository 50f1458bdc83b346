"""The original's recipe for making coffee beside the tuned one, at a size that a CPU trains: which learns better?

    python bench/recipes.py DATA [--task place] [--minutes 5 | --windows 32000] [--demonstrations 200] [--seeds 100]

Trains `config/train/coffee/vis_bc_rnn.py` and `vis_bc_rnn_tuned.py` on the same demonstrations of a simulated task
(kept in the folder DATA, see `learning.py`), each for the same time or until it has seen the same number of windows,
and runs both on the same seeds. What needs a GPU is replaced alike in both: the small encoder stands in for the
ResNet-18, pictures have 64x64 pixels before the crop, numbers are float32. All else is the recipe's own: what the
network sees of orientations, the head and its loss, the recurrent network and its memory, batch, optimiser, schedule,
augmentation, averaging.

Writes ``bench/results/recipes.json``. Give it two cores to itself: ``taskset -c 0,1``.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("MUJOCO_GL", "egl")

import timing  # noqa: E402
from learning import FIRST_SEED, PACKAGES, muse_policy, outcome, train_muse  # noqa: E402
from simulated import demonstrations, evaluate  # noqa: E402

from muse_core.configs import load_config  # noqa: E402
from muse_core.metrics.comparison import compare_paired  # noqa: E402

RECIPES = ("coffee/vis_bc_rnn", "coffee/vis_bc_rnn_tuned")
SIZED_FOR_A_CPU = (
    "--model.encoder",
    "small",
    "--image_size",
    "None",
    "--precision",
    "float32",
    "--max_minutes",
    "None",
)
WARM_UP_STEPS = 50  # the recipes' own warm-up is meant for a hundred times the steps
PICTURE = 64 / 240  # of the height that the recipes are meant for: shifts shrink alike


def options(recipe: str, minutes: float | None, windows: int, threads: int) -> list[str]:
    """What differs from the config file."""
    config = load_config(ROOT / "config" / "train" / f"{recipe}.py")
    steps = 1_000_000 if minutes else windows // config.batch_size
    found = [*SIZED_FOR_A_CPU, "--max_steps", str(steps), "--max_minutes", f"{minutes:g}" if minutes else "None"]
    for every in ("--validate_every", "--save_every", "--images_every"):
        found += [every, str(steps)]
    found += ["--checkpoint_every", "0", "--validation_fraction", "0.05", "--threads", str(threads)]
    found += ["--augment.shift", str(round(config.augment.shift * PICTURE))]
    return found + (["--warmup_steps", str(WARM_UP_STEPS)] if config.warmup_steps else [])


def main() -> int:
    parser = timing.parser(__doc__)
    parser.add_argument("data", type=Path, help="folder for demonstrations, which are made once, and for the runs")
    parser.add_argument("--task", default="place")
    parser.add_argument("--demonstrations", type=int, default=200)
    parser.add_argument("--minutes", type=float, help="of training for each recipe, in place of --windows")
    parser.add_argument("--windows", type=int, default=32_000, help="that each recipe is trained on, with repetition")
    parser.add_argument("--seeds", type=int, default=100, help="episodes of each evaluation")
    parser.add_argument("--threads", type=int, default=2, help="of torch in training")
    parser.add_argument("--workers", type=int, default=2, help="processes that simulate")
    arguments = parser.parse_args()
    begun = timing.machine()
    arguments.data.mkdir(parents=True, exist_ok=True)
    runs = arguments.data / time.strftime("recipes_%Y%m%d_%H%M%S")
    runs.mkdir()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    data = demonstrations(arguments.data, arguments.task, arguments.demonstrations, arguments.workers)
    figures: dict[str, Any] = {}
    succeeded = {}
    for recipe in RECIPES:
        name = Path(recipe).name
        changes = options(recipe, arguments.minutes, arguments.windows, arguments.threads)
        path, taken = train_muse(recipe, data, runs, name, changes)
        results = evaluate(partial(muse_policy, path), arguments.task, seeds, arguments.workers)
        figures[name] = outcome(name, results, taken) | {"options": changes}
        succeeded[name] = [r.success for r in results]
    original, tuned = succeeded.values()
    paired = compare_paired(tuned, original)
    print(f"tuned minus original: {100 * paired.difference:+.1f} points, "
          f"95 % interval {100 * paired.low:+.1f} .. {100 * paired.high:+.1f}")  # fmt: skip
    size = {"minutes": arguments.minutes} if arguments.minutes else {"windows": arguments.windows}
    written = {"task": arguments.task, **size, "demonstrations": arguments.demonstrations}
    written |= {"recipes": figures, "paired": paired.to_dict()}
    timing.write(arguments.results / "recipes.json", written, PACKAGES, begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
