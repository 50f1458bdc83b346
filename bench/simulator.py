"""How well the scripted experts do in the simulator, and how fast it runs.

    python bench/simulator.py [--tasks lift place] [--seeds 100] [--first-seed 0] [--wide]

Per task: successes, steps and speeds over the seeds, without noise and with 6 mm on the executed action, through the
motion controller and the safety filter at their default limits, action latency 0.04 s. Then the speed, with both
cameras at 128x128 and without any. Prints a table and writes ``bench/results/simulator.json``. For the figure that
counts, give it two cores to itself: ``taskset -c 0,1 python bench/simulator.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.environments.panda.expert import make_expert
from muse_core.environments.panda.task_settings import describe_task
from muse_core.environments.panda.tasks import TASKS
from muse_core.environments.simulated_panda import SimulatedPanda
from muse_core.metrics.intervals import wilson_interval

RESULT = Path(__file__).parent / "results" / "simulator.json"
NOISES_M = (0.0, 0.006)
SPEED_STEPS = 300


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=100, help="episodes per task and noise")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--wide", action="store_true", help="spread the objects wider")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"tasks": {}, "wide": arguments.wide, "machine": machine()}
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    print(f"{'task':8} {'noise':>6} {'success':>9} {'95 %':>13} {'steps':>6} {'longest':>8} {'tool m/s':>9}")
    for task in arguments.tasks:
        rows = [measure_expert(task, noise, seeds, arguments.wide) for noise in NOISES_M]
        result["tasks"][task] = {"expert": rows, "settings": describe_task(task, arguments.wide)}
    print(f"\n{'task':8} {'cameras':>14} {'ms a step':>10} {'x real time':>12}")
    for task in arguments.tasks:
        result["tasks"][task]["speed"] = [measure_speed(task, size) for size in ((128, 128), None)]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {RESULT}")
    return 0


def measure_expert(task: str, noise_m: float, seeds: range, wide: bool) -> dict[str, Any]:
    """Run the expert once per seed."""
    environment = SimulatedPanda(task, images={}, wide=wide)
    lengths, failed, fastest = [], [], 0.0
    for seed in seeds:
        expert = make_expert(task, noise_m, seed=seed)
        environment.reset(seed=seed)
        terminated = truncated = False
        steps = 0
        while not (terminated or truncated):
            action = expert.act(environment.state(), environment.world.objects())
            _, _, terminated, truncated, _ = environment.step({"action": action.executed})
            fastest = max(fastest, float(np.linalg.norm(environment.state().ee_twist[:3])))
            steps += 1
        lengths.append(steps)
        if not terminated:
            failed.append(seed)
    environment.close()
    successes = len(seeds) - len(failed)
    low, high = wilson_interval(successes, len(seeds))
    print(
        f"{task:8} {noise_m * 1e3:4.0f} mm {successes:4d}/{len(seeds):<4d} {low:6.3f}-{high:5.3f}"
        f" {np.mean(lengths):7.1f} {max(lengths):8d} {fastest:9.3f}",
        flush=True,
    )
    return {
        "noise_m": noise_m,
        "episodes": len(seeds),
        "successes": successes,
        "wilson_95": [low, high],
        "failed_seeds": failed,
        "steps_mean": float(np.mean(lengths)),
        "steps_max": max(lengths),
        "fastest_measured_tool_m_s": fastest,
    }


def measure_speed(task: str, camera_size: tuple[int, int] | None) -> dict[str, Any]:
    """Time steps of the expert's episodes at 10 Hz, resets included."""
    options = {"images": {}} if camera_size is None else {"camera_size": camera_size}
    environment = SimulatedPanda(task, **options)
    environment.reset(seed=0)
    expert = make_expert(task)
    begin = time.perf_counter()
    for step in range(SPEED_STEPS):
        action = expert.act(environment.state(), environment.world.objects())
        _, _, terminated, truncated, _ = environment.step({"action": action.executed})
        if terminated or truncated:
            environment.reset(seed=step)
    step_s = (time.perf_counter() - begin) / SPEED_STEPS
    environment.close()
    cameras = "none" if camera_size is None else f"two {camera_size[0]}x{camera_size[1]}"
    print(f"{task:8} {cameras:>14} {step_s * 1e3:10.2f} {0.1 / step_s:12.1f}", flush=True)
    return {"cameras": cameras, "step_ms": step_s * 1e3, "times_real_time": 0.1 / step_s}


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "mujoco": version("mujoco"),
        "numpy": version("numpy"),
    }


if __name__ == "__main__":
    raise SystemExit(main())
