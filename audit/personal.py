"""Personal fields of events, each sealed under a key of its subject's own: who is erased loses the key, and no more.

Rows and tree stay as they are, since the leaves are hashed from what is stored; what was sealed opens never again. The
subjects' keys are in the audit database, sealed with AUDIT_PERSONAL_KEY, which is not. A backup made before holds the
key that is erased: it is gone from backups when these are.
"""

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from django.utils.translation import gettext

from audit import overwriting, personal_keys
from audit.events import Event
from audit.models import AuditEvent

# Who somebody is at a provider. Ids, scopes, times and codes stay: they tell what was done, and nothing of a person who
# is not known any more.
_FIELDS = ("account",)
# Here the reason is an operator's own words about the person; elsewhere it is a code.
_IN_WORDS = frozenset({Event.ACCOUNT_TOKEN_ISSUED})

_PREFIX = "sealed:1:"
# NIST SP 800-38D section 8.2.2: 96 random bits allow 2**32 values under one key.
_NONCE_BYTES = 12
_SELECT = "SELECT sealed_key FROM audit_subject_key WHERE subject = %s"
_SELECT_BATCH = """
    SELECT subject, sealed_key FROM audit_subject_key WHERE subject > %s AND length(sealed_key) > 0
    ORDER BY subject LIMIT %s
"""
# What was erased or rewrapped meanwhile stays as it is.
_REWRAP = "UPDATE audit_subject_key SET sealed_key = %s WHERE subject = %s AND sealed_key = %s"
_CREATE = """
    INSERT INTO audit_subject_key (subject, sealed_key, created_at) VALUES (%s, %s, %s) ON CONFLICT (subject) DO NOTHING
"""
# The row stays, without a key: an event that comes late must not make a new one.
_ERASE = """
    INSERT INTO audit_subject_key (subject, sealed_key, created_at, erased_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (subject) DO UPDATE SET sealed_key = excluded.sealed_key, erased_at = excluded.erased_at
"""


def seal(texts: Mapping[str, str], *, user: str, event: Event, connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Return what is personal among `texts`, sealed; empty for a subject who was erased, or who is not known.

    Raises:
        ImproperlyConfigured: There is no key to seal with.
        django.db.Error: The database failed.
    """
    names = (*_FIELDS, "reason") if event in _IN_WORDS else _FIELDS
    personal = {name: texts[name] for name in names if texts[name]}
    if not personal:
        return {}
    key = _load_or_create(user, connection=connection) if user else None
    if key is None:
        return dict.fromkeys(personal, "")
    return {name: _seal(key, text, field=name, user=user) for name, text in personal.items()}


def open_all(events: Iterable[AuditEvent]) -> None:
    """Put what is personal in `events` into the open, in place, or the word for what was erased.

    Raises:
        django.db.Error: The database failed.
    """
    keys: dict[str, AESGCM | None] = {}
    for event in events:
        for name in (*_FIELDS, "reason"):
            text = getattr(event, name)
            if not text.startswith(_PREFIX):
                continue
            if event.user not in keys:
                keys[event.user] = _find(event.user, connection=connections[AuditEvent.objects.db])
            setattr(event, name, _open(keys[event.user], text, field=name, user=event.user))


def hide_all(events: Iterable[AuditEvent]) -> None:
    """Take what is personal out of `events`, in place: for who may see them without it."""
    for event in events:
        event.account = ""
        if event.event in _IN_WORDS:
            event.reason = ""


def erase(user: str) -> None:
    """Destroy the key of a subject, for good. Sync.

    Raises:
        django.db.Error: The database failed: the key is there.
    """
    connection, now = connections[AuditEvent.objects.db], timezone.now()
    overwriting.overwrite_what_goes(connection)
    with connection.cursor() as cursor:
        at = connection.ops.adapt_datetimefield_value(now)
        cursor.execute(_ERASE, [user, b"", at, at])
    overwriting.cut_write_ahead_log(connection)


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some subjects' keys up to that of `last`; of the `broken` ones no key opens the subject's."""

    last: str
    rewrapped: int
    broken: tuple[str, ...]


def rewrap_batch(*, after: str, limit: int) -> Batch | None:
    """Seal the keys of subjects after `after` with the current key where an earlier one sealed them; None at the end.

    Raises:
        ImproperlyConfigured: There is no key to seal with.
        django.db.Error: The database failed, or does not let this process's role do it.
    """
    connection, keys = connections[AuditEvent.objects.db], personal_keys.parse(settings.AUDIT_PERSONAL_KEY)
    overwriting.overwrite_what_goes(connection)
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_BATCH, [after, limit])
        rows = [(str(subject), bytes(sealed)) for subject, sealed in cursor.fetchall()]
        rewrapped, broken = 0, []
        for user, sealed in rows:
            by, key = _decrypt(sealed, user=user, keys=keys)
            if key is None:
                broken.append(user)
            elif by:
                cursor.execute(_REWRAP, [_wrap(key, user=user, by=keys[0]), user, sealed])
                rewrapped += cursor.rowcount
    return Batch(rows[-1][0], rewrapped, tuple(broken)) if rows else None


