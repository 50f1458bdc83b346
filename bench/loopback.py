"""One checkpoint on the same seeds twice: in the simulator directly, and over the loopback Polymetis server.

The second way is the real arm's: live nodes in real time, set-points over gRPC, a controller in TorchScript at 1 kHz,
torques in the physics. Each success rate should lie within the other's 95 % interval.
Run: ``python bench/loopback.py experiments/NAME``. Needs rclpy; starts its own nodes in a domain of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import timing
from collecting import ROOT, own_domain

from muse_core.metrics.intervals import wilson_interval

PACKAGES = ("torch", "mujoco", "grpcio", "ros-jazzy-rclpy")


def directly(model: Path, seed: int, episodes: int, output: Path) -> list[bool]:
    """Success on each seed in the simulator itself."""
    muse("eval", "--model_file", str(model), "--seed", str(seed), "--episodes", str(episodes), "--output", str(output))
    results = json.loads((output / "results.json").read_text(encoding="utf-8"))["results"]
    return [bool(each["success"]) for each in sorted(results, key=lambda each: each["seed"])]


def over_the_server(model: Path, task: str, seed: int, episodes: int, longest_s: float, root: Path) -> list[bool]:
    """Success on each seed through the live nodes."""
    muse(
        *("up", "policy", "robot:=polymetis", "loopback:=true", f"task:={task}", f"model_file:={model}"),
        *(f"seed:={seed}", f"episodes:={episodes}", f"max_episode_s:={longest_s:g}", "window:=false"),
        *(f"root_dir:={root}", "session:=loopback"),
    )
    found = [json.loads(path.read_text(encoding="utf-8")) for path in (root / "loopback").glob("*/episode.json")]
    outcomes = {info["seed"]: info["outcome"] == "success" for info in found}
    return [outcomes[each] for each in range(seed, seed + episodes)]


def muse(*arguments: str) -> None:
    """Run one of Muse's commands; what it says is shown where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "muse_ros.command", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"muse {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def main() -> int:
    """Evaluate both ways, print, write ``bench/results/loopback.json``; exit code 1 where the rates are apart."""
    parser = timing.parser(__doc__)
    parser.add_argument("model", type=Path, help="an experiment, or a checkpoint")
    parser.add_argument("--task", default="lift", help="that it was trained for [lift]")
    parser.add_argument("--episodes", type=int, default=50, help="how many seeds [50]")
    parser.add_argument("--seed", type=int, default=100_000, help="the first [100000]")
    parser.add_argument("--max_episode_s", type=float, default=15.0, help="an episode without success ends then [s]")
    given = parser.parse_args()
    model = given.model if given.model.is_file() else given.model / "models" / "model.pt"
    begun = timing.machine()
    own_domain()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        outcomes = {
            "simulator": directly(model.absolute(), given.seed, given.episodes, root / "eval"),
            "loopback": over_the_server(
                model.absolute(), given.task, given.seed, given.episodes, given.max_episode_s, root
            ),
        }
    successes = {way: sum(each) for way, each in outcomes.items()}
    intervals = {way: wilson_interval(number, given.episodes) for way, number in successes.items()}
    rows = [["way", "succeeded", "of", "95 % from", "to"]]
    rows += [[way, successes[way], given.episodes, *intervals[way]] for way in outcomes]
    timing.table(rows)
    simulator, loopback = (number / given.episodes for number in successes.values())
    alike = _within(simulator, intervals["loopback"]) and _within(loopback, intervals["simulator"])
    print(f"each within the other's interval: {'yes' if alike else 'NO'}")
    result = {"task": given.task, "episodes": given.episodes, "successes": successes, "intervals": intervals}
    timing.write(given.results / "loopback.json", {**result, "alike": alike}, PACKAGES, begun)
    return 0 if alike else 1


def _within(rate: float, interval: tuple[float, float]) -> bool:
    return interval[0] - 1e-9 <= rate <= interval[1] + 1e-9  # of 50 in 50 the interval ends at 1, but for rounding


if __name__ == "__main__":
    raise SystemExit(main())
