"""The recorder with a fake writer: what goes into a bag, what does not, and what happens when writing fails."""

from pathlib import Path

import pytest

from muse_ros.bags.qos import Qos
from muse_ros.recording.recorder import Recorder, Sample
from muse_ros.recording.topic_choice import Choice

S = 1_000_000_000
POSE = Choice("/pose", "geometry_msgs/msg/PoseStamped", (Qos(reliability="best_effort"),))
MODEL = Choice("/model", "std_msgs/msg/String", (Qos(durability="transient_local"),))
ACTION = Choice("/action", "muse_ros/msg/Action", (Qos(),))


class FakeWriter:
    """Remembers what was written; fails from message number `fail_at` on."""

    def __init__(self, fail_at=None):
        self.counts = {}
        self.written = []
        self.announced = []
        self.flushed = self.closed = False
        self._fail_at = fail_at

    def add_topic(self, topic, type_name, qos=()):
        self.announced.append(topic)

    def write(self, topic, type_name, data, received_ns):
        if self._fail_at is not None and len(self.written) >= self._fail_at:
            raise OSError("the disk is full")
        self.written.append((topic, data, received_ns))

    def flush(self):
        self.flushed = True

    def close(self):
        self.closed = True


def recorder(writer, preroll_s=0.5):
    made = Recorder(lambda folder: writer, preroll_s)
    made.use({choice.topic: choice for choice in (POSE, MODEL, ACTION)})
    return made


def pose(time_ns, lost=0):
    return Sample("/pose", b"p", time_ns, time_ns, lost)


def test_an_episode_holds_what_came_while_it_ran_as_it_came():
    writer = FakeWriter()
    made = recorder(writer)
    made.begin(Path("x"))
    made.take([Sample("/pose", b"\x00\x01any", 5, 4)])
    assert writer.written == [("/pose", b"\x00\x01any", 5)]


def test_the_last_moment_before_the_start_is_written_first():
    writer = FakeWriter()
    made = recorder(writer, preroll_s=0.5)
    made.take([pose(0), pose(6 * S // 10), pose(S)])
    made.begin(Path("x"))
    made.take([pose(2 * S)])
    assert [time for _, _, time in writer.written] == [6 * S // 10, S, 2 * S]


def test_a_latched_message_of_long_ago_begins_every_episode():
    writer = FakeWriter()
    made = recorder(writer)
    made.take([Sample("/model", b"urdf", S), pose(100 * S)])
    for _ in range(2):
        writer.written.clear()
        made.begin(Path("x"))
        made.close()
        assert ("/model", b"urdf", 100 * S - S // 2) in writer.written


def test_actions_and_statuses_of_the_past_are_not_taken_into_an_episode():
    writer = FakeWriter()
    made = recorder(writer)
    made.take([Sample("/action", b"old", S), pose(S)])
    made.begin(Path("x"))
    made.take([Sample("/action", b"new", S + 1)])
    assert [data for _, data, _ in writer.written] == [b"p", b"new"]


def test_what_comes_after_the_end_is_not_written_but_marks_are():
    writer = FakeWriter()
    made = recorder(writer)
    made.begin(Path("x"))
    made.end_data()
    made.take([pose(S)])
    made.mark("/events", "muse_ros/msg/EpisodeEvent", b"success", 2 * S)
    assert writer.written == [("/events", b"success", 2 * S)]
    assert writer.flushed


def test_the_end_of_one_episode_is_the_past_of_the_next():
    writer = FakeWriter()
    made = recorder(writer)
    made.begin(Path("x"))
    made.end_data()
    made.take([pose(S)])
    made.close()
    made.begin(Path("y"))
    assert writer.written == [("/pose", b"p", S)]


def test_a_topic_that_appears_while_recording_is_announced_and_written():
    writer = FakeWriter()
    made = recorder(writer)
    made.begin(Path("x"))
    made.use({"/late": Choice("/late", "std_msgs/msg/Bool", (Qos(),))})
    made.take([Sample("/late", b"1", S)])
    assert writer.announced[-1] == "/late"
    assert writer.written == [("/late", b"1", S)]


def test_figures_count_messages_and_losses_by_topic():
    made = recorder(FakeWriter())
    made.begin(Path("x"))
    made.take([pose(0), pose(S, lost=3), pose(2 * S)])
    recording = made.close()
    assert recording.topics["/pose"].count == 3
    assert recording.topics["/model"].count == 0
    assert recording.lost == 3


def test_a_stamp_of_zero_is_none_and_makes_no_gap_of_decades():
    made = recorder(FakeWriter())
    made.begin(Path("x"))
    made.take([Sample("/pose", b"p", time, stamp) for time, stamp in ((100 * S, 0), (101 * S, 0), (103 * S, 103 * S))])
    assert made.figures().topics["/pose"].to_dict()["max_gap_s"] == 2.0


def test_losses_before_the_episode_are_not_charged_to_it():
    made = recorder(FakeWriter())
    made.take([pose(S, lost=7)])
    made.begin(Path("x"))
    assert made.close().lost == 0


def test_a_failed_write_ends_writing_and_says_why():
    writer = FakeWriter(fail_at=1)
    made = recorder(writer)
    made.begin(Path("x"))
    made.take([pose(0), pose(1), pose(2)])
    assert made.failure == "OSError: the disk is full"
    assert len(writer.written) == 1
    assert made.close().topics["/pose"].count == 1


def test_a_folder_that_cannot_be_made_is_told_to_the_caller():
    def refuse(folder):
        raise OSError("no such place")

    made = Recorder(refuse)
    with pytest.raises(OSError, match="no such place"):
        made.begin(Path("x"))
    assert not made.is_open


def test_a_second_bag_beside_an_open_one_is_an_error():
    made = recorder(FakeWriter())
    made.begin(Path("x"))
    with pytest.raises(RuntimeError, match="close it before"):
        made.begin(Path("y"))


def test_a_clock_that_jumps_back_does_not_let_the_past_grow():
    writer = FakeWriter()
    made = recorder(writer)
    made.take([pose(100 * S), pose(S), pose(S + 1)])
    made.begin(Path("x"))
    assert [time for _, _, time in writer.written] == [S, S + 1]
