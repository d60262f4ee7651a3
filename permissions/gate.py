"""The one question before every tool call: may the agent use this service, now, for this user? Fails closed."""

from dataclasses import replace

from asgiref.sync import sync_to_async

from audit.events import Entry, Event
from audit.record import record
from permissions import connections
from permissions.errors import NotPermittedError
from permissions.services import SERVICES
from permissions.types import Permit
from vault.client import Cause, ConnectionState, SessionEndedError, VaultError

_CAUSES: dict[ConnectionState, Cause] = {
    ConnectionState.CONNECTED: "",
    ConnectionState.REVOKED: "revoked",
    ConnectionState.NOT_CONNECTED: "not_connected",
}


async def require(
    *, user: str, sid: str, auth_time: float, provider: str, tool: str, run: str, tool_call: str
) -> Permit:
    """Return a permit, or raise; the answer is an audit event, committed before this returns or raises.

    A yes may rest on an answer up to 30 seconds old, because the vault decides again at the exchange that follows. A no
    never does: a restore made elsewhere counts at once. A connection that needs reconnecting passes here, since only
    the vault knows whether it can still serve it.

    Raises:
        NotPermittedError: The service is not connected, revoked or unknown, or its state cannot be learned.
        audit.errors.AuditUnavailableError: The answer could not be recorded, so there is none.
    """
    entry = Entry(
        event=Event.PERMISSION_CHECK_ALLOWED, user=user, provider=provider, run=run, tool=tool, tool_call=tool_call
    )
    try:
        cause = await _find_cause(user=user, sid=sid, auth_time=auth_time, provider=provider)
    except SessionEndedError as error:
        cause = error.cause
    except VaultError as error:
        await _record(replace(entry, event=Event.PERMISSION_CHECK_FAILED, reason="vault_unavailable"))
        raise NotPermittedError(provider=provider, cause="vault_unavailable") from error
    if cause:
        await _record(replace(entry, event=Event.PERMISSION_CHECK_DENIED, reason=cause))
        raise NotPermittedError(provider=provider, cause=cause)
    await _record(entry)
    return Permit(user=user, provider=provider, tool=tool)


async def _find_cause(*, user: str, sid: str, auth_time: float, provider: str) -> Cause:
    """Return why the agent may not use `provider`, or "" when it may."""
    if provider not in SERVICES:
        return "policy_denied"
    status = await connections.load_status(user=user, sid=sid, auth_time=auth_time, provider=provider)
    if _CAUSES[status.state]:
        status = await connections.load_status(
            user=user, sid=sid, auth_time=auth_time, provider=provider, is_fresh=True
        )
    return _CAUSES[status.state]


async def _record(entry: Entry) -> None:
    await sync_to_async(record)(entry)
