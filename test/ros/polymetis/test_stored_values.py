"""Values replaced inside an archive: what a reader of archives then finds, checksums included."""

from __future__ import annotations

import io
import zipfile

import pytest

from muse_ros.polymetis.stored_values import StoredValues


class Pipe(io.RawIOBase):
    """A stream that cannot be gone back in: checksums then follow the data, as TorchScript writes them."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += data
        return len(data)


def archive(stream, compression=zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(stream, "w", compression) as made:
        made.writestr("first", b"eight by")
        made.writestr("code", b"code " * 100, zipfile.ZIP_DEFLATED)
        made.writestr("second", b"tes each")


def seekable() -> bytes:
    stream = io.BytesIO()
    archive(stream)
    return stream.getvalue()


def piped() -> bytes:
    stream = Pipe()
    archive(stream)
    return bytes(stream.data)


@pytest.mark.parametrize("made", [seekable, piped])
def test_a_replaced_value_is_read_back_with_its_checksum_and_the_rest_is_as_it_was(made):
    stored = StoredValues(made(), {"a": b"eight by", "b": b"tes each"})
    replaced = stored.replaced({"b": b"\0\1\2\3\4\5\6\7"})
    with zipfile.ZipFile(io.BytesIO(replaced)) as read:
        assert read.testzip() is None
        assert [read.read(name) for name in ("first", "second")] == [b"eight by", b"\0\1\2\3\4\5\6\7"]
        assert read.read("code") == b"code " * 100
    assert stored.replaced({"a": b"eight by", "b": b"tes each"}) == made()


def test_what_is_not_there_or_has_another_length_is_refused():
    with pytest.raises(ValueError, match="c: 0 members of the archive are it"):
        StoredValues(seekable(), {"c": b"nowhere!"})
    with pytest.raises(ValueError, match="a has 3 bytes, not 8"):
        StoredValues(seekable(), {"a": b"eight by"}).replaced({"a": b"123"})


def test_a_compressed_value_is_refused():
    stream = io.BytesIO()
    archive(stream, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="or it is compressed"):
        StoredValues(stream.getvalue(), {"a": b"eight by"})
