"""Run by a Python that has torch 1.13.1, the version that Polymetis' servers run; prints what came of it as JSON.

Reads a folder: `controller.pt`, and `cycles.json`, a list of states, some with the name of an archive to update by
before the cycle. Needs torch and the standard library alone: no numpy, nothing of Muse.
"""

import json
import sys
import time
from pathlib import Path

import torch

TENSORS = ("joint_positions", "joint_velocities", "motor_torques_measured", "motor_torques_external")


def main(folder: Path) -> dict:
    """Run the cycles; torques, refusals and durations."""
    torch.set_num_threads(1)
    begun = time.perf_counter()
    with (folder / "controller.pt").open("rb") as file:
        controller = torch.jit.load(file)
    load_ms = 1e3 * (time.perf_counter() - begun)
    state = {"timestamp": torch.zeros(2, dtype=torch.int32), **{name: torch.zeros(7) for name in TENSORS}}
    torques, refused, forward_us, update_us, open_us = [], [], [], [], []
    for cycle in json.loads((folder / "cycles.json").read_text()):
        if "update" in cycle:
            begun = time.perf_counter()
            parameters = torch.jit.load(str(folder / cycle["update"])).forward()
            opened = time.perf_counter()
            try:
                controller.update(parameters)
            except torch.jit.Error as error:
                refused.append(str(error))
            open_us.append(1e6 * (opened - begun))
            update_us.append(1e6 * (time.perf_counter() - opened))
        state["timestamp"][:] = torch.tensor(cycle["timestamp"], dtype=torch.int32)
        state["joint_positions"][:] = torch.tensor(cycle["q"])
        state["joint_velocities"][:] = torch.tensor(cycle["velocity"])
        begun = time.perf_counter()
        with torch.no_grad():
            found = controller.forward(state)["joint_torques"]
        forward_us.append(1e6 * (time.perf_counter() - begun))
        torques.append(found.tolist())
    return {
        "version": torch.__version__,
        "torques": torques,
        "refused": refused,
        "terminated": controller.is_terminated(),
        "load_ms": load_ms,
        "forward_us": forward_us,
        "update_us": update_us,
        "open_us": open_us,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
