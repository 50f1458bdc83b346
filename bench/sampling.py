"""How fast shuffled training windows come off the disk: T = 10, two 128x128 cameras, one process, page cache.

    python bench/sampling.py [--episodes 40] [--rows 150] [--rounds 15] [--folder FOLDER]

Contenders, all on the same made-up episodes, all giving the same windows in the same shuffled order:

- Muse's SequenceDataset, reading memory-mapped files or holding everything in memory: whole batches, each in arrays of
  its own, or all in one buffer, as the trainer's loader reuses some;
- a bare numpy gather of the same rows out of one array a key, mapped, in memory, or into one buffer: the floor;
- robomimic's SequenceDataset on contiguous HDF5 with its low_dim cache: single samples, without the collating that a
  batch of it would still need;
- LeRobot's video dataset (its default AV1, read through PyAV): single samples, not collated either.

Prints samples a second and ratios; writes ``bench/results/sampling.json``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import peers  # noqa: E402
import timing  # noqa: E402

from muse_core.datasets.episode_folder import EpisodeFolder  # noqa: E402
from muse_core.datasets.sequence import SequenceDataset  # noqa: E402
from muse_core.datasets.windows import index_windows, window_rows  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402

HORIZON = 10
BATCH = 16
SIZE = 128
FPS = 10
CAMERAS = ("image", "ego_image")
SPEC = Spec(
    {
        "ee_position": ArraySpec((3,), unit="m"),
        "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
        "gripper_width": ArraySpec((1,), unit="m"),
        "image": ArraySpec((SIZE, SIZE, 3), "uint8", "rgb"),
        "ego_image": ArraySpec((SIZE, SIZE, 3), "uint8", "rgb"),
        "action": ArraySpec((7,), role="action"),
    }
)
LOW = tuple(name for name, array in SPEC.items() if not array.is_image)
Contender = tuple[Callable[[np.ndarray], object], int]  # samples by index, and how many to take a round


def make_episodes(count: int, rows: int) -> list[dict[str, np.ndarray]]:
    """Episodes whose images move like a camera's: texture over a gradient, shifted from frame to frame."""
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(SIZE), np.arange(SIZE))[:, :, None]
    texture = rng.integers(0, 16, (SIZE, SIZE, 3))
    frame = np.clip(ramp * 0.9 + texture, 0, 255).astype(np.uint8)
    episodes = []
    for number in range(count):
        arrays = {name: rng.standard_normal((rows, *SPEC[name].shape)).astype(np.float32) for name in LOW}
        for k, camera in enumerate(CAMERAS):
            steps = (np.arange(rows) * (k + 1) + 7 * number) % SIZE
            arrays[camera] = np.stack([np.roll(frame, step, axis=(k, 1)) for step in steps])
        episodes.append(arrays)
    return episodes


def muse(folder: Path, episodes: list[dict[str, np.ndarray]]) -> dict[str, Contender]:
    """Ours, mapped and in memory."""
    store = EpisodeFolder.create(folder / "muse", SPEC)
    for number, arrays in enumerate(episodes):
        store.add_episode(f"episode_{number:05d}", arrays)
    mapped = SequenceDataset(store, list(SPEC), HORIZON, memory_bytes=0)
    held = SequenceDataset(store, list(SPEC), HORIZON, memory_bytes=64 * 1024**3)
    out = held.get_batch(np.arange(BATCH))

    def reuse(indices: np.ndarray) -> object:
        return mapped.get_batch(indices, out) if len(indices) == BATCH else mapped.get_batch(indices)

    return {
        "muse, mapped": (batches(mapped.get_batch), 20 * BATCH),
        "muse, in memory": (batches(held.get_batch), 20 * BATCH),
        "muse, mapped, one buffer": (batches(reuse), 20 * BATCH),
    }


