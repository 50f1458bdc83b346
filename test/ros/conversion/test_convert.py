"""Whole conversions: what is done is not done twice, what fails stops nothing else, and any number of workers agree."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.store import DatasetError
from muse_ros.contract.contract import load_contract
from muse_ros.conversion import convert_cli, inspect_cli
from muse_ros.conversion.convert import Options, choose_contract, convert
from muse_ros.conversion.recordings import find_recordings
from synthetic import Shape, episode, write_bag, write_episode

CONTRACT = load_contract("panda_sim")
ROOT = Path(__file__).resolve().parents[3]


def shape(number, **more):
    """A short episode of this number."""
    return Shape(**{"duration_s": 0.5, "state_hz": 50.0, "episode": f"episode_{number:04d}", **more})


@pytest.fixture
def session(tmp_path):
    """Three recordings: two successes and a failure."""
    folder = tmp_path / "recordings" / "monday"
    for number, outcome in enumerate(("success", "failure", "success")):
        write_episode(folder, shape(number), outcome=outcome, contract=CONTRACT.to_dict())
    return folder


def run(session, output, **options):
    """Convert a session."""
    return convert(find_recordings([session]), output, CONTRACT, Options(**options))


def tree(folder):
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def label(session, number, outcome):
    """Give a recording another label."""
    path = session / f"episode_{number:04d}" / "episode.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "outcome": outcome}))


def test_successes_are_converted_and_failures_left_out_by_name(session, tmp_path):
    summary = run(session, tmp_path / "data")
    assert EpisodeFolder.open(tmp_path / "data").ids == ["monday-episode_0000", "monday-episode_0002"]
    assert summary.excluded == {"monday-episode_0001": "a failure, or ended by a fault of the arm (--include failures)"}


def test_an_episode_that_a_fault_ended_is_left_out_like_a_failure(session, tmp_path):
    label(session, 0, "fault")
    assert sorted(run(session, tmp_path / "data").excluded) == ["monday-episode_0000", "monday-episode_0001"]


def test_failures_are_converted_when_asked_for(session, tmp_path):
    run(session, tmp_path / "data", include=("failures",))
    folder = EpisodeFolder.open(tmp_path / "data")
    assert [e.metadata["success"] for e in folder] == [True, False, True]


def test_the_second_time_nothing_is_done(session, tmp_path):
    run(session, tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.npy")}
    summary = run(session, tmp_path / "data")
    assert summary.skipped == ["monday-episode_0000", "monday-episode_0002"] and not summary.converted
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.npy")}


def test_a_changed_recording_alone_is_converted_again(session, tmp_path):
    run(session, tmp_path / "data")
    label(session, 0, "unlabelled")
    summary = run(session, tmp_path / "data")
    assert [converted.recording_id for converted in summary.converted] == ["monday-episode_0000"]
    assert EpisodeFolder.open(tmp_path / "data").metadata("monday-episode_0000")["success"] is None


def test_a_recording_relabelled_a_failure_leaves_the_dataset(session, tmp_path):
    run(session, tmp_path / "data")
    label(session, 0, "failure")
    summary = run(session, tmp_path / "data")
    assert summary.removed == ["monday-episode_0000"]
    assert EpisodeFolder.open(tmp_path / "data").ids == ["monday-episode_0002"]


def test_the_namespace_that_a_recording_notes_is_where_its_topics_are_looked_for(session, tmp_path):
    path = session / "episode_0000" / "episode.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "namespace": "/left"}))
    summary = run(session, tmp_path / "data")
    assert "/left/panda/ee_pose (geometry_msgs/msg/PoseStamped" in summary.refused["monday-episode_0000"]
    assert run(session, tmp_path / "data", namespace="").refused == {}


def test_a_damaged_episode_file_changes_neither_name_nor_label(session, tmp_path):
    run(session, tmp_path / "data")
    (session / "episode_0002" / "episode.json").write_text('{"epis')
    [converted] = run(session, tmp_path / "data").converted
    folder = EpisodeFolder.open(tmp_path / "data")
    assert folder.ids == ["monday-episode_0000", "monday-episode_0002"]
    assert folder.metadata("monday-episode_0002")["success"] is True
    assert converted.notes == ["episode.json cannot be read: the label is taken from the bag's events"]


def test_a_session_of_the_same_name_elsewhere_does_not_take_its_episodes_place(session, tmp_path):
    run(session, tmp_path / "data")
    write_episode(tmp_path / "other" / "monday", shape(0, duration_s=0.8), contract=CONTRACT.to_dict())
    summary = run(tmp_path / "other", tmp_path / "data")
    assert "has an episode of this name from" in summary.refused["monday-episode_0000"]
    assert EpisodeFolder.open(tmp_path / "data").ids == ["monday-episode_0000", "monday-episode_0002"]


def test_half_an_episode_of_a_killed_run_is_converted_again(tmp_path):
    messages = [
        e
        for e in episode(shape(0))
        if not (e.topic == "/action" and abs(e.stamp_ns - shape(0).start_ns - 2 * 10**8) < 10**7)
    ]
    write_episode(tmp_path / "s", shape(0), messages)
    run(tmp_path / "s", tmp_path / "data")
    EpisodeFolder.open(tmp_path / "data").remove_episode("s-episode_0000.s1")
    summary = run(tmp_path / "s", tmp_path / "data")
    assert len(summary.converted) == 1
    assert EpisodeFolder.open(tmp_path / "data").ids == ["s-episode_0000.s0", "s-episode_0000.s1"]


def test_one_bad_recording_stops_no_other(session, tmp_path):
    bad = session / "episode_0003"
    bad.mkdir()
    (bad / "bad_0.mcap").write_bytes(b"this is no bag")
    summary = run(session, tmp_path / "data")
    assert len(summary.converted) == 2 and list(summary.refused) == ["episode_0003"]
    assert "is no MCAP file" in summary.refused["episode_0003"]
    report = json.loads((tmp_path / "data/conversion.json").read_text())
    assert report["refused"] == summary.refused and report["episodes"] == 2


def test_one_process_many_processes_and_threads_write_the_same_bytes(session, tmp_path):
    run(session, tmp_path / "one", workers=1)
    run(session, tmp_path / "two", workers=2)
    run(session, tmp_path / "nine", workers=9)
    assert tree(tmp_path / "one") == tree(tmp_path / "two") == tree(tmp_path / "nine")


def test_cut_and_discarded_recordings_are_converted_only_when_asked_for(session, tmp_path):
    (session / "episode_0000").rename(session / "episode_0000.recording")
    (session / ".discarded").mkdir()
    (session / "episode_0002").rename(session / ".discarded" / "episode_0002")
    summary = run(session, tmp_path / "data")
    assert not summary.converted and len(summary.excluded) == 3
    summary = run(session, tmp_path / "data", include=("unfinished", "discarded"))
    assert [c.recording_id for c in summary.converted] == ["monday-episode_0000", "monday-episode_0002"]


def test_a_cut_recording_converts_up_to_where_it_was_cut(tmp_path):
    write_bag(tmp_path / "s" / "episode_0000.recording", episode(shape(0, duration_s=2.0)), close=False)
    path = next((tmp_path / "s").rglob("*.mcap"))
    path.write_bytes(path.read_bytes() + b"\x06" + b"\xff" * 6)
    run(tmp_path / "s", tmp_path / "data", include=("unfinished",))
    folder = EpisodeFolder.open(tmp_path / "data")
    assert folder.metadata(0)["truncated"] and "cut short" in " ".join(folder.metadata(0)["notes"])


def test_the_report_counts_rows_frames_and_ticks(session, tmp_path):
    report = run(session, tmp_path / "data").report
    assert report["rows"] == 12 and report["ticks"]["ticks"] == 12 and report["duration_s"] == 1.2
    image = report["streams"]["image"]
    assert image["rows"] == 12 and image["rate_hz"] == 20.0 and image["gaps"] == 0 and image["late"] == 0
    assert image["age_s"] == {"p50": 0.0, "p95": 0.0, "max": 0.0} and image["count"] == 22


def test_a_dataset_of_another_contract_is_replaced_only_when_asked(session, tmp_path):
    run(session, tmp_path / "data")
    other = load_contract("panda")
    recordings = find_recordings([session])
    with pytest.raises(DatasetError, match=r"made under another contract.*--replace"):
        convert(recordings, tmp_path / "data", other)
    convert(recordings, tmp_path / "data", other, Options(replace=True))
    assert EpisodeFolder.open(tmp_path / "data").spec["image"].shape == (240, 320, 3)


def test_a_folder_with_other_things_in_it_is_left_alone(session, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match="is a file; choose another"):
        run(session, tmp_path / "data" / "thesis.tex")
    with pytest.raises(FileExistsError, match="other things"):
        run(session, tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["thesis.tex"]


def test_images_may_be_stored_as_jpeg(session, tmp_path):
    run(session, tmp_path / "raw")
    run(session, tmp_path / "small", images="jpeg")
    raw, small = (EpisodeFolder.open(tmp_path / name).get_episode(0).arrays["image"] for name in ("raw", "small"))
    assert abs(raw[3].astype(int) - small[3].astype(int)).max() <= 2


def test_the_contract_is_the_one_in_the_recordings(session):
    assert choose_contract(find_recordings([session]), None) == CONTRACT
    assert choose_contract(find_recordings([session]), "panda").name == "panda"


def test_recordings_of_different_contracts_need_one_named(session):
    write_episode(session, shape(3), contract=load_contract("panda").to_dict())
    with pytest.raises(DatasetError, match=r"different contracts: .*name one with --contract"):
        choose_contract(find_recordings([session]), None)


def test_a_bag_without_any_contract_is_taken_for_a_pandas(tmp_path):
    write_bag(tmp_path / "bag", episode(shape(0)))
    assert choose_contract(find_recordings([tmp_path]), None).name == "panda"


def test_bags_of_one_name_in_two_folders_keep_apart(tmp_path):
    for day in ("monday", "tuesday"):
        write_bag(tmp_path / day / "bag", episode(shape(0, events=False)))
    assert [recording.id for recording in find_recordings([tmp_path])] == ["monday-bag", "tuesday-bag"]


def test_the_same_bag_named_twice_is_one(session):
    assert len(find_recordings([session, session.parent, session / "episode_0000"])) == 3


def test_a_path_that_is_not_there_and_a_folder_without_bags_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        find_recordings([tmp_path / "nowhere"])
    with pytest.raises(FileNotFoundError, match="no bag in"):
        find_recordings([tmp_path])


def test_the_command_says_what_it_did_and_ends_well(session, tmp_path, capsys):
    assert convert_cli.main([str(session), "-o", str(tmp_path / "data"), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "contract panda_sim" in said and "2 episodes in 2 segments, 2 successes, 12 rows (1.2 s)" in said
    assert "excluded monday-episode_0001: a failure" in said
    assert inspect_cli.main([str(tmp_path / "data")]) == 0
    assert inspect_cli.main([str(session)]) == 0
    assert inspect_cli.main([str(session / "episode_0000"), "--contract", "panda"]) == 0


def test_the_command_tells_of_refusals_in_its_exit_status(session, tmp_path, capsys):
    write_bag(session / "empty", [])
    assert convert_cli.main([str(session), "-o", str(tmp_path / "data"), "--workers", "1"]) == 3
    assert "refused empty: " in capsys.readouterr().err
    assert convert_cli.main([str(session / "empty"), "-o", str(tmp_path / "none"), "--contract", "panda"]) == 1
    assert convert_cli.main([str(tmp_path / "nowhere"), "-o", str(tmp_path / "none")]) == 1


BARE = """
import sys
sys.modules["rclpy"] = sys.modules["torch"] = None
from muse_ros.conversion.convert_cli import main
status = main(sys.argv[1:])
assert not [name for name in sys.modules if name.split(".")[0] in ("rclpy", "rosbag2_py", "mcap") and sys.modules[name]]
sys.exit(status)
"""


def test_converting_needs_neither_ros_nor_torch(session, tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ROS_", "AMENT_"))}
    command = [sys.executable, "-c", BARE, str(session), "-o", str(tmp_path / "data")]
    done = subprocess.run(command, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
