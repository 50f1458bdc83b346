"""Fixtures of the tests that need no rclpy."""

import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_ros.contract.contract import load_contract
from muse_ros.conversion.convert_recording import Source, convert_recording
from muse_ros.conversion.recordings import find_recordings
from muse_ros.conversion.rows import row_spec
from synthetic import Shape, episode, write_episode

CONTRACT = load_contract("panda_sim")
SHAPE = Shape(duration_s=1.0, state_hz=50.0)


@pytest.fixture
def convert(tmp_path):
    """Converts messages: (what came of it, the dataset)."""

    def run(messages=None, shape=SHAPE, contract=CONTRACT, outcome="success", folder="session", only="", **info):
        messages = episode(shape) if messages is None else messages
        write_episode(tmp_path / folder, shape, sorted(messages, key=lambda each: each.received_ns), outcome, **info)
        return run_on(tmp_path / folder, contract, only=only)

    def run_on(path, contract=CONTRACT, namespace="", only=""):
        dataset = EpisodeFolder.create(tmp_path / f"data{len(list(tmp_path.iterdir()))}", row_spec(contract))
        source = Source("bag", "sha", contract.digest(), namespace, only)
        return convert_recording(find_recordings([path])[0], contract, dataset, source), dataset

    run.on = run_on
    return run
