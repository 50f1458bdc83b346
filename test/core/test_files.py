"""A file is replaced whole or left as it was."""

import pytest

from muse_core.files import building_folder, replacing, write_text


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "made" / "note.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="disk full"), replacing(path) as partial:
        partial.write_text("ne")
        raise RuntimeError("disk full")
    assert path.read_text() == "old"
    assert [file.name for file in path.parent.iterdir()] == ["note.txt"]


def test_a_write_takes_the_old_files_place(tmp_path):
    path = tmp_path / "note.txt"
    write_text(path, "old")
    write_text(path, "naïve")
    assert path.read_text(encoding="utf-8") == "naïve"


def test_a_folder_that_is_being_built_has_its_name_only_when_it_is_whole(tmp_path):
    with building_folder(tmp_path / "in" / "it") as partial:
        partial.mkdir()
        (partial / "one").write_text("1")
        assert not (tmp_path / "in" / "it").exists()
    assert (tmp_path / "in" / "it" / "one").read_text() == "1"
    with pytest.raises(RuntimeError), building_folder(tmp_path / "other") as partial:
        partial.mkdir()
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
