"""Every config in `config/train` resolves, and trains a few steps on data of its kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")
pytest.importorskip("tyro")

from muse_core.checkpoints import load_checkpoint  # noqa: E402
from muse_core.configs import BCRNNConfig, ResNetConfig, load_config  # noqa: E402
from muse_core.datasets.episode_folder import EpisodeFolder  # noqa: E402
from muse_core.datasets.opening import open_dataset  # noqa: E402
from muse_core.models import build_model  # noqa: E402
from muse_core.policies.learned import LearnedPolicy  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402
from muse_core.trainers.train import main  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted((ROOT / "config" / "train").rglob("*.py"))
SIDE = 64
# What makes a real network small enough for a test, the kind of each part as it is.
LIGHT = {
    "vis_bc_rnn": ["--model.hidden_size", "32"],
    "vis_bc_rnn_tuned": ["--model.hidden_size", "32", "--precision", "float32"],
    "vis_hydra": ["--model.hidden_size", "32"],
    "vis_diffusion": ["--model.denoiser.channels", "16", "32", "64", "--precision", "float32"],
    "vis_act": ["--model.width", "64", "--model.feedforward", "64"],
}


def original_npz(path: Path, lengths: tuple[int, ...] = (14, 11, 24)) -> None:
    """A file as the original Muse's collection writes one: flat, episodes ended by `done`, BGR, a column of objects."""
    rows, rng = sum(lengths), np.random.default_rng(0)
    done = np.zeros(rows, bool)
    done[np.cumsum(lengths) - 1] = True
    columns = {"ee_position": 3, "ee_orientation_eul": 3, "q": 7, "qdot": 7, "gripper_width": 1, "gripper_pos": 1}
    arrays = {name: rng.normal(0, 0.1, (rows, size)).astype(np.float32) for name, size in columns.items()}
    quaternions = rng.normal(0, 1, (rows, 4)).astype(np.float32)
    path.parent.mkdir(parents=True)
    np.savez_compressed(
        path,
        **arrays,
        ee_orientation=quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True),
        gripper_open=rng.integers(0, 2, (rows, 1)).astype(bool),
        image=rng.integers(0, 256, (rows, SIDE, SIDE, 3), dtype=np.uint8),
        ego_image=rng.integers(0, 256, (rows, SIDE, SIDE, 3), dtype=np.uint8),
        action=np.clip(rng.normal(0, 0.02, (rows, 7)), -1, 1).astype(np.float32),
        policy_type=np.full((rows, 1), 254, np.uint8),
        policy_name=np.full((rows, 1), "vr", object),
        policy_switch=np.zeros((rows, 1), bool),
        reward=np.zeros((rows, 1), np.float32),
        rollout_timestep=np.concatenate([np.arange(n) for n in lengths]),
        done=done,
    )


def labelled(source: Path, target: Path) -> None:
    """The same episodes with a mode and a waypoint for every row."""
    store = open_dataset(source)
    names = ("ee_position", "ee_orientation", "gripper_pos", "image", "ego_image", "action")
    labels = {"mode": ("int64", 1), "target/ee_position": ("float32", 3), "target/gripper": ("float32", 1)}
    labels["target/ee_orientation"] = ("float32", 4)
    extra = {name: ArraySpec((size,), dtype, role="output") for name, (dtype, size) in labels.items()}
    folder = EpisodeFolder.create(target, Spec({**store.spec.select(names), **extra}))
    for name in store.ids:
        arrays = {key: np.asarray(store.get_episode(name).arrays[key]) for key in names}
        rows = len(arrays["action"])
        arrays["mode"] = np.arange(rows)[:, None] // 4 % 2
        arrays |= {"target/ee_position": arrays["ee_position"], "target/ee_orientation": arrays["ee_orientation"]}
        folder.add_episode(name, {**arrays, "target/gripper": arrays["gripper_pos"]})


