"""Where episodes lie, and that no move loses one."""

import pytest

from muse_ros.recording.session_folder import SessionFolder, read_episode_file, write_episode_file


@pytest.fixture
def session(tmp_path):
    folder = SessionFolder(tmp_path, "monday")
    folder.make()
    return folder


def record(session, name, outcome="unlabelled", **fields):
    session.recording(name).mkdir()
    write_episode_file(session.recording(name), {"outcome": outcome, **fields})


def test_an_episode_is_kept_by_a_rename(session):
    record(session, "episode_0000")
    kept = session.file("episode_0000", kept=True)
    assert kept == session.path / "episode_0000"
    assert read_episode_file(kept) == {"outcome": "unlabelled"}
    assert session.cut_short() == []


def test_a_discarded_episode_is_not_gone_and_can_come_back(session):
    record(session, "episode_0000")
    assert session.file("episode_0000", kept=False) == session.path / ".discarded" / "episode_0000"
    assert session.refile("episode_0000", kept=True).is_dir()


def test_an_episode_never_replaces_another(session):
    record(session, "episode_0000")
    (session.path / "episode_0000").mkdir()
    with pytest.raises(FileExistsError, match="stays where it is"):
        session.file("episode_0000", kept=True)
    assert session.recording("episode_0000").is_dir()


def test_numbers_go_on_after_kept_discarded_and_cut_episodes(session):
    assert session.next_index() == 0
    record(session, "episode_0003")
    assert session.next_index() == 4
    session.file("episode_0003", kept=False)
    assert session.next_index() == 4


def test_an_episode_that_was_cut_short_is_found(session):
    record(session, "episode_0001")
    assert [path.name for path in session.cut_short()] == ["episode_0001.recording"]


def test_counts_come_from_the_disk(session):
    for number, outcome in enumerate(("success", "failure", "success", "success")):
        record(session, f"episode_{number:04d}", outcome)
    session.file("episode_0000", kept=True)
    session.file("episode_0001", kept=True)
    session.file("episode_0002", kept=False)
    assert session.counts() == {"kept": 2, "discarded": 1, "successes": 1, "failures": 1}


def test_the_newest_seed_is_the_highest_of_kept_discarded_and_cut_episodes(session):
    assert session.newest_seed() == -1
    for number, seed in enumerate((4, 9, 2, None)):
        record(session, f"episode_{number:04d}", "", seed=seed)
    session.file("episode_0000", kept=True)
    session.file("episode_0001", kept=False)
    assert session.newest_seed() == 9
    (session.recording("episode_0002") / "episode.json").write_text("{")
    assert session.newest_seed() == 9


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden"])
def test_a_session_name_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="plain folder name"):
        SessionFolder(tmp_path, name)


def test_a_missing_episode_file_reads_as_empty(tmp_path):
    assert read_episode_file(tmp_path) == {}
