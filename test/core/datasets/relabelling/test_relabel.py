"""Datasets relabelled with modes and waypoints, worked by hand on a few rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.relabelling.relabel import Relabelling, RelabelOptions, relabel
from muse_core.datasets.relabelling.relabel_cli import main
from muse_core.datasets.store import DatasetError, Episode
from muse_core.geometry import apply_delta, quaternion_from_euler
from muse_core.spec import ArraySpec, Spec
from muse_core.waypoints import WaypointSteps

SPEC = Spec(
    {
        "ee_position": ArraySpec((3,), unit="m"),
        "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
        "image": ArraySpec((4, 4, 3), "uint8", "rgb"),
        "action": ArraySpec((7,), role="action"),
        "click_state": ArraySpec((1,), "bool", role="action"),
    }
)


def arrays(clicks: str) -> dict[str, np.ndarray]:
    """A tool that goes 0.1 m a row along x and turns 0.1 rad a row about z; the gripper closes at row 4."""
    rows = np.arange(len(clicks))
    zeros = np.zeros(len(clicks))
    return {
        "ee_position": np.stack([0.1 * rows, zeros, zeros], axis=1).astype(np.float32),
        "ee_orientation": quaternion_from_euler(np.stack([zeros, zeros, 0.1 * rows], axis=1)).astype(np.float32),
        "image": np.broadcast_to(rows[:, None, None, None], (len(clicks), 4, 4, 3)).astype(np.uint8),
        "action": np.concatenate([np.full((len(clicks), 6), 7.0), (rows >= 4)[:, None]], axis=1).astype(np.float32),
        "click_state": np.array([[c == "x"] for c in clicks]),
    }


def label(clicks: str, **options) -> dict[str, np.ndarray]:
    relabelling = Relabelling(SPEC, 10.0, RelabelOptions(**options))
    made, _ = relabelling.label(Episode("e", arrays(clicks), {}, len(clicks)))
    relabelling.spec.check(made, leading=1)
    assert list(made) == [key for key in relabelling.spec if key in made]
    return made


def test_rows_know_their_mode_and_where_they_are_on_their_way_to():
    made = label("..x.xxx..")  # waypoints 2, 4, 6, 8; rows 4, 5, 6 dense
    assert made["mode"][:, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0]
    np.testing.assert_allclose(
        made["target/ee_position"][:, 0], [0.2, 0.2, 0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.8], atol=1e-6
    )
    np.testing.assert_array_equal(made["target/ee_orientation"][2], arrays("." * 9)["ee_orientation"][4])


def test_the_grippers_target_is_its_command_on_the_way_not_at_the_waypoint():
    made = label("..x.x....")  # closes at row 4, which is a waypoint
    assert made["target/gripper"][:, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_sparse_actions_are_bounded_steps_to_the_waypoint_and_the_old_ones_are_kept():
    made = label("..x.xxx..", steps=WaypointSteps(gain=1.0))
    # from row 0 to row 2: 0.2 m and 0.2 rad, by at most 0.025 m and 0.25 rad; row 7 is 0.1 m away from its own
    np.testing.assert_allclose(made["action"][0], [0.025, 0, 0, 0, 0, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(made["action"][7], [0.025, 0, 0, 0, 0, 0.1, 1], atol=1e-6)
    np.testing.assert_allclose(made["action"][8], [0, 0, 0, 0, 0, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(made["action"][4:7], arrays("." * 9)["action"][4:7])
    np.testing.assert_array_equal(made["raw/action"], arrays("." * 9)["action"])


def test_following_the_actions_ends_at_the_waypoint():
    made = label("....x", steps=WaypointSteps(gain=1.0, step_m=1.0, step_rad=1.0))
    position, quaternion = apply_delta(made["ee_position"][0], made["ee_orientation"][0], made["action"][0, :6])
    np.testing.assert_allclose(position, made["ee_position"][4], atol=1e-6)
    np.testing.assert_allclose(quaternion, made["ee_orientation"][4], atol=1e-6)


def test_actions_are_left_alone_where_that_is_wanted():
    made = label("..x......", keep_actions=True)
    np.testing.assert_array_equal(made["action"], arrays("." * 9)["action"])
    assert "raw/action" not in made


def test_clicks_are_preferred_to_speeds_which_are_preferred_to_nothing():
    relabelling = Relabelling(SPEC, 10.0, RelabelOptions())
    assert relabelling.label(Episode("e", arrays("..x.."), {}, 5))[1].source == "clicks"
    assert relabelling.label(Episode("e", arrays("....."), {}, 5))[1].source == "speeds"
    only = Relabelling(SPEC, 10.0, RelabelOptions(source="clicks"))
    assert only.label(Episode("e", arrays("....."), {}, 5))[0] is None
    never = Relabelling(SPEC, 1.0, RelabelOptions(source="speeds", dense_m_s=1.0, dense_rad_s=1.0))
    made, outcome = never.label(Episode("e", arrays("..x.."), {}, 5))  # 0.1 m/s and 0.1 rad/s: slow
    assert (outcome.source, outcome.dense, made["mode"].sum()) == ("speeds", 5, 5)


def test_a_point_that_neither_turns_nor_grips():
    spec = Spec({"position": ArraySpec((2,)), "action": ArraySpec((2,), unit="m/s", low=-0.5, high=0.5, role="action")})
    steps = WaypointSteps(translation_scale=10.0, step_m=0.9, gain=1.0)
    options = RelabelOptions(position="position", orientation="", steps=steps)
    relabelling = Relabelling(spec, 10.0, options)
    rows = {"position": np.array([[0, 0], [0, 0.03], [0, 0.9]], np.float32), "action": np.zeros((3, 2), np.float32)}
    made, _ = relabelling.label(Episode("e", rows, {}, 3))
    assert sorted(made) == ["action", "mode", "position", "raw/action", "target/position"]
    np.testing.assert_allclose(made["action"], [[0, 0.5], [0, 0.5], [0, 0]])  # 9 and 8.7 m/s, cut to the limits


@pytest.fixture
def folder(tmp_path: Path) -> EpisodeFolder:
    made = EpisodeFolder.create(tmp_path / "data" / "clicked", SPEC, {"name": "panda"}, {"rate_hz": 10.0})
    made.add_episode("a", arrays("..x.xxx.."), {"success": True})
    made.add_episode("b", arrays("...."), {"success": False})
    return made


def test_a_new_dataset_is_written_and_says_where_it_comes_from(folder, tmp_path):
    outcomes = relabel(folder, tmp_path / "new", 10.0, RelabelOptions())
    assert [(each.id, each.source, each.rows) for each in outcomes] == [("a", "clicks", 9), ("b", "speeds", 4)]
    new = EpisodeFolder.open(tmp_path / "new")
    assert new.provenance["relabelled"]["from"] == str(folder.path)
    assert (new.contract, new.provenance["rate_hz"]) == ({"name": "panda"}, 10.0)
    episode = new.get_episode("a")
    assert episode.metadata == {"success": True, "labelled_by": "clicks"}
    np.testing.assert_array_equal(episode.arrays["image"], folder.get_episode("a").arrays["image"])
    assert {n: episode.arrays[n].shape for n in ("mode", "target/gripper", "raw/action")} == {
        "mode": (9, 1), "target/gripper": (9, 1), "raw/action": (9, 7)
    }  # fmt: skip
    assert list(folder.spec) == list(SPEC)


def test_what_was_relabelled_is_not_relabelled_again(folder, tmp_path):
    relabel(folder, tmp_path / "new", 10.0, RelabelOptions())
    with pytest.raises(DatasetError, match="has raw/action: it was relabelled before; relabel its original"):
        relabel(EpisodeFolder.open(tmp_path / "new"), tmp_path / "newer", 10.0, RelabelOptions())


def test_the_command_says_what_it_did_and_what_it_left_out(folder, tmp_path, capsys):
    assert main([str(folder.path), "-o", str(tmp_path / "all")]) == 0
    assert "2 of 2 episodes labelled, 1 by clicks and 1 by speeds: 3 of 13 rows (23 %) dense" in capsys.readouterr().out
    assert main([str(folder.path), "-o", str(tmp_path / "some"), "--source", "clicks"]) == 3
    assert "left out b: no click in click_state" in capsys.readouterr().err
    assert EpisodeFolder.open(tmp_path / "some").ids == ["a"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--position", "position"], "has no position; it has ee_position, ee_orientation"),
        (["--source", "clicks", "--clicks", "click"], "has no clicks 'click'; it has ee_position"),
        (["--orientation", ""], "must be a step of 3 numbers for ee_position , with or without a gripper"),
        (["--orientation", "ee_position"], r"must be a quaternion xyzw, (4,), found shape (3,)"),
    ],
)
def test_a_mistake_is_explained_and_leaves_nothing_behind(folder, tmp_path, capsys, flags, message):
    assert main([str(folder.path), "-o", str(tmp_path / "new"), *flags]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_clicks_that_are_named_and_not_there_are_not_passed_over(folder, tmp_path, capsys):
    assert main([str(folder.path), "-o", str(tmp_path / "new"), "--clicks", "click_stat"]) == 1
    assert "has no clicks 'click_stat'; it has ee_position" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_dataset_is_never_overwritten_and_its_rate_must_be_known(folder, tmp_path, capsys):
    assert main([str(folder.path), "-o", str(folder.path)]) == 1
    assert f"{folder.path} exists; choose another name" in capsys.readouterr().err
    nameless = EpisodeFolder.create(tmp_path / "nameless", SPEC)
    nameless.add_episode("a", arrays("..x.."))
    assert main([str(nameless.path), "-o", str(tmp_path / "new")]) == 1
    assert "give --rate_hz" in capsys.readouterr().err


def test_a_dataset_in_which_nobody_clicked_leaves_nothing_behind(folder, tmp_path, capsys):
    folder.remove_episode("a")
    assert main([str(folder.path), "-o", str(tmp_path / "out" / "new"), "--source", "clicks"]) == 1
    assert "no episode has a click in click_state" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_the_originals_npz_is_relabelled_into_a_folder(tmp_path):
    rows = [arrays("..x.xxx.."), arrays("xx..")]
    columns = {key: np.concatenate([each[key] for each in rows]) for key in rows[0]}
    columns |= {"done": np.isin(np.arange(13), (8, 12)), "rollout_timestep": np.array([*range(9), *range(4)])}
    names = np.array([["human"]] * 13, object)
    np.savez_compressed(tmp_path / "old.npz", policy_name=names, **columns)
    assert main([str(tmp_path / "old.npz"), "-o", str(tmp_path / "new")]) == 1  # it does not say its rate
    assert main([str(tmp_path / "old.npz"), "-o", str(tmp_path / "new"), "--rate_hz", "10"]) == 0
    new = EpisodeFolder.open(tmp_path / "new")
    assert new.lengths.tolist() == [9, 4]
    first, second = (new.get_episode(i).arrays for i in range(2))
    assert [a["mode"][:, 0].tolist() for a in (first, second)] == [[0, 0, 0, 0, 1, 1, 1, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(first["raw/action"], rows[0]["action"])
    np.testing.assert_allclose(second["target/ee_position"][:, 0], [0.3] * 4, atol=1e-6)