def _load_or_create(user: str, *, connection: BaseDatabaseWrapper) -> AESGCM | None:
    """Return the subject's key, None of one who was erased."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, [user])
        row = cursor.fetchone()
        if row is None:
            by = personal_keys.parse(settings.AUDIT_PERSONAL_KEY)[0]
            sealed = _wrap(os.urandom(personal_keys.KEY_BYTES), user=user, by=by)
            cursor.execute(_CREATE, [user, sealed, connection.ops.adapt_datetimefield_value(timezone.now())])
            # Another process may have been the first.
            cursor.execute(_SELECT, [user])
            row = cursor.fetchone()
    if not row[0]:
        return None
    return _unwrap(bytes(row[0]), user=user, keys=settings.AUDIT_PERSONAL_KEY)


def _find(user: str, *, connection: BaseDatabaseWrapper) -> AESGCM | None:
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, [user])
        row = cursor.fetchone()
    if row is None or not row[0]:
        return None
    try:
        return _unwrap(bytes(row[0]), user=user, keys=settings.AUDIT_PERSONAL_KEY)
    except ImproperlyConfigured:
        return None


# Every exchange seals an account: unwrapping would take as long again. A key that is erased is asked for no more.
@lru_cache(maxsize=256)
def _unwrap(sealed: bytes, *, user: str, keys: str) -> AESGCM:
    _, key = _decrypt(sealed, user=user, keys=personal_keys.parse(keys))
    if key is None:
        raise ImproperlyConfigured("No key in AUDIT_PERSONAL_KEY opens what the audit holds.")
    return AESGCM(key)


def _wrap(key: bytes, *, user: str, by: AESGCM) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + by.encrypt(nonce, key, _place("key", user))


def _decrypt(sealed: bytes, *, user: str, keys: Sequence[AESGCM]) -> tuple[int, bytes | None]:
    """Return the number of the first key that opens a subject's, and that one; None where none does."""
    for number, cipher in enumerate(keys):
        try:
            return number, cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place("key", user))
        except (InvalidTag, ValueError):
            # ValueError is of what is too short to have a nonce.
            continue
    return len(keys), None


def _seal(key: AESGCM, text: str, *, field: str, user: str) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    body = nonce + key.encrypt(nonce, text.encode(errors="replace"), _place(field, user))
    return _PREFIX + base64.b64encode(body).decode()


def _open(key: AESGCM | None, text: str, *, field: str, user: str) -> str:
    try:
        body = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        if key is not None:
            return key.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], _place(field, user)).decode()
    except (InvalidTag, ValueError):
        # What does not open is as good as erased, and whoever rewrote it is found by the log.
        pass
    return gettext("(erased)")


def _place(field: str, user: str) -> bytes:
    """Return the associated data: what is moved to another subject or field does not open."""
    return f"DCP1\0{field}\0{user}".encode(errors="replace")
