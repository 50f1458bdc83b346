"""Effects on a real folder and a real bag, with no middleware: the episode's life on disk."""

import json
import shutil

import pytest

from muse_ros.bags.bags import open_writer, read_bag
from muse_ros.bags.qos import Qos
from muse_ros.contract.contract import load_contract
from muse_ros.recording.episode_effects import EpisodeEffects, PreparedMark, Surroundings
from muse_ros.recording.episode_events import End, Failed, Gate, Interrupted, Verb
from muse_ros.recording.episode_file import Description, Setting
from muse_ros.recording.episodes import advance
from muse_ros.recording.health import Health
from muse_ros.recording.recorder import Recorder, Sample
from muse_ros.recording.session import Session, State
from muse_ros.recording.session_folder import SessionFolder, read_episode_file
from muse_ros.recording.stream_watch import Expected
from muse_ros.recording.topic_choice import Choice

POSE = Choice("/pose", "geometry_msgs/msg/PoseStamped", (Qos(),))


class Stage:
    """A session on disk, driven by verbs."""

    def __init__(self, root, open_bag=open_writer):
        self.folder = SessionFolder(root, "monday")
        self.folder.make()
        self.recorder = Recorder(open_bag)
        self.recorder.use({"/pose": POSE})
        self.published, self.warnings, self.resets = [], [], []
        self.health = Health([Expected("/pose", "", 0.1)])
        around = Surroundings(
            drain=lambda: None,
            prepare=self.prepare,
            describe=lambda: Description(task="lift", operator="ada", note="left hand", seed=5),
            left_out=lambda: {"/rosout": "ROS housekeeping"},
            now_ns=lambda: 1000,
            warn=self.warnings.append,
            reset=self.resets.append,
        )
        setting = Setting("monday", load_contract("panda"), "system", "/", {"muse": "0"})
        self.effects = EpisodeEffects(self.recorder, self.health, self.folder, setting, around)
        self.session = advance(Session(), Gate(())).session

    def prepare(self, mark, episode_id):
        publish = lambda: self.published.append((mark.event, mark.stamp_ns, episode_id))  # noqa: E731
        return PreparedMark("/collect/events", "muse_ros/msg/EpisodeEvent", mark.event.encode(), publish)

    def do(self, event):
        step = advance(self.session, event)
        while step is not None:
            self.session, current, step = step.session, step, None
            for effect in current.effects:
                answer = self.effects.carry_out(effect, self.session)
                if answer is not None:
                    step = advance(self.session, answer)
                    break

    def verbs(self, *names):
        for number, name in enumerate(names):
            self.do(Verb(name, 1000 + number))
            self.recorder.take([Sample("/pose", b"\x00\x01\x00\x00pose", 1000 + number, 1000 + number)])


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


def bag(folder):
    return [(topic, bytes(data)) for topic, _, data, _ in read_bag(folder)]


def test_a_kept_episode_is_a_bag_with_its_marks_and_its_file(stage):
    stage.verbs("start", "success", "keep")
    folder = stage.folder.path / "episode_0000"
    assert bag(folder) == [
        ("/collect/events", b"start"),
        ("/pose", b"\x00\x01\x00\x00pose"),
        ("/collect/events", b"success"),
        ("/collect/events", b"stop"),
    ]
    content = json.loads((folder / "episode.json").read_text())
    told = {key: content[key] for key in ("task", "operator", "note", "seed", "outcome", "start_ns", "stop_ns")}
    assert told == {
        "task": "lift",
        "operator": "ada",
        "note": "left hand",
        "seed": 5,
        "outcome": "success",
        "start_ns": 1000,
        "stop_ns": 1001,
    }
    assert content["topics"]["/pose"]["count"] == 1
    assert content["left_out"] == {"/rosout": "ROS housekeeping"}
    assert content["contract_digest"] == load_contract("panda").digest()
    assert (content["session"], content["clock"], content["namespace"]) == ("monday", "system", "/")
    assert content["complete"] is True and content["cut_short"] is None


def test_marks_are_published_with_their_stamps(stage):
    stage.verbs("start", "stop", "failure", "keep")
    assert stage.published == [
        ("start", 1000, "episode_0000"),
        ("stop", 1001, "episode_0000"),
        ("failure", 1002, "episode_0000"),
    ]


def test_an_episode_whose_folder_was_deleted_while_it_was_recorded_is_not_kept(stage):
    stage.verbs("start")
    shutil.rmtree(stage.folder.path)
    stage.verbs("stop", "keep")
    assert stage.session.state is State.FAULT and stage.session.kept == 0
    assert "episode_0000.recording is gone: somebody deleted or moved it" in stage.session.fault
    assert not stage.folder.filed("episode_0000", kept=True).exists() and stage.folder.cut_short() == []
    stage.verbs("discard")
    stage.do(Gate(()))
    stage.folder.make()
    stage.verbs("start", "stop", "keep")
    assert stage.session.kept == 1 and bag(stage.folder.path / "episode_0001")


def test_what_is_left_of_a_deleted_bag_at_the_end_is_no_episode_either(stage):
    stage.verbs("start")
    shutil.rmtree(stage.folder.recording("episode_0000"))
    stage.do(Interrupted("the collect node was ended", 2000))
    assert "is gone" in stage.warnings[0] and stage.folder.cut_short() == []


