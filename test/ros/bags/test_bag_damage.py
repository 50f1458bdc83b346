"""What a crash, a full disk or a damaged file leaves of a bag: all but the last moment, and a note that says so."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from muse_ros.bags import mcap_writer
from muse_ros.bags.bags import BagWriteError, open_bag, open_writer, read_bag
from synthetic import Shape, episode, write_bag

SENT = episode(Shape(duration_s=1.0, state_hz=50, labels=True))


def mcap_file(folder):
    """The one MCAP file of a bag."""
    return next(folder.glob("*.mcap"))


def sent(messages):
    """What was sent, comparable with :func:`found`."""
    return [(each.topic, each.data()) for each in messages]


def found(path):
    """What a bag holds: (topic, bytes) in its order."""
    return [(topic, bytes(data)) for topic, _, data, _ in read_bag(path)]


def small_chunks(monkeypatch):
    """Bags of many chunks."""
    monkeypatch.setattr(mcap_writer, "CHUNK_BYTES", 4096)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.7])
def test_a_truncated_file_is_read_up_to_its_last_whole_chunk(tmp_path, monkeypatch, share):
    small_chunks(monkeypatch)
    folder = write_bag(tmp_path / "bag", SENT)
    (folder / "metadata.yaml").unlink()
    path = mcap_file(folder)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    opened = open_bag(folder)
    read = found(folder)
    assert read == sent(SENT[: len(read)])
    assert opened.truncated and any("cut short" in note for note in opened.notes)
    assert len(read) >= len(SENT) * share * 0.7 - 40


def test_a_file_cut_in_its_index_has_lost_nothing(tmp_path):
    path = mcap_file(write_bag(tmp_path / "bag", SENT))
    path.write_bytes(path.read_bytes()[:-30])
    assert found(path) == sent(SENT)


def test_a_damaged_chunk_is_left_out_and_noted(tmp_path, monkeypatch):
    small_chunks(monkeypatch)
    folder = write_bag(tmp_path / "bag", SENT)
    path = mcap_file(folder)
    data = bytearray(path.read_bytes())
    data[data.find(SENT[150].data()) + 20] ^= 0xFF
    path.write_bytes(data)
    opened = open_bag(folder)
    assert 0 < len(list(opened.messages())) < len(SENT)
    assert any("is damaged and left out" in note for note in opened.notes)


def test_zeros_after_a_power_cut_are_no_messages(tmp_path):
    folder = write_bag(tmp_path / "bag", SENT, close=False)
    with open(mcap_file(folder), "ab") as file:
        file.write(b"\0" * 5000)
    assert found(folder) == sent(SENT) and open_bag(folder).truncated


def test_an_unclosed_bag_holds_all_that_was_flushed(tmp_path):
    assert found(write_bag(tmp_path / "bag", SENT, close=False)) == sent(SENT)


def test_a_chunk_goes_out_when_it_is_a_second_old(tmp_path):
    now = SimpleNamespace(s=0.0)
    file = mcap_writer.McapWriter(tmp_path / "a.mcap", clock_s=lambda: now.s)
    channel = file.add_channel("/a", "std_msgs/msg/String", "string data", {})
    file.write(channel, b"one", 1)
    size = (tmp_path / "a.mcap").stat().st_size
    now.s = 0.9
    file.write(channel, b"two", 2)
    assert (tmp_path / "a.mcap").stat().st_size == size
    now.s = 1.0
    file.write(channel, b"three", 3)
    assert [bytes(data) for _, _, data, _ in read_bag(tmp_path / "a.mcap")] == [b"one", b"two", b"three"]


KILLED = """
import sys, time
from pathlib import Path
from muse_ros.bags.bags import open_writer
writer = open_writer(Path(sys.argv[1]))
for k in range(10**9):
    writer.write("/a", "std_msgs/msg/Int64", b"\\0\\1\\0\\0" + k.to_bytes(8, "little"), k)
    print(k, flush=True)
    time.sleep(0.001)
"""


def test_a_writer_killed_outright_loses_at_most_the_last_second(tmp_path):
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", KILLED, str(tmp_path / "bag")]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    times = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        while not times or times[-1] - times[0] < 2.5:
            assert process.stdout.readline()
            times.append(time.monotonic())
        process.send_signal(signal.SIGKILL)
    read = [int.from_bytes(data[4:], "little") for *_, data, _ in read_bag(tmp_path / "bag")]
    assert read == list(range(len(read)))
    assert times[-1] - times[min(len(read), len(times) - 1)] < 1.5


class FullDisk:
    """A file on a disk with room for so many more bytes."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, data):
        taken = min(len(data), self._room)
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._room -= taken
        return self._file.write(data[:taken])

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_a_full_disk_is_an_error_that_says_so_and_leaves_a_readable_bag(tmp_path, monkeypatch):
    small_chunks(monkeypatch)
    writer = open_writer(tmp_path / "bag")
    writer._file._file = FullDisk(writer._file._file, 30_000)
    with pytest.raises(BagWriteError, match="disk is full") as caught:
        for each in SENT:
            writer.write(each.topic, each.type, each.data(), each.received_ns)
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(BagWriteError, match="disk is full"):
        writer.write("/action", "muse_ros/msg/Action", b"", 1)
    with pytest.raises(BagWriteError, match="disk is full"):
        writer.close()
    writer.close()
    read = found(tmp_path / "bag")
    assert read and read == sent(SENT[: len(read)])