def gather(folder: Path, episodes: list[dict[str, np.ndarray]]) -> dict[str, Contender]:
    """Numpy alone: rows of one long array a key."""
    lengths = [len(arrays["action"]) for arrays in episodes]
    windows = index_windows(lengths, HORIZON, pad_end=HORIZON - 1)
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])[windows.episode]
    rows = begins[:, None] + window_rows(windows.start, windows.length, HORIZON)[0]
    held, mapped = {}, {}
    for name in SPEC:
        held[name] = np.concatenate([arrays[name] for arrays in episodes])
        np.save(folder / f"{name}.npy", held[name])
        mapped[name] = np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

    out = {name: np.empty((BATCH, HORIZON, *array.shape), array.dtype) for name, array in SPEC.items()}

    def reuse(indices: np.ndarray) -> object:
        if len(indices) < BATCH:
            return {name: array[rows[indices]] for name, array in mapped.items()}
        # out of bounds is impossible, and with "clip" numpy writes straight into the buffer
        return {name: np.take(a, rows[indices], axis=0, out=out[name], mode="clip") for name, a in mapped.items()}

    def reader(source: dict[str, np.ndarray]) -> Callable[[np.ndarray], object]:
        return batches(lambda indices: {name: array[rows[indices]] for name, array in source.items()})

    return {
        "numpy gather, mapped": (reader(mapped), 20 * BATCH),
        "numpy gather, in memory": (reader(held), 20 * BATCH),
        "numpy gather, mapped, one buffer": (batches(reuse), 20 * BATCH),
    }


def robomimic(folder: Path, episodes: list[dict[str, np.ndarray]]) -> dict[str, Contender]:
    """Robomimic's dataset, low-dimensional arrays in its cache."""
    if not peers.have("robomimic"):
        return {}
    path = str(folder / "robomimic.hdf5")
    peers.robomimic_file(path, episodes)
    with peers.quiet():
        import robomimic.utils.obs_utils as obs_utils
        from robomimic.utils.dataset import SequenceDataset as RobomimicDataset

        low = [name for name in LOW if name != "action"]
        obs_utils.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": low, "rgb": list(CAMERAS)}})
        data = RobomimicDataset(
            path,
            obs_keys=(*low, *CAMERAS),
            dataset_keys=("actions",),
            seq_length=HORIZON,
            get_pad_mask=True,
            hdf5_cache_mode="low_dim",
            load_next_obs=False,
        )
    return {"robomimic, low_dim cache": (lambda indices: [data[int(i)] for i in indices], 10 * BATCH)}


def lerobot(folder: Path, episodes: list[dict[str, np.ndarray]]) -> dict[str, Contender]:
    """LeRobot's dataset with its images as video."""
    if not peers.have("lerobot"):
        return {}
    with peers.quiet():
        from lerobot.datasets.lerobot_dataset import LeRobotDataset

        low = [name for name in LOW if name != "action"]
        state = sum(SPEC[name].shape[0] for name in low)
        video = {"dtype": "video", "shape": (SIZE, SIZE, 3), "names": ["height", "width", "channels"]}
        features = {
            "observation.state": {"dtype": "float32", "shape": (state,), "names": None},
            "action": {"dtype": "float32", "shape": (7,), "names": None},
            **{f"observation.images.{camera}": video for camera in CAMERAS},
        }
        where = {"repo_id": "bench/sampling", "root": folder / "lerobot", "video_backend": "pyav"}
        made = LeRobotDataset.create(fps=FPS, features=features, **where)
        for arrays in episodes:
            states = np.concatenate([arrays[name] for name in low], axis=1)
            for row in range(len(states)):
                images = {f"observation.images.{camera}": arrays[camera][row] for camera in CAMERAS}
                made.add_frame(
                    {"observation.state": states[row], "action": arrays["action"][row], "task": "bench", **images}
                )
            made.save_episode()
        made.finalize()
        times = {name: [k / FPS for k in range(HORIZON)] for name in features}
        data = LeRobotDataset(delta_timestamps=times, **where)
    return {"lerobot, video": (lambda indices: [data[int(i)] for i in indices], 4)}


