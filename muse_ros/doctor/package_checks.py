"""Python packages by role: which commands can run here, and which extra would bring the others."""

from __future__ import annotations

import sys

from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict

ROLES = {  # role: (what has to be importable, what it enables, how to get it)
    "base": (
        ("numpy", "yaml", "rosbags", "tqdm", "tyro", "lz4"),
        "muse convert, inspect, import, export, contract",
        "pip install -e .",
    ),
    "robot": (
        ("cv2", "pygame", "ruckig"),
        "the nodes panda, camera, teleop with its window",
        "pip install -e '.[robot]'",
    ),
    "sim": (("mujoco", "av", "cv2", "ruckig"), "the simulated Panda", "pip install -e '.[sim]'"),
    "train": (
        ("torch", "h5py", "cv2", "av", "matplotlib", "jinja2", "tensorboard"),
        "muse train, eval; the policy node; reports",
        "pip install -e '.[train]'",
    ),
    "gym": (("gymnasium",), "environments of gymnasium", "pip install -e '.[gym]'"),
}
OLDEST = (3, 10)


def check_packages(machine: Machine, version: tuple[int, ...] = tuple(sys.version_info[:3])) -> list[Finding]:
    """Python, and each role."""
    python = f"{'.'.join(map(str, version))} at {machine.python}"
    if version[:2] < OLDEST:
        first = Finding("python", "python", Verdict.FAIL, f"{python}: Muse needs 3.10", "make setup PYTHON=python3.12")
    else:
        first = Finding("python", "python", Verdict.OK, python)
    return [first, *(_role(machine, role) for role in ROLES)]


def _role(machine: Machine, role: str) -> Finding:
    needed, enables, cure = ROLES[role]
    missing = [package for package in needed if not machine.has_package(package)]
    if not missing:
        return Finding("python", role, Verdict.OK, enables)
    verdict = Verdict.FAIL if role == "base" else Verdict.SKIP
    return Finding("python", role, verdict, f"without {', '.join(missing)} no: {enables}", cure)
