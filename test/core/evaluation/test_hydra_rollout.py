"""HYDRA from demonstrations to rollouts: relabelled by speed, trained for seconds, there by waypoints."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from muse_core.configs import GoalConfig, HydraConfig, TrainConfig  # noqa: E402
from muse_core.datasets.relabelling.relabel_cli import main as relabel  # noqa: E402
from muse_core.environments.point_mass import PointMass  # noqa: E402
from muse_core.policies.learned import LearnedPolicy  # noqa: E402
from muse_core.trainers.train import main as train  # noqa: E402
from muse_core.trainers.train import run  # noqa: E402

WAY = {"position": "position", "orientation": "", "translation_scale": 10.0, "step_m": 0.04}  # 0.4 m/s at 10 Hz


def config(dataset: str, experiments: str) -> TrainConfig:
    return TrainConfig(
        dataset=dataset,
        observations=("position", "velocity"),
        goal=GoalConfig(keys=("position",)),
        horizon=4,
        batch_size=32,
        max_steps=800,
        learning_rate=3e-3,
        images_every=0,
        validate_every=800,
        device="cpu",
        threads=1,
        experiments_dir=experiments,
        model=HydraConfig(
            hidden_size=32,
            layers=1,
            waypoint_sizes=(64, 64),
            mode_sizes=(32,),
            gripper="none",
            waypoint="relative",
            **WAY,
        ),
    )


def test_it_learns_from_relabelled_demonstrations_and_goes_to_its_target_by_waypoints(ways, tmp_path):
    flags = [f for name, value in WAY.items() for f in (f"--{name}", str(value))]
    labelled = tmp_path / "labelled"
    assert relabel([str(ways), "-o", str(labelled), *flags, "--shortest_dense", "2", "--waypoint_steps", "15"]) == 0
    made = config(str(labelled), str(tmp_path))
    assert run(made) == 0
    policy = LearnedPolicy.from_checkpoint(made.experiment_path / "models" / "model.pt", batch_size=10)
    environments = [PointMass() for _ in range(10)]
    observations = [e.reset(seed=1000 + i)[0] for i, e in enumerate(environments)]
    succeeded, held = np.zeros(10, bool), np.zeros(10)
    for _ in range(80):
        actions = policy.act({name: np.stack([o[name] for o in observations]) for name in observations[0]})["action"]
        for i in np.flatnonzero(~succeeded):
            observations[i], _, succeeded[i], _, _ = environments[i].step({"action": actions[i]})
            held[i] += policy._memory.held[i] > 0
    assert succeeded.sum() >= 9
    assert (held > 5).all()


def test_a_dataset_without_labels_is_refused_with_the_command_that_makes_them(ways, tmp_path, capsys):
    (tmp_path / "hydra.py").write_text(
        "from muse_core.configs import HydraConfig, TrainConfig\n"
        f"export = TrainConfig(dataset={str(ways)!r}, observations=('position', 'velocity'), model=HydraConfig("
        "position='position', orientation='', gripper='none'))\n"
    )
    assert train([str(tmp_path / "hydra.py")]) == 2
    told = capsys.readouterr().err
    assert "has no mode, target/position, which the model hydra learns from" in told
    assert f"`muse relabel {ways} -o {ways}_relabelled`" in told
