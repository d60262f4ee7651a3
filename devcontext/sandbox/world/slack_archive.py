"""Opens the ZIP of a Slack export without unpacking it: few files at a time, each read within bounds.

SECURITY: nothing of the archive becomes a path on this machine; names are compared and never opened.
"""

import json
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from devcontext.sandbox.world.errors import WorldError

# A small company's years of text; what is larger is an archive of something else.
_MAX_BYTES = 512 * 1024**2
# Thirty years of days in five channels, or five years in thirty.
_MAX_FILES = 50_000
# An entry of the directory is 46 bytes and a name: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
_MAX_DIRECTORY_BYTES = _MAX_FILES * 256
# A day of one channel is some kilobytes; users.json of ten thousand people is about 15 MB.
_MAX_FILE_BYTES = 32 * 1024**2
# A start waits for a minute; this much JSON is read in about ten seconds.
_MAX_TOTAL_BYTES = 256 * 1024**2
_USERS = frozenset({"users.json", "org_users.json"})
_END, _END64 = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES, _COMMENT_BYTES, _END64_BYTES = 22, 65535, 20

Record = Mapping[str, Any]


@dataclass(slots=True)
class Archive:
    """An open export; `budget` is how many bytes may still be read."""

    path: Path
    entries: Mapping[str, zipfile.ZipInfo]
    _zip: zipfile.ZipFile
    budget: int = _MAX_TOTAL_BYTES

    def records(self, name: str, *, is_required: bool = False) -> list[Record]:
        """Return the objects of one file's JSON array; [] where an optional file is missing.

        Raises:
            WorldError: The file is required and missing, too large, or no JSON array of objects.
        """
        if name not in self.entries:
            if is_required:
                raise WorldError(f"{self.path} is no Slack export: it has no {name}.")
            return []
        try:
            found = json.loads(self._read(self.entries[name], name))
        except (ValueError, RecursionError):
            raise WorldError(f"{self.path} is broken: {name} is no JSON.") from None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise WorldError(f"{self.path} is broken: {name} is no list of objects.")
        return found

    def _read(self, entry: zipfile.ZipInfo, name: str) -> bytes:
        limit = min(_MAX_FILE_BYTES, self.budget)
        if entry.file_size > limit:
            raise WorldError(f"{self.path} unpacks to more than is read: {name} is too large.")
        try:
            # The module stops at the size that the entry declares, whatever is packed behind it.
            with self._zip.open(entry) as file:
                data = file.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
            raise WorldError(f"{self.path} is broken: {name} cannot be unpacked.") from None
        self.budget -= len(data)
        return data


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Yield the archive at `path`, its names relative to the folder that holds users.json.

    Raises:
        WorldError: It is no ZIP, too large, holds too many files, or a name that leads out of it.
    """
    try:
        with path.open("rb") as file:
            _require_bounds(file, path)
            try:
                with zipfile.ZipFile(file) as archive:
                    yield Archive(path, _entries(archive, path), archive)
            except zipfile.BadZipFile:
                raise WorldError(f"{path} is no ZIP archive, or a broken one.") from None
    except OSError:
        raise WorldError(f"{path} is no file that this user may read.") from None


def _require_bounds(file: BinaryIO, path: Path) -> None:
    """Refuse by the end of the archive alone: its directory is read into memory as a whole afterwards."""
    size = file.seek(0, 2)
    if size > _MAX_BYTES:
        raise WorldError(f"{path} is larger than {_MAX_BYTES // 1024**2} MiB, the largest export that is read.")
    file.seek(max(0, size - _END_BYTES - _COMMENT_BYTES - _END64_BYTES))
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + _END_BYTES:
        raise WorldError(f"{path} is no ZIP archive, or a broken one.")
    is_large = tail[max(0, end - _END64_BYTES) : end].startswith(_END64)
    if is_large or int.from_bytes(tail[end + 12 : end + 16], "little") > _MAX_DIRECTORY_BYTES:
        raise WorldError(f"{path} holds more than {_MAX_FILES} files.")
    file.seek(0)


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    listed = archive.infolist()
    if len(listed) > _MAX_FILES:
        raise WorldError(f"{path} holds more than {_MAX_FILES} files.")
    for entry in listed:
        _require_plain(entry, path)
    files = {entry.filename: entry for entry in listed if not entry.is_dir()}
    if len(files) < sum(not entry.is_dir() for entry in listed):
        raise WorldError(f"{path} holds two files of one name.")
    # Some unpack an export and pack its folder again.
    roots = (name.removesuffix(PurePosixPath(name).name) for name in files if PurePosixPath(name).name in _USERS)
    root = min(roots, key=len, default="")
    return {name.removeprefix(root): entry for name, entry in files.items() if name.startswith(root)}


def _require_plain(entry: zipfile.ZipInfo, path: Path) -> None:
    name = PurePosixPath(entry.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in "".join(name.parts[:1]):
        raise WorldError(f"{path} is refused: it holds the name {entry.filename[:80]!r}, which leads out of it.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise WorldError(f"{path} is refused: {entry.filename[:80]!r} in it is a link.")
    if entry.flag_bits & 0x1:
        raise WorldError(f"{path} is encrypted; give the export itself.")