@pytest.mark.parametrize("path", [p for p in SHIPPED if p.parent.name == "coffee"], ids=lambda p: p.stem)
def test_a_coffee_config_trains_from_a_file_of_the_original_and_acts(path: Path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    original_npz(Path("data/real/make-coffee_eimgs_100ep.npz"))
    if path.stem == "vis_hydra":
        source = Path("data/real/make-coffee_eimgs_100ep.npz")
        labelled(source, source.with_suffix(""))
        source.unlink()
    small = ("--batch_size", "2", "--max_steps", "2", "--validation_fraction", "0", "--threads", "1", "--device", "cpu")
    named = ("--no_env", str(path), "--dataset", "make-coffee_eimgs_100ep", "--exp_name", "one")
    if load_config(path).image_size:
        small = (*small, "--image_size", "32", "32")
    assert main([*named, *small, *LIGHT[path.stem]]) == 0
    checkpoint = load_checkpoint("experiments/one/models/model.pt")
    config = checkpoint.train_config
    assert checkpoint.step == 2 and config.rollouts.every == 0
    assert (config.horizon, config.image_crop) == (load_config(path).horizon, 0.9)
    policy = LearnedPolicy(checkpoint)
    action = policy.act(policy.observation_spec.sample(np.random.default_rng(0)))
    assert np.isfinite(action["action"]).all()


@pytest.mark.parametrize("path", [p for p in SHIPPED if p.parent.name == "sim"], ids=lambda p: p.stem)
def test_a_config_of_the_simulator_trains(path: Path, tiny_dataset, point_dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = point_dataset if path.stem == "point_mass" else tiny_dataset
    small = ("--batch_size", "2", "--max_steps", "2", "--threads", "1", "--device", "cpu", "--exp_name", "one")
    assert main([str(path), "--dataset", str(dataset.path), *small]) == 0
    assert load_checkpoint("experiments/one/models/model.pt").train_config.task == path.stem


CAMERA = ArraySpec((240, 320, 3), "uint8", unit="rgb")
COFFEE = Spec(
    {
        "ee_position": ArraySpec((3,)),
        "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
        "gripper_pos": ArraySpec((1,)),
        "image": CAMERA,
        "ego_image": CAMERA,
        "action": ArraySpec((7,), role="action"),
    }
)


def test_vis_bc_rnn_is_the_originals_network_with_its_hyper_parameters():
    config = load_config(ROOT / "config" / "train" / "coffee" / "vis_bc_rnn.py")
    with torch.device("meta"):
        model = build_model(config, COFFEE)
    assert sum(p.numel() for p in model.parameters()) == 23_759_935
    assert isinstance(config.model, BCRNNConfig) and isinstance(config.model.encoder, ResNetConfig)
    assert (config.optimizer, config.learning_rate, config.final_learning_rate) == ("adam", 1e-4, 1.0)
    assert (config.warmup_steps, config.max_gradient_norm, config.weight_decay) == (0, 0.0, 0.0)
    assert (config.max_steps, config.save_every, config.checkpoint_every) == (600_000, 20_000, 20_000)
    assert config.augment.noise == {"ee_position": 0.005, "ee_orientation": 0.0005} and config.augment.shift == 0


@pytest.mark.parametrize(("name", "parameters"), [("lift", 2_205_949), ("place", 962_313), ("coffee", 962_313)])
def test_the_simulators_configs_keep_their_small_network(name: str, parameters: int):
    spec = Spec(
        {
            "ee_position": ArraySpec((3,)),
            "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
            "gripper_width": ArraySpec((1,)),
            "image": ArraySpec((64, 64, 3), "uint8"),
            "ego_image": ArraySpec((64, 64, 3), "uint8"),
            "action": ArraySpec((7,), role="action"),
        }
    )
    model = build_model(load_config(ROOT / "config" / "train" / "sim" / f"{name}.py"), spec)
    assert sum(p.numel() for p in model.parameters()) == parameters
