"""What a run learns from: datasets, episodes, order, and the way to the device."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from muse_core.configs import (  # noqa: E402
    ACTConfig,
    AugmentConfig,
    BCRNNConfig,
    ConfigError,
    GoalConfig,
    HydraConfig,
    TrainConfig,
)
from muse_core.datasets.episode_folder import EpisodeFolder  # noqa: E402
from muse_core.models import build_model  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402
from muse_core.trainers.data import choose_episodes, make_augmenter, open_training_data  # noqa: E402
from muse_core.trainers.device_images import DeviceImages  # noqa: E402
from muse_core.trainers.loading import prefetch  # noqa: E402

CPU = torch.device("cpu")
MODELS = {
    "bc_rnn": BCRNNConfig(hidden_size=8),
    "act": ACTConfig(width=16, feedforward=16, attention_heads=2, execute=1),
}


def make(path: Path, first: int, lengths: tuple[int, ...], role: str = "action") -> str:
    """Episodes whose rows count from `first`, each picture as bright as its row's number."""
    spec = Spec(
        {
            "q": ArraySpec((1,)),
            "image": ArraySpec((8, 10, 3), "uint8"),
            "mode": ArraySpec((1,), "uint8", role="output"),
            "action": ArraySpec((1,), role=role),
        }
    )
    folder = EpisodeFolder.create(path, spec)
    for i, length in enumerate(lengths):
        q = first + np.arange(length, dtype=np.float32)[:, None]
        ramp = np.arange(80, dtype=np.uint8).reshape(8, 10, 1)
        arrays = {"q": q, "image": (ramp + q[..., None, None]).astype(np.uint8).repeat(3, axis=3), "action": -q}
        folder.add_episode(f"{path.name}_{i}", {**arrays, "mode": np.full((length, 1), i % 2, np.uint8)})
        first += length
    return str(path)


def config(dataset: str, **changes: object) -> TrainConfig:
    values = {
        "dataset": dataset,
        "observations": ("q", "image"),
        "horizon": 2,
        "batch_size": 500,
        "validation_fraction": 0.0,
        "augment": AugmentConfig(shift=0),
    }
    return TrainConfig(**{**values, **changes})


def shares(values: TrainConfig, edges: list[float]) -> list[float]:
    """Which share of a batch's windows begins below each edge, and not below the one before."""
    data = open_training_data(values)
    first = data.train.get_batch(data.sampler.next())["q"][:, 0, 0]
    return [float(((low <= first) & (first < high)).mean()) for low, high in zip([0, *edges], edges, strict=False)]


def test_several_datasets_are_drawn_from_by_size_or_by_weight(tmp_path):
    one, two = make(tmp_path / "one", 0, (30,)), make(tmp_path / "two", 100, (10,))
    by_size = shares(config(one, extra_datasets=(two,)), [100, 200])
    assert by_size == pytest.approx([0.75, 0.25], abs=0.02)  # 30 and 10 windows, whole epochs but for 20 of 500
    by_weight = shares(config(one, extra_datasets=(two,), dataset_weights=(1.0, 3.0)), [100, 200])
    assert by_weight == pytest.approx([0.25, 0.75], abs=0.08)


def test_sampling_by_episode_or_by_key_evens_out_long_and_short(tmp_path):
    path = make(tmp_path / "one", 0, (40, 10))
    assert shares(config(path), [40, 50]) == pytest.approx([0.8, 0.2], abs=0.01)
    assert shares(config(path, sampling="episodes"), [40, 50]) == pytest.approx([0.5, 0.5], abs=0.01)
    weighted = {"sampling": "weighted", "sampling_key": "mode", "sampling_weights": (1.0, 9.0)}
    assert shares(config(path, **weighted), [40, 50]) == pytest.approx([0.1, 0.9], abs=0.05)
    both = shares(config(path, sampling="episodes", dataset_weights=(1.0,)), [40, 50])
    assert both == pytest.approx([0.5, 0.5], abs=0.08)
    with pytest.raises(ConfigError, match=r"--sampling_key: the dataset has no 'mod'; did you mean 'mode'\?"):
        open_training_data(config(path, **{**weighted, "sampling_key": "mod"}))
    with pytest.raises(ConfigError, match=r"one whole number a row, not float32 of shape \(1,\) a row"):
        open_training_data(config(path, **{**weighted, "sampling_key": "q"}))
    with pytest.raises(ConfigError, match="no window has the value 2"):
        open_training_data(config(path, **{**weighted, "sampling_weights": (1.0, 1.0, 1.0)}))


