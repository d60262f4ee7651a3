"""Key-encryption keys in a file of their own, one `<version>:<base64>` per line, for their owner's eyes only.

A running process reads the file again when it changed and it seals, or meets a record of a version it does not know.
"""

import fcntl
import logging
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from vault.keys import local
from vault.keys.base import Purpose, WrappedKey
from vault.keys.local import LocalKeys

# Room for a thousand keys; a larger file is something else.
_MAX_BYTES = 64 * 1024

_REFUSALS = {
    "missing": "The key file (VAULT_KEYS_FILE) cannot be read. It must be a regular file, not a link.",
    "owner": "The key file (VAULT_KEYS_FILE) belongs to another user than the one that this process runs as.",
    "mode": "The key file (VAULT_KEYS_FILE) can be read by others; run chmod 600 on it.",
    "tracked": "The key file (VAULT_KEYS_FILE) lies in a git work tree, where it could be committed. Move it out, or "
    "put a .gitignore with the single line * into its folder.",
    "content": 'The key file (VAULT_KEYS_FILE) must hold one "<version>:<base64>" per line, each version a different '
    "number and each key 32 random bytes.",
    "write": "The key file (VAULT_KEYS_FILE) cannot be written.",
}

# Modification time, inode and size: a file that is replaced differs in the second, whatever the clock's steps.
_Stamp = tuple[int, int, int]

logger = logging.getLogger(__name__)


class FileKeys:
    """Implements `vault.keys.base.KeyProvider` on the file at `path`; reads it when it is made.

    Raises:
        ImproperlyConfigured: The file is missing, malformed, another user's, a link, readable by others, or lies
            where git would track it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp, entries = _read(path)
        self._keys = _parse(entries)

    def versions(self) -> tuple[int, ...]:
        """See `KeyProvider.versions`."""
        self._read_again()
        return self._keys.versions()

    def wrap(self, data_key: bytes, *, version: int, purpose: Purpose, associated_data: bytes) -> WrappedKey:
        """See `KeyProvider.wrap`."""
        return self._keys.wrap(data_key, version=version, purpose=purpose, associated_data=associated_data)

    def unwrap(self, key: WrappedKey, *, purpose: Purpose, associated_data: bytes) -> bytes:
        """See `KeyProvider.unwrap`; a version that is not known may have been added since the file was read."""
        if key.version not in self._keys.versions():
            self._read_again()
        return self._keys.unwrap(key, purpose=purpose, associated_data=associated_data)

    def fingerprint_seed(self) -> bytes:
        """See `KeyProvider.fingerprint_seed`."""
        return self._keys.fingerprint_seed()

    def _read_again(self) -> None:
        """Take over what the file holds now. One that went bad is reported, and what was read before goes on."""
        try:
            if _stamp_of(self._path.lstat()) != self._stamp:
                stamp, entries = _read(self._path)
                self._keys, self._stamp = _parse(entries), stamp
        except (OSError, ImproperlyConfigured):
            logger.exception("vault.keys.unreadable")


@lru_cache(maxsize=8)
def load(path: str) -> FileKeys:
    """Return the keys in the file at `path`, the same object for each caller of this process.

    Raises:
        ImproperlyConfigured: See `FileKeys`.
    """
    return FileKeys(Path(path))


def ensure(path: Path) -> bool:
    """Make the file with a first key unless there is one, and tell whether it was made.

    Raises:
        ImproperlyConfigured: It cannot be made, or would lie where git tracks it.
    """
    if os.path.lexists(path):
        return False
    _require_untracked(path)
    with _alone_in(path.parent):
        if os.path.lexists(path):
            return False
        _replace(path, [local.new_entry(1)])
    return True


def append(path: Path) -> int:
    """Add a new key after the others, which stay, and return its version. The file is replaced whole or not at all.

    Raises:
        ImproperlyConfigured: See `FileKeys`, or the file cannot be written.
    """
    with _alone_in(path.parent):
        _, entries = _read(path)
        version = _parse(entries).versions()[-1] + 1
        _replace(path, [*entries, local.new_entry(version)])
    return version


def _read(path: Path) -> tuple[_Stamp, list[str]]:
    """Return what tells this state of the file from another, and its lines."""
    _require_untracked(path)
    try:
        # SECURITY: what is checked is what is read: a link or another file put in its place meanwhile is not followed.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise ImproperlyConfigured(_REFUSALS["missing"]) from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        _require_private(found)
        content = file.read(_MAX_BYTES)
    try:
        lines = content.decode("ascii").split()
    except UnicodeDecodeError:
        raise ImproperlyConfigured(_REFUSALS["content"]) from None
    # The file of a local installation used to hold its one key alone.
    is_bare = len(lines) == 1 and ":" not in lines[0]
    return _stamp_of(found), [f"1:{lines[0]}"] if is_bare else lines


def _parse(entries: list[str]) -> LocalKeys:
    return local.parse(entries, refusal=_REFUSALS["content"])


def _stamp_of(found: os.stat_result) -> _Stamp:
    return found.st_mtime_ns, found.st_ino, found.st_size


def _require_private(found: os.stat_result) -> None:
    """SECURITY: a key that others on this machine can read or replace is no secret; refused rather than used."""
    if not stat.S_ISREG(found.st_mode):
        raise ImproperlyConfigured(_REFUSALS["missing"])
    if found.st_uid != os.geteuid():
        raise ImproperlyConfigured(_REFUSALS["owner"])
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ImproperlyConfigured(_REFUSALS["mode"])


def _require_untracked(path: Path) -> None:
    """Refuse a file in a git work tree, unless a `.gitignore` of the single line `*` lies between it and the top.

    Stricter than git and needing none: git is not asked, since a server may run without it.
    """
    folder = path.parent.resolve()
    for above in (folder, *folder.parents):
        if _ignores_all(above / ".gitignore"):
            return
        if (above / ".git").exists():
            raise ImproperlyConfigured(_REFUSALS["tracked"])


def _ignores_all(gitignore: Path) -> bool:
    try:
        return gitignore.read_bytes().split() == [b"*"]
    except OSError:
        return False


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two commands at once add two keys, and none is lost."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        raise ImproperlyConfigured(_REFUSALS["write"]) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        # The new name is on disk before a secret is sealed with a key that only it leads to.
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: Path, entries: list[str]) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n".join(entries) + "\n")
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise ImproperlyConfigured(_REFUSALS["write"]) from None
