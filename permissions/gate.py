"""The one question before every tool call: may the agent use this service, now, for this user? Fails closed."""

from collections.abc import Collection
from dataclasses import replace
from typing import NoReturn

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from audit.events import Entry, Event
from audit.record import record
from permissions import connections, store
from permissions.errors import Cause, NotPermittedError
from permissions.exclusions import Exclusions
from permissions.policy import Mode, Question, decide
from permissions.services import SERVICES
from permissions.types import Permit, ServiceStatus
from vault.client import ConnectionState, SessionEndedError, VaultError, is_grant

# What the vault's word decides, and another process may have changed since it was cached.
_BY_THE_VAULT = frozenset({"revoked", "not_connected", "away"})


async def require(
    *,
    user: str,
    sid: str,
    auth_time: float,
    provider: str,
    tool: str,
    run: str,
    tool_call: str,
    places: Collection[str] = (),
) -> Permit:
    """Return a permit, or raise; the answer is an audit event, committed before this returns or raises.

    A yes may rest on an answer up to 30 seconds old, because the vault decides again at the exchange that follows. A no
    never does: a restore made elsewhere counts at once. What the user lets the tool do and what they leave out is read
    anew each time. A connection that needs reconnecting passes here, since only the vault knows whether it can still
    serve it. A `sid` of a grant asks for somebody who is away.

    `places` are the repositories or channels that the call names, in its own words.

    Raises:
        NotPermittedError: The service is not connected, revoked or unknown, nobody is there and that is not allowed,
            the tool is blocked, a place is left out, or something of this cannot be learned.
        audit.errors.AuditUnavailableError: The answer could not be recorded, so there is none.
    """
    entry = Entry(
        event=Event.PERMISSION_CHECK_ALLOWED, user=user, provider=provider, run=run, tool=tool, tool_call=tool_call
    )
    try:
        mode, exclusions = await sync_to_async(_load_policy)(user, provider=provider, tool=tool)
        is_excluded = any(exclusions.refuses(place) for place in places)
        cause = await _find_cause(
            user=user, sid=sid, auth_time=auth_time, provider=provider, mode=mode, is_excluded=is_excluded
        )
    except SessionEndedError as error:
        cause = error.cause
    except VaultError as error:
        await _fail(entry, cause="vault_unavailable", error=error)
    # A mode or a subject that cannot be read is no better than a table that cannot.
    except (DatabaseError, ValueError) as error:
        await _fail(entry, cause="policy_unavailable", error=error)
    if cause:
        await _record(replace(entry, event=Event.PERMISSION_CHECK_DENIED, reason=cause))
        raise NotPermittedError(provider=provider, cause=cause)
    await _record(entry)
    return Permit(user=user, provider=provider, tool=tool, exclusions=exclusions)


def _load_policy(user: str, *, provider: str, tool: str) -> tuple[Mode, Exclusions]:
    service = SERVICES.get(provider)
    kinds = service.exclusion_kinds if service else ()
    return store.load_mode(user, tool=tool), store.load_exclusions(user, kinds=kinds)


async def _find_cause(*, user: str, sid: str, auth_time: float, provider: str, mode: Mode, is_excluded: bool) -> Cause:
    """Return why the agent may not use `provider`, or "" when it may."""

    def judge(status: ServiceStatus | None) -> Cause:
        question = Question(
            is_known=status is not None,
            state=status.state if status else ConnectionState.NOT_CONNECTED,
            is_attended=not is_grant(sid),
            is_away_allowed=status is not None and status.is_away_allowed,
            mode=mode,
            is_excluded=is_excluded,
        )
        return decide(question)

    if provider not in SERVICES:
        return judge(None)
    cause = judge(await connections.load_status(user=user, sid=sid, auth_time=auth_time, provider=provider))
    if cause not in _BY_THE_VAULT:
        return cause
    return judge(
        await connections.load_status(user=user, sid=sid, auth_time=auth_time, provider=provider, is_fresh=True)
    )


async def _fail(entry: Entry, *, cause: Cause, error: Exception) -> NoReturn:
    await _record(replace(entry, event=Event.PERMISSION_CHECK_FAILED, reason=cause))
    raise NotPermittedError(provider=entry.provider, cause=cause) from error


async def _record(entry: Entry) -> None:
    await sync_to_async(record)(entry)