def test_keys_have_the_roles_of_the_config_whatever_they_were_recorded_as(tmp_path):
    data = open_training_data(config(make(tmp_path / "one", 0, (5,), role="observation"), horizon=2))
    assert data.train.spec["action"].role == "action"
    swapped = config(str(tmp_path / "one"), observations=("action",), actions=("q",))
    assert open_training_data(swapped).train.spec["q"].role == "action"


@pytest.mark.parametrize("model", ["bc_rnn", "act"])
def test_a_number_a_step_is_seen_and_given_as_a_vector_of_one_is(tmp_path, model):
    spec = Spec({"q": ArraySpec((2, 3)), "time": ArraySpec(()), "action": ArraySpec((), role="action")})
    folder = EpisodeFolder.create(tmp_path / "one", spec)
    rows = np.arange(6, dtype=np.float32)
    folder.add_episode("a", {"q": np.zeros((6, 2, 3), np.float32), "time": rows, "action": -rows})
    values = config(str(tmp_path / "one"), observations=("q", "time"), model=MODELS[model])
    data = open_training_data(values)
    learner = build_model(values, data.train.spec, data.train.statistics())
    batch = {name: torch.from_numpy(array) for name, array in data.train.get_batch([0, 1, 4]).items()}
    assert all(torch.isfinite(term.total) for term in learner.loss(batch).values())
    memory = learner.eval().start(3)
    learner.observe({"q": batch["q"][:, 0], "time": batch["time"].reshape(3, -1)[:, 0]}, memory)
    assert learner.predict(memory)["action"].shape[:1] == (3,) and learner.predict(memory)["action"].ndim == 2


def test_what_an_episode_has_once_is_no_observation_of_a_step(tmp_path):
    spec = Spec({"q": ArraySpec((1,)), "size": ArraySpec((3,), role="episode"), "action": ArraySpec((1,))})
    folder = EpisodeFolder.create(tmp_path / "one", spec)
    zeros = np.zeros((4, 1), np.float32)
    folder.add_episode("a", {"q": zeros, "action": zeros, "size": np.ones(3, np.float32)})
    with pytest.raises(ConfigError, match="size holds one value an episode, not one a step; leave it out of"):
        open_training_data(config(str(tmp_path / "one"), observations=("q", "size")))


def test_a_horizon_beyond_every_episode_is_warned_of(tmp_path, caplog):
    path = make(tmp_path / "one", 0, (3, 5))
    open_training_data(config(path, horizon=5))
    assert not caplog.records
    open_training_data(config(path, horizon=6))
    assert "horizon 6: no episode is longer than 5 rows" in caplog.text


def test_a_dataset_without_modes_says_how_to_make_one_with(tmp_path):
    path = make(tmp_path / "one", 0, (3,))
    with pytest.raises(ConfigError, match=f"`muse relabel {path} -o {path}_relabelled` makes one that has"):
        open_training_data(config(path, model=HydraConfig()))


