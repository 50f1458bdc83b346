"""What is said of the disk: short, very short, and gone."""

from muse_ros.recording.disk import DiskGuard


def test_a_roomy_disk_is_not_talked_about(tmp_path):
    guard = DiskGuard(tmp_path, 1.0, 5.0)
    assert guard.problem(5.0) == guard.warning(5.0) == ""


def test_a_short_disk_is_warned_of_before_it_ends_anything(tmp_path):
    guard = DiskGuard(tmp_path, 1.0, 5.0)
    assert "only 4.9 GB free" in guard.warning(4.9) and guard.problem(4.9) == ""
    assert guard.problem(0.99).startswith("0.99 GB free") and "min_free_gb" in guard.problem(0.99)


def test_a_folder_that_is_gone_is_a_problem_and_no_crash(tmp_path):
    guard = DiskGuard(tmp_path / "unplugged", 0.0, 5.0)
    assert guard.free_gb() == 0.0
    assert "is gone" in guard.problem(guard.free_gb()) and guard.warning(0.0) == ""
