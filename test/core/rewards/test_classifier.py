"""A success classifier learns from labels of episodes, tells unseen ones apart, and is saved as plain data."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.rewards.classifier_training import label_rows, train_success_classifier
from muse_core.spec import ArraySpec, Spec, SpecError

torch = pytest.importorskip("torch")

from muse_core.rewards.classifier import ClassifierError, ClassifierReward, SuccessClassifier  # noqa: E402

SPEC = Spec(
    {
        "ee_position": ArraySpec((3,)),
        "image": ArraySpec((16, 16, 3), "uint8", "rgb"),
        "action": ArraySpec((1,), role="action"),
    }
)
KEYS = ("ee_position", "image")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> EpisodeFolder:
    """24 episodes in which a bright square moves down; in every other one it reaches the lower half at the end."""
    made = EpisodeFolder.create(tmp_path_factory.mktemp("data") / "squares", SPEC)
    rng = np.random.default_rng(0)
    for i in range(24):
        success = i % 2 == 0
        arrays = SPEC.zeros(12)
        arrays["ee_position"][:] = rng.normal(size=(12, 3))  # says nothing
        column = rng.integers(0, 12)
        for t in range(12):
            row = 11 if success and t >= 9 else rng.integers(0, 5)
            arrays["image"][t, row : row + 4, column : column + 4] = 255
        made.add_episode(f"episode_{i:02d}", arrays, {"success": success})
    return made


@pytest.fixture(scope="module")
def classifier(folder) -> SuccessClassifier:
    return train_success_classifier(folder, KEYS, episodes=range(16), steps=150, margin=0)


def test_rows_are_labelled_by_the_end_of_their_episode():
    # five rows of success: 3 and 4 show it, 2 may, 0 and 1 do not; two of failure; three without a label
    found = label_rows([5, 2, 3], [True, False, None], final_steps=2, margin=1)
    assert found.success.tolist() == [[0, 3], [0, 4]]
    assert found.failure.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_labels_of_one_kind_teach_nothing():
    with pytest.raises(ValueError, match="found 3 and 0; label episodes as failures, or record longer ones"):
        label_rows([3, 4], [True, None])
    with pytest.raises(ValueError, match="found 0 and 4"):
        label_rows([3, 4], [None, False])


def test_episodes_that_it_has_not_seen_are_told_apart(folder, classifier):
    for i in range(16, 24):
        episode = folder.get_episode(i)
        found = classifier.probabilities(episode.arrays)
        assert (found[-1] > 0.8) == episode.metadata["success"] and found[:9].max() < 0.5, found


def test_the_same_seed_learns_the_same_and_leaves_torchs_randomness_alone(folder):
    state = torch.get_rng_state()
    first, second, other = (
        train_success_classifier(folder, KEYS, steps=3, seed=seed).probabilities(folder.get_episode(0).arrays)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    assert torch.equal(torch.get_rng_state(), state)


def test_it_is_saved_as_plain_data_and_judges_the_same(folder, classifier, tmp_path):
    classifier.save(tmp_path / "success.pt")
    loaded = SuccessClassifier.load(tmp_path / "success.pt")
    arrays = folder.get_episode(20).arrays
    np.testing.assert_array_equal(loaded.probabilities(arrays), classifier.probabilities(arrays))
    assert list(loaded.spec) == list(KEYS)


def test_what_is_no_classifier_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such success classifier"):
        SuccessClassifier.load(tmp_path / "none.pt")
    torch.save({"format": "something else"}, tmp_path / "other.pt")
    with pytest.raises(ClassifierError, match="holds no success classifier of version 1"):
        SuccessClassifier.load(tmp_path / "other.pt")
    (tmp_path / "text.pt").write_text("no torch")
    with pytest.raises(ClassifierError, match="cannot be read"):
        SuccessClassifier.load(tmp_path / "text.pt")


def test_the_reward_is_the_probability_after_the_step(folder, classifier):
    arrays = folder.get_episode(16).arrays
    first, last = ({key: np.asarray(arrays[key][t]) for key in KEYS} for t in (0, -1))
    reward = ClassifierReward(classifier)
    reward.reset()
    assert reward(first, {}, last, {}) == pytest.approx(classifier.probabilities(arrays)[-1], abs=1e-6)
    sharp = ClassifierReward(classifier, threshold=0.5)
    assert (sharp(first, {}, last, {}), sharp(last, {}, first, {})) == (1.0, 0.0)


def test_an_observation_that_is_not_as_in_training_is_refused(classifier):
    with pytest.raises(SpecError, match="'image': expected shape"):
        classifier.probabilities(
            {"ee_position": np.zeros((1, 3), np.float32), "image": np.zeros((1, 8, 8, 3), "uint8")}
        )