def test_every_step_held_out_is_validated_on_once_and_each_dataset_by_its_name(tmp_path):
    one, two = make(tmp_path / "one", 0, (7,) * 20), make(tmp_path / "two", 200, (5,))
    data = open_training_data(config(one, horizon=3, validation_fraction=0.3, validation_datasets=(two,)))
    assert [*data.validation] == ["", "two"]
    for part, rows in (
        (data.validation[""], 7 * (20 - data.episodes)),
        (data.validation["two"], 5),
    ):
        batch = part.get_batch(np.arange(len(part)))
        seen = batch["q"][batch["mask"]].ravel().tolist()
        assert len(seen) == len(set(seen)) == rows


def test_the_fingerprint_tells_other_episodes_and_other_lengths(tmp_path):
    prints = [open_training_data(config(make(tmp_path / "a" / "d", 0, (5, 3)))).fingerprint]
    for name, lengths in (("b", (3, 5)), ("c", (5, 3)), ("d", (4, 4))):
        prints.append(open_training_data(config(make(tmp_path / name / "d", 50, lengths))).fingerprint)
    assert prints[0] == prints[2] and len(set(prints)) == 3


@pytest.mark.parametrize("per", ["window", "frame"])
def test_pictures_on_the_device_are_cut_and_coloured_as_on_the_cpu(tmp_path, per):
    one, two = make(tmp_path / "one", 0, (6, 3)), make(tmp_path / "two", 100, (5,))
    augment = AugmentConfig(shift=2, contrast=0.5, hue=0.2, noise={"q": 0.1}, per=per)
    there = config(one, extra_datasets=(two,), horizon=3, batch_size=4, augment=augment, image_crop=0.7)
    there = dataclasses.replace(there, data_on_device=True, goal=GoalConfig(("q",), "future"))
    here, far = open_training_data(dataclasses.replace(there, data_on_device=False)), open_training_data(there)
    images = DeviceImages(far.parts, far.augmenter, CPU)
    bare = make_augmenter(there, far.without_images.spec)
    plain, moved = prefetch(here.train, here.sampler, here.augmenter, CPU), None
    moved = prefetch(far.without_images, far.sampler, bare, CPU, images)
    for _ in range(8):
        (mine, state), (theirs, other) = next(plain), next(moved)
        assert state == other and mine.keys() == theirs.keys()
        for name in mine.keys() - {"image"}:
            assert torch.equal(mine[name], theirs[name]), name
        assert mine["image"].shape == theirs["image"].shape == (4, 3, 6, 7, 3)
        assert int((mine["image"].int() - theirs["image"].int()).abs().max()) <= 1
    plain.close()
    moved.close()


def test_noise_is_what_the_config_says_and_only_in_training(tmp_path):
    path = make(tmp_path / "one", 0, (40,) * 20)
    values = config(path, augment=AugmentConfig(shift=0, noise={"q": 0.005}), validation_fraction=0.3)
    data = open_training_data(values)
    positions, indices = data.sampler.positions, data.sampler.next()
    clean = data.train.get_batch(indices)["q"]
    noise = data.train.get_batch(indices, positions=positions, augment=data.augmenter)["q"] - clean
    per_window = noise[:, 0, 0]
    assert per_window.std() == pytest.approx(0.005, rel=0.1) and abs(per_window.mean()) < 0.001
    held_out = data.validation[""].get_batch(np.arange(5))["q"]
    assert (held_out == np.round(held_out)).all()


def test_segments_of_one_episode_are_all_trained_on_or_all_held_out(tiny_dataset):
    arrays = {name: np.array(array) for name, array in tiny_dataset.get_episode(0).arrays.items()}
    for parent in range(20):
        for segment in range(3):
            metadata = {"success": True, "parent": f"parent_{parent}"}
            tiny_dataset.add_episode(f"parent_{parent}.s{segment}", arrays, metadata)
    training, held_out = choose_episodes(tiny_dataset, TrainConfig(validation_fraction=0.4))
    parents = [{tiny_dataset.ids[i].partition(".")[0] for i in side} for side in (training, held_out)]
    assert not parents[0] & parents[1] and len(parents[1]) > 3
