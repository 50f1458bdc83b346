"""Values that lie as they are in a ZIP archive, such as TorchScript's tensors, replaced without writing it anew.

Their places are found once; each replacement then costs a copy of the archive and the checksums of what was replaced.
Formats: PKWARE's APPNOTE, sections 4.3.7, 4.3.9 and 4.3.12. Pure.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_LOCAL_BYTES, _CENTRAL_BYTES = 30, 46
_CHECKSUM_IN_LOCAL, _CHECKSUM_IN_CENTRAL, _CHECKSUM_IN_DESCRIPTOR = 14, 16, 4
_DESCRIPTOR = b"PK\x07\x08"


@dataclass(frozen=True)
class _Place:
    begin: int
    end: int
    checksums: tuple[int, ...]


class StoredValues:
    """An archive and the places of some of its members.

    Args:
        archive: A ZIP archive whose members of interest are stored, not compressed.
        values: Name to the bytes of a member, by which it is found.

    Raises:
        ValueError: where not exactly one member is a value, or it is compressed.
    """

    def __init__(self, archive: bytes, values: Mapping[str, bytes]) -> None:
        self._archive = archive
        self._places = {name: _place(archive, value, name) for name, value in values.items()}

    def replaced(self, values: Mapping[str, bytes]) -> bytes:
        """The archive with other values, each as long as the one before.

        Raises:
            ValueError: where a value is longer or shorter.
        """
        made = bytearray(self._archive)
        for name, value in values.items():
            place = self._places[name]
            if len(value) != place.end - place.begin:
                raise ValueError(f"{name} has {len(value)} bytes, not {place.end - place.begin}")
            made[place.begin : place.end] = value
            checksum = struct.pack("<I", zlib.crc32(value))
            for at in place.checksums:
                made[at : at + 4] = checksum
        return bytes(made)


def _place(archive: bytes, value: bytes, name: str) -> _Place:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entries = [entry for entry in opened.infolist() if entry.file_size == len(value)]
        entries = [entry for entry in entries if opened.read(entry) == value]
        central = opened.start_dir
    if len(entries) != 1 or entries[0].compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name}: {len(entries)} members of the archive are it, or it is compressed")
    local = entries[0].header_offset
    name_bytes, extra_bytes = struct.unpack_from("<HH", archive, local + 26)
    begin = local + _LOCAL_BYTES + name_bytes + extra_bytes
    end = begin + len(value)
    checksum = struct.pack("<I", zlib.crc32(value))
    candidates = [_central_entry(archive, central, local) + _CHECKSUM_IN_CENTRAL, local + _CHECKSUM_IN_LOCAL]
    if archive[end : end + 4] == _DESCRIPTOR:
        candidates.append(end + _CHECKSUM_IN_DESCRIPTOR)
    return _Place(begin, end, tuple(at for at in candidates if archive[at : at + 4] == checksum))


def _central_entry(archive: bytes, at: int, local: int) -> int:
    """Where the central directory, which begins at `at`, tells of the member whose own header is at `local`."""
    while struct.unpack_from("<I", archive, at + 42)[0] != local:
        name_bytes, extra_bytes, comment_bytes = struct.unpack_from("<HHH", archive, at + 28)
        at += _CENTRAL_BYTES + name_bytes + extra_bytes + comment_bytes
    return at
