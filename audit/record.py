"""The one writer of audit events. Committed when it returns; when it raises, the action must not happen."""

import logging
from dataclasses import fields

from django.db import Error, IntegrityError, connections, transaction
from django.utils import timezone

from audit.errors import ActorTokenReplayedError, AuditUnavailableError
from audit.events import Entry
from audit.models import AuditEvent

DATABASE = "audit"
# The longest text a row keeps. The longest honest value is a list of granted scopes.
MAX_TEXT_LENGTH = 500

logger = logging.getLogger(__name__)


def record(entry: Entry) -> int:
    """Append `entry` and return the id of its row; sync and short, committed on return.

    A transaction of the caller on another database does not matter; one on the audit database could still be rolled
    back after the action, so inside it nothing is recorded.

    Raises:
        ActorTokenReplayedError: `entry.actor_jti` was recorded before.
        AuditUnavailableError: The audit database did not take the row.
    """
    try:
        return _append(entry)
    except IntegrityError as error:
        if _is_actor_known(entry.actor_jti):
            raise ActorTokenReplayedError from error
        raise _unavailable(entry) from error
    # RuntimeError is how `durable` refuses to join the caller's transaction.
    except (Error, RuntimeError) as error:
        raise _unavailable(entry) from error


def _append(entry: Entry) -> int:
    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    texts = {name: _clean(value) for name, value in values.items() if isinstance(value, str) and name != "actor_jti"}
    row = AuditEvent(**values | texts, outcome=entry.event.outcome.value, occurred_at=timezone.now())
    with transaction.atomic(using=DATABASE, durable=True):
        row.save(using=DATABASE, force_insert=True)
    return row.pk


def _clean(text: str) -> str:
    """Cut `text` and mark what cannot be shown: PostgreSQL refuses NUL, no driver takes a lone surrogate."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return shown if len(shown) <= MAX_TEXT_LENGTH else f"{shown[: MAX_TEXT_LENGTH - 1]}…"


def _is_actor_known(actor_jti: str | None) -> bool:
    try:
        return actor_jti is not None and AuditEvent.objects.using(DATABASE).filter(actor_jti=actor_jti).exists()
    except Error:
        return False


def _unavailable(entry: Entry) -> AuditUnavailableError:
    # A long-lived task has no request to replace its broken connection: dropped here, the next call gets a new one.
    connections[DATABASE].close_if_unusable_or_obsolete()
    logger.error("audit.record.failed", extra={"audit_event": entry.event.value, "run": entry.run})
    return AuditUnavailableError("The audit database did not take the event.")
