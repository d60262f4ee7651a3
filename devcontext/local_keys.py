"""Makes the keys of a local installation once, in files that only their owner can read.

They serve a fresh clone that has no configuration. A deployment passes its own keys; `devcontext.checks` refuses
these when `DEBUG` is off. No key is ever printed.
"""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.core.exceptions import ImproperlyConfigured

from audit import personal_keys

_SIGNING_KEY = "subject-signing.pem"


def session_key(folder: Path) -> str:
    """Return the local Django secret key, made on first use."""
    return _load_or_create(folder / "session.key", lambda: secrets.token_urlsafe(64))


def signing_key(folder: Path) -> str:
    """Return the local Ed25519 private key (PEM, PKCS#8) that signs subject and actor tokens."""
    return _load_or_create(folder / _SIGNING_KEY, _new_ed25519_pem)


def audit_log_key(folder: Path) -> str:
    """Return the local Ed25519 private key (PEM, PKCS#8) that signs the audit's log."""
    return _load_or_create(folder / "audit-log.pem", _new_ed25519_pem)


def audit_personal_key(folder: Path) -> str:
    """Return the local key that seals the keys of the audit's subjects."""
    return _load_or_create(folder / "audit-personal.key", personal_keys.new_entry)


def content_keys(folder: Path) -> str:
    """Return the local keys that seal content, one made on first use; another may be put on a line before it."""
    from agent.content_keys import new_entry  # noqa: PLC0415  (launcher and vault process never load the agent)

    return _load_or_create(folder / "content.key", lambda: new_entry(1))


def make_folder(folder: Path) -> None:
    """Make the folder of keys for its owner alone, and keep git from ever taking one of them along."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="ascii")


def find_public_key(folder: Path) -> str:
    """Return the public half of the local signing key, or "" where there is none: who verifies makes no key to sign."""
    path = folder / _SIGNING_KEY
    return public_key_of(_read(path)) if path.exists() else ""


def public_key_of(signing_key: str) -> str:
    """Return the public half (PEM) of an Ed25519, EC or RSA private key in PEM; the vault judges curve and size.

    Raises:
        ImproperlyConfigured: It is no such key.
    """
    try:
        key = load_pem_private_key(signing_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey):
        raise ImproperlyConfigured("SUBJECT_SIGNING_KEY must be an Ed25519 private key in PEM (or EC P-256, or RSA).")
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _new_ed25519_pem() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _load_or_create(path: Path, new: Callable[[], str]) -> str:
    if not path.exists():
        make_folder(path.parent)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(new())
        # A link appears whole or not at all: when two processes start at once, one makes the key and both read it.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return _read(path)


def _read(path: Path) -> str:
    # SECURITY: a key that others on this machine can read is no secret; refuse it rather than use it.
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path.name} can be read by others; run: chmod 600 {path}")
    value = path.read_text(encoding="utf-8").strip()
    if not value:
        raise ImproperlyConfigured(f"{path.name} is empty; remove it and start again to get a new key.")
    return value
