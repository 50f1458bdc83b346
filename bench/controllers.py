"""What the controllers for Polymetis cost a server, how smoothly they follow, and how stiff an arm may be.

    python bench/controllers.py [--cycles 5000] [--old-python /usr/bin/python3]

Four tables: sizes, and the time of a call, in this torch and in the 1.13.1 that the servers run (where another Python
has it); what is desired while set-points of a swing arrive late, are lost or stall; tracking of the torque-driven arm
with friction; and what a knock leaves with a control loop that is late. Writes ``bench/results/controllers.json``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "test/support")]

import numpy as np  # noqa: E402
import timing  # noqa: E402
from driven_arm import DrivenArm  # noqa: E402
from swing import PERIOD_S, motion, stream  # noqa: E402

from muse_ros.polymetis.controller_limits import FIRM_DAMPING, FIRM_STIFFNESS  # noqa: E402
from muse_ros.polymetis.controllers import gravity_compensation, joint_impedance  # noqa: E402
from muse_ros.polymetis.set_points import SetPointArchive  # noqa: E402

SCRIPT = ROOT / "test/support/libtorch_1_13.py"
GAINS = {
    "the server's own, 50 N m/rad": ((40, 30, 50, 25, 35, 25, 10), (4, 6, 5, 5, 3, 2, 1)),
    "firm, 200": (FIRM_STIFFNESS, FIRM_DAMPING),
    "libfranka's example, 600": ((600, 600, 600, 600, 250, 150, 50), (50, 50, 50, 50, 30, 25, 15)),
}
CYCLE_MS = 1.0


def timed(python: str, cycles: int, archive: bytes) -> dict[str, float]:
    """Run a controller by a Python's torch, a set-point every 20 cycles; what its calls took."""
    packed = SetPointArchive()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.joinpath("controller.pt").write_bytes(archive)
        rows = []
        for n in range(cycles):
            q, velocity = motion(1e-3 * n - 0.02)
            stamp = divmod(1_700_000_000_000_000_000 + n * 1_000_000, 1_000_000_000)
            rows.append({"timestamp": stamp, "q": q.tolist(), "velocity": velocity.tolist()})
            if n % 20 == 10:
                folder.joinpath(f"{n}.pt").write_bytes(packed.pack(*motion(1e-3 * n + 0.02), 0.02, n))
                rows[-1]["update"] = f"{n}.pt"
        folder.joinpath("cycles.json").write_text(json.dumps(rows))
        done = subprocess.run([python, str(SCRIPT), name], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    forward, update = np.array(found["forward_us"][20:]), np.array(found["update_us"])
    return {
        "torch": found["version"],
        "load [ms]": found["load_ms"],
        "cycle p50 [us]": float(np.percentile(forward, 50)),
        "p99": float(np.percentile(forward, 99)),
        "first set-point [ms]": 1e-3 * update[0],
        "second": 1e-3 * update[1],
        "later p50 [us]": float(np.percentile(update[2:], 50)),
        "p99 of them": float(np.percentile(update[2:], 99)),
    }


def arrivals(count: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Ways in which set-points come: when each arrives [s], and which it is."""
    rng, index = np.random.default_rng(0), np.arange(count)
    on_time = index * PERIOD_S
    kept = index[rng.random(count) > 0.05]
    stalled = on_time.copy()
    stalled[count // 3 : count // 3 + 5] = stalled[count // 3 + 4]
    found = {"on time": (on_time, index)}
    for jitter_ms in (2, 5, 10):
        late = np.maximum.accumulate(on_time + rng.uniform(0, 2e-3 * jitter_ms, count))
        found[f"up to {2 * jitter_ms} ms late"] = (late, index)
    return found | {"one in 20 lost": (kept * PERIOD_S, kept), "a stall of 100 ms": (stalled, index)}


def smoothness(count: int) -> list[list[object]]:
    """Rows of a table: how what is desired follows the swing."""
    archive = joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING)
    rows: list[list[object]] = []
    for name, (arrivals_s, indices) in arrivals(count).items():
        desired = stream(archive, arrivals_s, indices, round(1e3 * PERIOD_S * count))
        late, off, ripple = desired.behind(min(1500, len(desired.positions)))
        rows.append([name, late, 1e3 * off, ripple, desired.largest_acceleration()])
    return rows


def tracking(seconds: float) -> list[list[object]]:
    """Rows of a table: how far off the arm is in the swing, and after it."""
    rows: list[list[object]] = []
    for name, gains in GAINS.items():
        for friction in (0.0, 0.5, 1.0):
            driven = DrivenArm(joint_impedance(*gains), friction=friction)
            positions, desired = driven.swing(seconds)
            rest = driven.run(round(1e3 * min(seconds, 1.5)))[-1] - driven.controller.desired
            moving = 1e3 * np.abs(positions - desired)
            step = np.abs(np.diff(driven.torques, axis=0)).max()
            rows.append([name, friction, np.sqrt((moving**2).mean()), moving.max(), 1e3 * np.abs(rest).max(), step])
    return rows


def knocks(seconds: float) -> list[list[object]]:
    """Rows of a table: the fastest joint a while after all joints were set moving at 0.7 rad/s."""
    rows: list[list[object]] = []
    for name, gains in GAINS.items():
        for late in (1, 2, 4, 6):
            speeds = []
            for rotors in (0.1, 0.03):
                driven = DrivenArm(joint_impedance(*gains), friction=0.2, late=late, noise=0.002, rotors=rotors)
                driven.knock(0.7)
                after = driven.run(round(1e3 * seconds))[-200:]
                speeds.append(float(np.abs(np.diff(after, axis=0)).max() * 1e3 / CYCLE_MS))
            rows.append([name, late, *speeds])
    return rows


def main() -> int:
    parser = timing.parser(__doc__)
    parser.add_argument("--cycles", type=int, default=5000, help="timed calls")
    parser.add_argument("--old-python", default="/usr/bin/python3", help="a Python with torch 1.13.1")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each motion, 0.2 at least")
    arguments = parser.parse_args()
    begun = timing.machine()
    made = {"joint impedance": joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING), "gravity": gravity_compensation()}
    sizes = {name: len(archive) for name, archive in made.items()}
    sizes["set-point"] = len(SetPointArchive().pack(*motion(0.0), 0.02, 1))
    timing.table([("archive", "bytes"), *sizes.items()])
    calls = []
    for python in (sys.executable, arguments.old_python):
        try:
            calls.append(timed(python, arguments.cycles, made["joint impedance"]))
        except (OSError, subprocess.CalledProcessError):
            print(f"{python} has no torch; Debian 12 has 1.13.1: apt-get install --no-install-recommends python3-torch")
    timing.table([tuple(calls[0]), *(tuple(each.values()) for each in calls)])
    heads = {
        "smoothness": ("arrivals", "behind [ms]", "off [mrad]", "[rad/s]", "acceleration [rad/s^2]"),
        "tracking": ("gains", "friction [N m]", "rms [mrad]", "max", "at rest", "torque step [N m/ms]"),
        "knocks": ("gains", "late [ms]", "speed left [rad/s]", "light rotors"),
    }
    rows = {
        "smoothness": smoothness(round(arguments.seconds / PERIOD_S)),
        "tracking": tracking(arguments.seconds),
        "knocks": knocks(arguments.seconds),
    }
    for name, head in heads.items():
        print()
        timing.table([head, *rows[name]])
    figures = {name: [dict(zip(head, row, strict=True)) for row in rows[name]] for name, head in heads.items()}
    figures |= {"archive_bytes": sizes, "calls": calls}
    rounded = json.loads(json.dumps(figures), parse_float=lambda text: float(f"{float(text):.4g}"))
    timing.write(arguments.results / "controllers.json", rounded, ("torch", "numpy", "mujoco"), begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
