"""Kept episodes become a dataset at once and one file in the end, however often the work is interrupted."""

from dataclasses import replace

import numpy as np
import pytest

from muse_core.datasets.opening import open_dataset
from muse_ros.contract.contract import load_contract
from muse_ros.interactive.flags import Plan
from muse_ros.interactive.keeping import Keeper, KeepingError, Kept, Tally
from muse_ros.recording.session_folder import SessionFolder
from synthetic import Shape, write_episode

CONTRACT = load_contract("panda_sim").to_dict()


@pytest.fixture
def plan(tmp_path):
    return Plan("s", tmp_path / "data" / "s", tmp_path / "out" / "eval.npz", max_eps=3, returns="sum")


@pytest.fixture
def keep(tmp_path):
    """``keep(number, outcome)`` leaves a recorded episode of 0.5 s among the kept."""

    def write(number, outcome):
        shape = Shape(duration_s=0.5, state_hz=50.0, episode=f"episode_{number:04d}")
        return write_episode(tmp_path / "s", shape, outcome=outcome, contract=CONTRACT)

    return write


@pytest.fixture
def keeper(plan, tmp_path):
    return Keeper(plan, tmp_path / "s")


def test_nothing_kept_is_nothing_converted(keeper):
    assert keeper.convert() == Tally()
    assert keeper.assemble() == []


def test_kept_episodes_failures_too_are_counted_and_assembled_to_one_file_that_reads_as_a_dataset(keeper, keep, plan):
    keep(0, "success")
    keep(1, "failure")
    tally = keeper.convert()
    assert [kept.success for kept in tally.episodes] == [True, False]
    assert not tally.enough(plan)
    keep(2, "unlabelled")
    tally = keeper.convert()
    assert tally.enough(plan)
    assert tally.text(plan) == (
        f"3 of 3 episodes kept, 1 of 2 succeeded (50%, 95 % interval 9% to 91%); {tally.rows} of 1000000 rows"
    )
    assert keeper.assemble() == [plan.save_file]
    file = open_dataset(plan.save_file)
    assert file.lengths.tolist() == [kept.rows for kept in tally.episodes]
    assert [keeper.returns(kept) for kept in tally.episodes] == [1.0, 0.0, 0.0]
    original = open_dataset(plan.dataset).get_episode(1).arrays["q"]
    np.testing.assert_array_equal(file.get_episode(1).arrays["q"], original)
    assert set(keeper.last_observation(tally.episodes[0])) >= {"q", "ee_position"}


def test_what_is_assembled_already_is_left_alone_until_an_episode_comes(keeper, keep, plan):
    keep(0, "success")
    keeper.convert()
    assert keeper.assemble() == [plan.save_file]
    keeper.convert()
    assert keeper.assemble() == []
    keep(1, "success")
    keeper.convert()
    assert keeper.assemble() == [plan.save_file]


def test_an_episode_that_was_undone_leaves_dataset_and_file(keeper, keep, plan, tmp_path):
    keep(0, "success")
    keep(1, "success")
    keeper.convert()
    keeper.assemble()
    SessionFolder(tmp_path, "s").refile("episode_0001", kept=False)
    assert len(keeper.convert().episodes) == 1
    assert keeper.assemble() == [plan.save_file]
    assert len(open_dataset(plan.save_file)) == 1


def test_an_episode_a_file_numbered_from_where_it_was_asked_for(keep, plan, tmp_path):
    keeper = Keeper(replace(plan, episodic=True, start_episode=4), tmp_path / "s")
    for number in range(2):
        keep(number, "success")
    tally = keeper.convert()
    files = [tmp_path / "out" / "eval_ep4.npz", tmp_path / "out" / "eval_ep5.npz"]
    assert keeper.assemble() == files
    assert [len(open_dataset(path)) for path in files] == [1, 1]
    assert open_dataset(files[1]).lengths.tolist() == [tally.episodes[1].rows]
    keep(2, "success")
    keeper.convert()
    assert keeper.assemble() == [*files, tmp_path / "out" / "eval_ep6.npz"]


def test_an_episode_being_recorded_is_not_touched(keeper, keep, tmp_path):
    keep(0, "success")
    keep(1, "success").rename(tmp_path / "s" / "episode_0001.recording")
    assert len(keeper.convert().episodes) == 1


def test_a_kept_episode_that_does_not_convert_is_named_with_the_reason_and_stays_where_it_is(keeper, keep, tmp_path):
    keep(0, "success")
    broken = keep(1, "success")
    for bag in broken.glob("*.mcap"):
        bag.write_bytes(b"not a bag")
    with pytest.raises(KeepingError, match=r"not all of .*/s is converted: .*episode_0001.*"):
        keeper.convert()
    assert broken.is_dir()
    assert len(keeper.tally().episodes) == 1


@pytest.mark.parametrize(("rows", "enough"), [(99, False), (100, True)])
def test_enough_rows_end_it_as_enough_episodes_do(rows, enough, plan):
    tally = Tally((Kept("a", ("a",), rows, None),))
    assert tally.enough(replace(plan, max_steps=100)) is enough
    assert Tally((Kept("a", ("a",), rows, None),)).enough(replace(plan, max_eps=1))