def batches(read: Callable[[np.ndarray], object]) -> Callable[[np.ndarray], object]:
    """Read indices in batches; the last one is returned."""

    def run(indices: np.ndarray) -> object:
        batch = None
        for begin in range(0, len(indices), BATCH):
            batch = read(indices[begin : begin + BATCH])
        return batch

    return run


def check_same(contenders: dict[str, Contender], size: int) -> None:
    """Stop unless all give the same windows, padded ones too. LeRobot's video is lossy: only its shape is looked at."""
    indices = np.linspace(0, size - 1, 7).astype(np.int64)
    found = {name: read(indices) for name, (read, _) in contenders.items()}
    expected = found["muse, mapped"]
    for name, batch in found.items():
        if name.startswith("lerobot"):
            same = batch[0]["observation.images.image"].shape == (HORIZON, 3, SIZE, SIZE)
        elif name.startswith("robomimic"):
            same = all(np.array_equal(s["obs"][c], expected[c][k]) for k, s in enumerate(batch) for c in CAMERAS)
        else:
            same = all(np.array_equal(batch[key], expected[key]) for key in SPEC)
        if not same:
            raise SystemExit(f"bench/sampling.py: {name} does not give the windows that muse, mapped gives")


def measure(episodes: list[dict[str, np.ndarray]], rounds: int, folder: Path) -> dict[str, list[float]]:
    """Seconds a sample, by contender and round."""
    contenders: dict[str, Contender] = {}
    for build in (muse, gather, robomimic, lerobot):
        contenders |= build(folder, episodes)
    size = sum(len(arrays["action"]) for arrays in episodes)
    check_same(contenders, size)
    generators = {name: np.random.default_rng(1) for name in contenders}

    def call(name: str) -> Callable[[], object]:
        read, count = contenders[name]
        return lambda: read(generators[name].permutation(size)[:count])

    seconds = timing.interleave({name: call(name) for name in contenders}, rounds)
    return {name: [s / contenders[name][1] for s in taken] for name, taken in seconds.items()}


def main() -> int:
    parser = timing.parser(__doc__)
    parser.add_argument("--episodes", type=int, default=40)
    parser.add_argument("--rows", type=int, default=150, help="steps of each episode")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", help="where to put the datasets while it runs [the system's temporary folder]")
    arguments = parser.parse_args()
    begun = timing.machine()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as place:
        episodes = make_episodes(arguments.episodes, arguments.rows)
        seconds = measure(episodes, arguments.rounds, Path(place))
    sample_mb = HORIZON * sum(np.prod(a.shape) * np.dtype(a.dtype).itemsize for a in SPEC.values()) / 1e6
    speeds = {name: timing.spread([1 / s for s in taken]) for name, taken in seconds.items()}
    timing.table(
        [("samples a second", "min", "median", "max", "MB/s")]
        + [(name, *(round(v) for v in s.values()), round(s["median"] * sample_mb)) for name, s in speeds.items()]
    )
    bars = []
    for kind in ("mapped", "in memory", "mapped, one buffer"):
        ratio = timing.ratios(seconds[f"muse, {kind}"], seconds[f"numpy gather, {kind}"])
        bars.append(timing.bar(f"time of a bare numpy gather, {kind}", ratio["median"], 1.5, at_most=True) | ratio)
    for peer, limit in (("robomimic, low_dim cache", 2.5), ("lerobot, video", 50.0)):
        if peer in seconds:
            ratio = timing.ratios(seconds[peer], seconds["muse, mapped"])
            bars.append(timing.bar(f"speed of {peer}", ratio["median"], limit) | ratio)
    figures = {
        "horizon": HORIZON,
        "cameras": [SIZE, SIZE],
        "rows": arguments.episodes * arguments.rows,
        "sample_mb": round(float(sample_mb), 3),
        "samples_per_s": speeds,
        "bars": bars,
    }
    packages = ("numpy", "h5py", "robomimic", "lerobot", "torch", "torchvision", "av")
    timing.write(arguments.results / "sampling.json", figures, packages, begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
