"""Checkpoints of the log: its size and root as a signed note, and the Ed25519 keys that sign and check them.

Source: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note (Ed25519 is signature type 0x01). A private
key is never printed, logged or stored here.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.core.exceptions import ImproperlyConfigured

from audit.errors import BrokenNoteError

# The name of a log that was given none of its own.
LOG_NAME = "devcontext.audit"

_ED25519 = b"\x01"
_ID_BYTES = 4
_ROOT_BYTES = 32
_NAME = re.compile(r"[^\s+]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)
# Room for a checkpoint with a dozen signatures; a longer text is something else.
_MAX_NOTE_CHARACTERS = 4096
_BAD_KEY = "AUDIT_LOG_KEY must hold Ed25519 keys in PEM: one or more private ones, then public ones of earlier keys."
_BAD_VERIFIER = "AUDIT_LOG_VERIFIERS must hold keys as `manage.py audit_key` prints them, by commas."
_BAD_NAME = "AUDIT_LOG_NAME must be a name without spaces and without +."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was signed: the log's name, the number of its leaves and their root.

    `signed_by` counts the verifiers from the current key, 0, to the first of them that signed.
    """

    name: str
    size: int
    root: bytes
    signed_by: int = 0


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half of a log key under the log's name."""

    name: str
    public_key: Ed25519PublicKey = field(repr=False)

    @property
    def raw(self) -> bytes:
        """The key's 32 bytes."""
        return self.public_key.public_bytes_raw()

    @property
    def id(self) -> bytes:
        """The first bytes of its hash, by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        """Return the key as others are given it, `name+hash+key`."""
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.raw)}"


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of the log, the current one first: all that it was ever signed with, and those that sign."""

    name: str
    verifiers: tuple[Verifier, ...]
    signers: tuple[Ed25519PrivateKey, ...] = field(repr=False, default=())

    def sign(self, *, size: int, root: bytes) -> str:
        """Return the checkpoint of a log of `size` leaves with `root` as a note, signed with each private key."""
        return self.sign_text(f"{self.name}\n{size}\n{_base64(root)}\n")

    def sign_text(self, text: str) -> str:
        """Return `text`, whole lines, as a note. SECURITY: no text of another kind may read as a checkpoint."""
        lines = (
            f"— {verifier.name} {_base64(verifier.id + signer.sign(text.encode()))}\n"
            for verifier, signer in zip(self.verifiers, self.signers, strict=False)
        )
        return f"{text}\n{''.join(lines)}"

    def open(self, note: str) -> Checkpoint:
        """Return the checkpoint in `note` if one of the keys signed it; signatures of others are passed over.

        Raises:
            BrokenNoteError: It is no checkpoint of this log, no known key signed it, or such a signature is wrong.
        """
        text, signed_by = self.open_text(note)
        name, size, root = _parse(text)
        if name != self.name:
            raise BrokenNoteError
        return Checkpoint(name, size=size, root=root, signed_by=signed_by)

    def open_text(self, note: str) -> tuple[str, int]:
        """Return the text of a note, and the number of the first key that signed it.

        Raises:
            BrokenNoteError: No known key signed it, or such a signature is wrong.
        """
        text, signatures = _split(note)
        signed_by = [
            number
            for number, verifier in enumerate(self.verifiers)
            for signer, signature in signatures
            if _is_signed(text, signature, signer=signer, verifier=verifier)
        ]
        if not signed_by:
            raise BrokenNoteError
        return text, min(signed_by)


def load_keys(pem: str, *, name: str) -> LogKeys:
    """Return the keys in `pem`: private ones sign, public ones only check. The current one comes first.

    Raises:
        ImproperlyConfigured: There is none, one is no Ed25519 key, the first is public, or a public one comes before a
            private one.
    """
    _require_name(name)
    keys = [_load_key(block) for block in _PEM.findall(pem) or [pem]]
    signers = tuple(key for key in keys if isinstance(key, Ed25519PrivateKey))
    if not signers or any(not isinstance(key, Ed25519PrivateKey) for key in keys[: len(signers)]):
        raise ImproperlyConfigured(_BAD_KEY)
    publics = (key.public_key() if isinstance(key, Ed25519PrivateKey) else key for key in keys)
    return LogKeys(name, _unique(Verifier(name, public) for public in publics), signers)


def load_verifiers(text: str) -> LogKeys:
    """Return the keys that `text` names as `manage.py audit_key` prints them, by commas, the current one first.

    Raises:
        ImproperlyConfigured: There is none, one is malformed, or they are of several logs.
    """
    verifiers = [_load_verifier(part.strip()) for part in text.split(",")]
    if len({verifier.name for verifier in verifiers}) != 1:
        raise ImproperlyConfigured(_BAD_VERIFIER)
    return LogKeys(verifiers[0].name, _unique(verifiers))


def new_pem() -> str:
    """Return a new private key (PEM, PKCS#8)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _unique(verifiers: Iterable[Verifier]) -> tuple[Verifier, ...]:
    found = tuple(verifiers)
    if len({verifier.id for verifier in found}) != len(found):
        raise ImproperlyConfigured(_BAD_KEY)
    return found


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ImproperlyConfigured(_BAD_NAME)


def _load_key(pem: str) -> Ed25519PrivateKey | Ed25519PublicKey:
    try:
        if "PRIVATE" in pem:
            key: object = load_pem_private_key(pem.encode(), password=None)
        else:
            key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        raise ImproperlyConfigured(_BAD_KEY)
    return key


def _load_verifier(text: str) -> Verifier:
    name, _, rest = text.partition("+")
    hashed, _, encoded = rest.partition("+")
    raw = _unbase64(encoded)
    if not _NAME.fullmatch(name) or len(raw) != 1 + 32 or raw[:1] != _ED25519:
        raise ImproperlyConfigured(_BAD_VERIFIER)
    verifier = Verifier(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
    if verifier.id.hex() != hashed:
        raise ImproperlyConfigured(_BAD_VERIFIER)
    return verifier


def _split(note: str) -> tuple[str, Sequence[tuple[str, bytes]]]:
    """Return the text and the (name, id and signature) pairs of a note."""
    text, separator, signatures = note.rpartition("\n\n")
    if len(note) > _MAX_NOTE_CHARACTERS or not separator or not signatures.endswith("\n"):
        raise BrokenNoteError
    return f"{text}\n", [_split_signature(line) for line in signatures[:-1].split("\n")]


def _split_signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    signature = _unbase64(encoded)
    if dash != "—" or not _NAME.fullmatch(name) or len(signature) <= _ID_BYTES:
        raise BrokenNoteError
    return name, signature


def _parse(text: str) -> tuple[str, int, bytes]:
    """Return name, size and root. SECURITY: no further lines, so that one checkpoint has one text."""
    lines = text[:-1].split("\n")
    if len(lines) != 3 or not _NAME.fullmatch(lines[0]) or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004  (its lines)
        raise BrokenNoteError
    root = _unbase64(lines[2])
    if len(root) != _ROOT_BYTES:
        raise BrokenNoteError
    return lines[0], int(lines[1]), root


def _is_signed(text: str, signature: bytes, *, signer: str, verifier: Verifier) -> bool:
    if signer != verifier.name or signature[:_ID_BYTES] != verifier.id:
        return False
    try:
        verifier.public_key.verify(signature[_ID_BYTES:], text.encode())
    except InvalidSignature:
        # SECURITY: C2SP's signed-note: a signature in the name of a known key that is wrong makes the note wrong.
        raise BrokenNoteError from None
    return True


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    """Return the bytes, or none for what is no canonical base64: one value has one text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if _base64(data) == text else b""
