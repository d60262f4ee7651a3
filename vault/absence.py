"""What a user sets for the time they are not there: pauses, connections that may be read meanwhile, and grants.

Narrowing never waits for the audit; widening is refused when it cannot be recorded.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from audit.events import Entry, Event
from vault import ledger, sessions
from vault.errors import InvalidRequestError
from vault.grant_content import Content, tell_change
from vault.providers import registry
from vault.store import connections, grants
from vault.store import sessions as store
from vault.tokens import SCHEDULE_PREFIX, Subject
from vault.types import Connection, Grant

# Who forgot a schedule for a year is asked again.
MAX_GRANT_LIFE = timedelta(days=366)

_AGENT = re.compile(rf"{SCHEDULE_PREFIX}[0-9a-z_-]{{1,64}}")
# The vault knows no tool; it compares names, which are identifiers and few.
_TOOL = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MAX_TOOLS = 100
_AWAY = {False: "not while away", True: "also while away"}


def pause(subject: Subject, *, connection: str, until: datetime | None) -> Connection:
    """Pause the user's connection, an id or a provider's default, until an instant, or end its pause with None.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed, or a shorter pause could not be recorded.
    """
    with connections.lock_for_change(user=subject.user, connection=connection) as row:
        ends_sooner = until is None or (row.paused_until is not None and until < row.paused_until)
        before = connections.tell_switch(row)
        changed = connections.set_pause(row, until=until)
        entry = Entry(
            event=Event.PERMISSION_ACCESS_RESUMED if until is None else Event.PERMISSION_ACCESS_PAUSED,
            user=subject.user,
            provider=row.provider,
            connection=row.id,
            account=row.account,
            reason=f"{before} → {connections.tell_switch(row)}",
        )
        # Inside the transaction: what cannot be recorded is not changed.
        (ledger.require if ends_sooner else ledger.note)(entry)
    ledger.drain()
    return changed


def set_away(subject: Subject, *, connection: str, is_allowed: bool) -> Connection:
    """Let the agent read the user's connection, an id or a provider's default, in their absence, or not.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed, or what was allowed could not be recorded.
    """
    with connections.lock_for_change(user=subject.user, connection=connection) as row:
        entry = Entry(
            event=Event.PERMISSION_AWAY_ENABLED if is_allowed else Event.PERMISSION_AWAY_DISABLED,
            user=subject.user,
            provider=row.provider,
            connection=row.id,
            account=row.account,
            reason=f"{_AWAY[row.is_away_allowed]} → {_AWAY[is_allowed]}",
        )
        (ledger.require if is_allowed else ledger.note)(entry)
        changed = connections.set_away(row, is_allowed=is_allowed)
    ledger.drain()
    return changed


def create_grant(
    subject: Subject, *, agent: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime
) -> Grant:
    """Return the grant by which `agent` may read `providers` with `tools` in the user's absence.

    An agent has one grant of a user: one that was not ended is changed in its place, so that a form that arrives twice
    leaves no second one that nobody sees.

    Raises:
        NotConnectedError: One of `providers` is unknown or not configured.
        InvalidRequestError: `agent` is no schedule's, there are no providers or no tools, a name is malformed, or it
            would not end in the future, or not within `MAX_GRANT_LIFE`.
        SessionEndedError: The session that asks ended meanwhile.
        VaultUnavailableError: It could not be stored or recorded.
    """
    if not _AGENT.fullmatch(agent):
        raise InvalidRequestError
    _require_content(providers=providers, tools=tools, expires_at=expires_at)
    content = Content(providers, tools, expires_at)
    # An end of all sessions ends the grants as well, and must not miss one that is being made; and of two that are
    # asked for at once, the second finds the first.
    with store.hold_alone(subject.user):
        sessions.require_attended(subject)
        held = grants.lock_all(agent=agent, user=subject.user)
        for other in held[:-1]:
            _end(subject, other)
        given = _change(subject, held[-1], content=content) if held else _create(subject, agent=agent, content=content)
    ledger.drain()
    return given


def change_grant(
    subject: Subject, *, grant: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime
) -> Grant:
    """Replace what a grant of the user holds, an expired one's too; one that was ended stays ended.

    What only takes away does not wait for the audit.

    Raises:
        NotConnectedError: One of `providers` is unknown or not configured.
        InvalidRequestError: As `create_grant` raises it, or there is no such grant of the user that was not ended.
        SessionEndedError: The session that asks ended meanwhile.
        VaultUnavailableError: It could not be stored, or something was to be added and could not be recorded.
    """
    _require_content(providers=providers, tools=tools, expires_at=expires_at)
    with store.hold_alone(subject.user):
        sessions.require_attended(subject)
        before = grants.lock(grant, user=subject.user)
        if before is None:
            raise InvalidRequestError
        changed = _change(subject, before, content=Content(providers, tools, expires_at))
    ledger.drain()
    return changed


def list_grants(subject: Subject) -> tuple[Grant, ...]:
    """Return the user's grants that were not ended, those that expired among them, the oldest first."""
    return grants.list_unended(user=subject.user)


def end_grant(subject: Subject, *, grant: str) -> None:
    """End a grant of the user; one that ended before, or that never was, stays as it is.

    Raises:
        VaultUnavailableError: The database failed.
    """
    with store.hold_alone(subject.user):
        if held := grants.lock(grant, user=subject.user):
            _end(subject, held)
    ledger.drain()


def _create(subject: Subject, *, agent: str, content: Content) -> Grant:
    told = tell_change(None, content=content)
    ledger.require(_grant_entry(subject, event=Event.PERMISSION_GRANT_CREATED, agent=agent, reason=told))
    return grants.create(
        user=subject.user,
        agent=agent,
        providers=content.providers,
        tools=content.tools,
        expires_at=content.expires_at,
    )


def _change(subject: Subject, before: Grant, *, content: Content) -> Grant:
    """Replace what a grant holds; for callers that hold the user's sessions alone."""
    was = Content(before.providers, before.tools, before.expires_at)
    is_narrower = content.is_within(was)
    event = Event.PERMISSION_GRANT_NARROWED if is_narrower else Event.PERMISSION_GRANT_RENEWED
    entry = _grant_entry(subject, event=event, agent=before.agent, reason=tell_change(was, content=content))
    (ledger.note if is_narrower else ledger.require)(entry)
    return grants.change(before.id, providers=content.providers, tools=content.tools, expires_at=content.expires_at)


def _end(subject: Subject, held: Grant) -> None:
    if grants.end(held.id, user=subject.user):
        ledger.note(_grant_entry(subject, event=Event.PERMISSION_GRANT_ENDED, agent=held.agent))


def _require_content(*, providers: Sequence[str], tools: Sequence[str], expires_at: datetime) -> None:
    now = timezone.now()
    if not providers or not now < expires_at <= now + MAX_GRANT_LIFE:
        raise InvalidRequestError
    if not 0 < len(tools) <= _MAX_TOOLS or not all(map(_TOOL.fullmatch, tools)):
        raise InvalidRequestError
    for provider in providers:
        registry.load(provider)


def _grant_entry(subject: Subject, *, event: Event, agent: str, reason: str = "") -> Entry:
    # Of all that act, the one whose grant it is: the timeline of one schedule finds it by that.
    return Entry(event=event, user=subject.user, client=agent, reason=reason)
