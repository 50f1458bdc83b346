"""A truly full disk under a real recorder: a small file system in memory, which only root may mount."""

import json
import subprocess

import pytest

pytest.importorskip("rclpy")

from std_msgs.msg import String

from muse_ros.bags.bags import open_bag

SIZE = 3_000_000
JOINTS = "panda/joint_states"


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("only root may mount a small disk here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_loses_no_kept_episode_and_the_cut_one_stays_readable(
    small_disk, make_collect, world, make_node, ask, ready, wait_until
):
    fat = make_node("fat").create_publisher(String, "lab/fat", 100)
    collect = make_collect(root_dir=str(small_disk))
    ready(collect)
    for verb in ("start", "success", "keep"):
        assert ask(verb).success
    session = small_disk / "s"
    kept = {path.name: path.read_bytes() for path in (session / "episode_0000").iterdir()}

    ready(collect)
    assert ask("start").success
    wait_until(fat.get_subscription_count)
    wait_until(lambda: collect.recorder_figures()[f"/{JOINTS}"]["count"] > 150, what="a chunk before the flood")

    def flooded():
        fat.publish(String(data="x" * 100_000))
        return collect.session.state.name == "FAULT"

    wait_until(flooded)
    assert "the disk is full; free some space" in collect.session.fault
    assert {path.name: path.read_bytes() for path in (session / "episode_0000").iterdir()} == kept

    answer = ask("keep")
    assert answer.success, answer.message
    cut = session / "episode_0001"
    assert open_bag(cut).topics[f"/{JOINTS}"].count > 50
    assert json.loads((cut / "episode.json").read_text())["complete"] is False


def test_a_recorder_whose_disk_is_gone_says_so_and_lives(make_collect, world, ask, ready, wait_until, tmp_path):
    collect = make_collect(root_dir=str(tmp_path / "stick"))
    ready(collect)
    (tmp_path / "stick" / "s").rename(tmp_path / "unplugged")
    wait_until(lambda: any("is gone" in problem for problem in collect.session.problems))
    assert "is gone; bring its disk back" in ask("start").message
    (tmp_path / "unplugged").rename(tmp_path / "stick" / "s")
    ready(collect)
    assert ask("start").success and ask("discard").success