def test_while_it_is_recorded_the_name_says_so_and_the_file_is_there(stage):
    stage.verbs("start")
    content = read_episode_file(stage.folder.recording("episode_0000"))
    assert (content["complete"], content["task"]) == (False, "lift")


def test_undo_moves_the_last_kept_episode_to_the_discarded_and_back(stage):
    stage.verbs("start", "stop", "keep", "undo")
    assert (stage.folder.path / ".discarded" / "episode_0000" / "metadata.yaml").is_file()
    stage.verbs("undo")
    assert (stage.folder.path / "episode_0000" / "metadata.yaml").is_file()


def test_an_interruption_closes_the_bag_whole_and_leaves_it_undecided(stage):
    stage.verbs("start")
    stage.do(Interrupted("Ctrl-C", 1500))
    folder = stage.folder.recording("episode_0000")
    assert (folder / "metadata.yaml").is_file()
    assert read_episode_file(folder)["cut_short"] == "Ctrl-C"
    assert bag(folder)[-1] == ("/collect/events", b"stop")
    assert str(folder) in stage.warnings[0]


def test_a_bag_that_cannot_be_opened_is_a_fault_and_harms_nothing(stage):
    stage.verbs("start", "stop", "keep")
    stage.folder.recording("episode_0001").mkdir()
    stage.verbs("start")
    assert stage.session.state is State.FAULT
    assert "exists already" in stage.session.fault
    assert (stage.folder.path / "episode_0000").is_dir()
    stage.verbs("discard", "start", "stop", "keep")
    assert (stage.folder.path / "episode_0002").is_dir()


def test_a_kept_name_that_is_taken_is_a_fault_and_the_episode_stays_where_it_is(stage):
    stage.verbs("start", "stop")
    (stage.folder.path / "episode_0000").mkdir()
    stage.verbs("keep")
    assert stage.session.state is State.FAULT
    assert (stage.folder.recording("episode_0000") / "metadata.yaml").is_file()
    (stage.folder.path / "episode_0000").rmdir()
    stage.verbs("keep")
    assert (stage.session.state, stage.session.kept) == (State.READY, 1)


def test_what_the_streams_lacked_is_in_the_file(stage):
    stage.do(Verb("start", 1000))
    for number, lost in ((1, 0), (2, 3)):
        stage.health.arrived("/pose", number, number, lost)
    stage.do(Verb("stop", 1001))
    stage.health.arrived("/pose", 3, 3, 100)  # after the end: not the episode's
    stage.do(Verb("keep", 1002))
    content = read_episode_file(stage.folder.path / "episode_0000")
    assert content["degraded"] is True
    assert content["degraded_because"] == ["/pose: 3 of 5 messages lost (60.0 %, 0.5 % allowed)"]


def test_an_episode_that_lacks_nothing_is_not_degraded(stage):
    stage.verbs("start", "stop", "keep")
    content = read_episode_file(stage.folder.path / "episode_0000")
    assert (content["degraded"], content["degraded_because"], content["ended_because"]) == (False, [], None)


def test_why_an_episode_ended_by_itself_is_in_the_file(stage):
    stage.verbs("start")
    stage.do(End("0.50 GB free", 1500))
    stage.verbs("keep")
    content = read_episode_file(stage.folder.path / "episode_0000")
    assert (content["ended_because"], content["outcome"]) == ("0.50 GB free", "unlabelled")


def test_a_kept_episode_is_relabelled_in_its_file_and_nothing_else_of_it_changes(stage):
    stage.verbs("start", "success", "keep")
    before = read_episode_file(stage.folder.path / "episode_0000")
    stage.verbs("failure")
    assert read_episode_file(stage.folder.path / "episode_0000") == {**before, "outcome": "failure"}
    assert stage.folder.counts() == {"kept": 1, "discarded": 0, "successes": 0, "failures": 1}


def test_a_damaged_file_does_not_keep_a_session_from_starting(stage):
    stage.verbs("start", "success", "keep")
    (stage.folder.path / "episode_0000" / "episode.json").write_text('{"outcome": "suc')
    assert stage.folder.counts() == {"kept": 1, "discarded": 0, "successes": 0, "failures": 0}


def test_a_reset_is_begun_with_its_seed(stage):
    stage.do(Verb("reset", 1000, seed=7))
    assert stage.resets == [7]


class FullDisk:
    """A writer on a disk that fills up after some messages."""

    def __init__(self, folder, room=2):
        self.inner, self.room, self.counts = open_writer(folder), room, {}
        self.add_topic, self.flush = self.inner.add_topic, self.inner.flush

    def write(self, *arguments):
        self.room -= 1
        if self.room < 0:
            raise OSError("No space left on device")
        self.inner.write(*arguments)

    def close(self):
        self.inner.close()


def test_a_full_disk_is_noticed_and_what_was_written_can_be_kept(tmp_path):
    stage = Stage(tmp_path, FullDisk)
    stage.verbs("start")
    stage.recorder.take([Sample("/pose", b"\x00\x01\x00\x00more", 2000, 2000)])
    assert stage.recorder.failure == "OSError: No space left on device"
    stage.do(Failed(stage.recorder.failure, 2001))
    assert stage.session.state is State.FAULT
    stage.verbs("keep")
    assert bag(stage.folder.path / "episode_0000") == [
        ("/collect/events", b"start"),
        ("/pose", b"\x00\x01\x00\x00pose"),
    ]
