"""The only asker of tokens: permission gate, exchange at the vault, and a client that carries the token for one call.

The token lives inside the client's transport until the context closes; it is never returned, logged or stored.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial

from agent.api.answers import undeclared
from agent.api.http import OnCall, UpstreamCall, authorized
from agent.asking import CallAsking, RunAsking
from agent.calls import Waiting
from agent.endpoints import is_declared
from agent.errors import ToolErrorCode, ToolFailedError
from agent.events import LoopEvent, PermissionState, StepExchanged, StepPermission
from agent.recalls import RecalledError, recallable
from agent.tool import Tool
from agent.toolkit import Opened
from agent.types import ATTENDED_AGENT
from audit import group_commit
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from permissions import connections, gate, notices
from permissions.errors import Cause, NotPermittedError
from permissions.exclusions import Exclusions
from permissions.services import SERVICES
from vault.client import Asker, ExchangedToken, VaultError, is_grant
from vault.client.tokens import Actor, exchange

_SENTENCES: dict[str, str] = {
    "not_connected": "{name} is not connected. Connect it in Settings to include {name} data in briefings.",
    # By their owner or by an operator, which the gate does not know; the audit does.
    "revoked": "AI access to {name} is revoked. Restore it in Settings to include {name} data in briefings.",
    "access_paused": "You paused AI access to {name}, so it was not read. "
    "End the pause in Settings to include {name} data in briefings.",
    "reconnect_required": "{name} must be reconnected. Reconnect it in Settings to include {name} data in briefings.",
    "missing_scope": "{name} was connected without the permission this needs. Reconnect it in Settings to add it.",
    "upstream_unavailable": "{name} does not answer right now, so it is not part of this answer.",
    "rate_limited": "Too many requests were made for you in the last minute, so {name} was not read.",
    "policy_denied": "{name} may not be read for this.",
    "session_ended": "You signed out, so nothing more is read.",
    "vault_unavailable": "The token vault cannot be used right now. {name} was not read.",
    "away": "{name} may not be read while you are away. Allow that in Settings to include {name} data then.",
    "not_granted": "This schedule was not given this part of {name} to read. Add it in its settings to include it.",
    "grant_ended": "This schedule's permission to read while you are away ended. Renew it to include {name} data.",
    "tool_blocked": "You do not let the AI read this of {name}. Allow it in Settings to include it.",
    "answered_no": "You said no when you were asked whether the AI may read this of {name}, so it was not read.",
    "not_answered": "Nobody answered whether the AI may read this of {name}, so it was not read. Ask again to decide.",
    "nobody_to_ask": "You want to be asked before this of {name} is read, and nobody can be asked here. "
    "Allow it in Settings to include it.",
    "excluded": "You left this part of {name} out, so it was not read. Settings tell what you left out.",
    "policy_unavailable": "What you let the AI read could not be looked up. {name} was not read.",
}
_CODES: dict[Cause, ToolErrorCode] = {
    "not_connected": "not_connected",
    "revoked": "revoked",
    "access_paused": "access_paused",
    "reconnect_required": "reconnect_required",
    "missing_scope": "missing_scope",
    "provider_down": "upstream_unavailable",
    "rate_limited": "rate_limited",
    "policy_denied": "policy_denied",
    "session_ended": "session_ended",
    "vault_unavailable": "vault_unavailable",
    "away": "away",
    "not_granted": "not_granted",
    "grant_ended": "session_ended",
    "tool_blocked": "policy_denied",
    "answered_no": "declined",
    "not_answered": "not_answered",
    "nobody_to_ask": "not_answered",
    "excluded": "policy_denied",
    "policy_unavailable": "vault_unavailable",
}
_PERMISSION_STATES: dict[Cause, PermissionState] = {
    "not_connected": "not_connected",
    "revoked": "revoked",
    "access_paused": "access_paused",
    "reconnect_required": "reconnect_required",
    "policy_denied": "policy_denied",
    "away": "policy_denied",
    "not_granted": "policy_denied",
    "tool_blocked": "policy_denied",
    "answered_no": "declined",
    "not_answered": "not_answered",
    "nobody_to_ask": "not_answered",
    "excluded": "policy_denied",
}


def refusal(*, provider: str, cause: Cause) -> ToolFailedError:
    """Return the error for a refusal with this cause; a cause that is not known counts as the vault's trouble."""
    code = _CODES.get(cause, "vault_unavailable")
    service = SERVICES.get(provider)
    sentence = _SENTENCES.get(cause) or _SENTENCES[code]
    return ToolFailedError(code, sentence.format(name=service.name if service else "The service"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCredentials:
    """Opens providers for the tool calls of one run; implements `agent.toolkit.Credentials`.

    `agent` is who acts: a schedule's has a name of its own. Without `asking`, a tool that asks first is refused. What
    is opened outside of a run, under an id of its own, says as `look` what for: a code that the audit tells in words.
    """

    user: str
    sid: str
    auth_time: float
    run: str
    agent: str = ATTENDED_AGENT
    look: str = ""
    asking: RunAsking | None = None

    @asynccontextmanager
    async def open(
        self,
        *,
        tool: Tool,
        tool_call: str,
        emit: Callable[[LoopEvent], None],
        places: tuple[str, ...],
        waiting: Waiting = nullcontext,
    ) -> AsyncIterator[Opened]:
        """Yield a client that may make this tool call's requests, and audit each of them.

        Raises:
            ToolFailedError: The gate, the vault or the audit says no, or the user takes their leave back meanwhile.
        """
        await self._require_declared(tool=tool, tool_call=tool_call)
        if self.look:
            # As a run's own, before any exchange: `audit.reconcile` finds what the vault gave for no such beginning.
            begun = self._entry(Event.AGENT_LOOK_STARTED, tool=tool, tool_call="", reason=self.look)
            # Which schedule looks stands here alone: the look's other events are found by its id.
            await self._record(replace(begun, client=self.agent if is_grant(self.sid) else ""))
        asking = CallAsking(self.asking, tool, tool_call, emit, waiting) if self.asking else None
        try:
            async with (
                recallable(user=self.user, provider=tool.provider),
                self._open(tool=tool, tool_call=tool_call, emit=emit, places=places, asking=asking) as opened,
            ):
                yield opened
        except RecalledError as error:
            raise refusal(provider=tool.provider, cause=error.ends) from error

    @asynccontextmanager
    async def _open(
        self,
        *,
        tool: Tool,
        tool_call: str,
        emit: Callable[[LoopEvent], None],
        places: tuple[str, ...],
        asking: CallAsking | None,
    ) -> AsyncIterator[Opened]:
        exclusions = await self.require_permission(
            tool=tool, tool_call=tool_call, emit=emit, places=places, asking=asking
        )

        async def renew() -> tuple[str, OnCall]:
            """Exchange, each time with an event of its own: a refresh may replace a token that is in use (GitHub)."""
            token, asked = await self._exchange(tool=tool, tool_call=tool_call, emit=emit)
            on_call = partial(self._record_call, tool=tool, tool_call=tool_call, token=token, asked=asked)
            return token.access_token, on_call

        token, on_call = await renew()
        try:
            with authorized(
                provider=tool.provider, endpoints=tool.endpoints, token=token, on_call=on_call, renew=renew
            ) as http:
                yield Opened(http, exclusions)
        except ToolFailedError as error:
            if error.code in ("reconnect_required", "missing_scope"):
                connections.forget(user=self.user)
            if error.code == "reconnect_required":
                await notices.tell_broken(self._asker(), provider=tool.provider)
            raise

    async def _require_declared(self, *, tool: Tool, tool_call: str) -> None:
        # SECURITY: before the gate and the vault are asked; a tool that may ask nothing gets no token to ask it with.
        if is_declared(tool.endpoints, provider=tool.provider):
            return
        error = undeclared(tool.provider)
        event = Event.AGENT_TOOL_REFUSED
        await self._record(self._entry(event, tool=tool, tool_call=tool_call, reason=error.code))
        raise error

    async def require_permission(
        self,
        *,
        tool: Tool,
        tool_call: str,
        emit: Callable[[LoopEvent], None],
        places: tuple[str, ...],
        asking: CallAsking | None = None,
    ) -> Exclusions:
        """Ask the gate alone, on record, and return what the user leaves out.

        Raises:
            ToolFailedError: The gate or the audit says no.
        """
        try:
            permit = await gate.require(
                **self._asker(),
                provider=tool.provider,
                tool=tool.name,
                run=self.run,
                tool_call=tool_call,
                places=places,
                asking=asking,
            )
        except NotPermittedError as error:
            emit(StepPermission(id=tool_call, state=_PERMISSION_STATES.get(error.cause, "failed")))
            raise refusal(provider=tool.provider, cause=error.cause) from error
        except AuditUnavailableError as error:
            emit(StepPermission(id=tool_call, state="failed"))
            raise refusal(provider=tool.provider, cause="vault_unavailable") from error
        emit(StepPermission(id=tool_call, state="allowed"))
        return permit.exclusions

    async def _exchange(
        self, *, tool: Tool, tool_call: str, emit: Callable[[LoopEvent], None]
    ) -> tuple[ExchangedToken, str]:
        """Return the token, and the scope that was asked for."""
        started = time.perf_counter()
        try:
            token, asked = await self._ask(tool=tool, tool_call=tool_call)
        except VaultError as error:
            # The gate let this call pass on what it had cached; the vault knows better.
            connections.forget(user=self.user)
            if error.cause == "reconnect_required":
                await notices.tell_broken(self._asker(), provider=tool.provider)
            raise refusal(provider=tool.provider, cause=await self._cause_of(error, provider=tool.provider)) from error
        elapsed_ms = round((time.perf_counter() - started) * 1000)
        emit(
            StepExchanged(
                id=tool_call, ms=elapsed_ms, scopes=token.scope, exchange=token.exchange, receipt=token.receipt
            )
        )
        return token, asked

    async def _cause_of(self, error: VaultError, *, provider: str) -> Cause:
        """Tell a grant's end from a session's, and a pause from a revoke: each two are one to the vault."""
        if error.cause == "session_ended" and is_grant(self.sid):
            return "grant_ended"
        if error.cause == "revoked":
            with suppress(VaultError):
                status = await connections.load_status(**self._asker(), provider=provider, is_fresh=True)
                return "access_paused" if status.paused_until else "revoked"
        return error.cause

    async def _ask(self, *, tool: Tool, tool_call: str) -> tuple[ExchangedToken, str]:
        """Exchange for the tool's scope, or for its smaller one where the user did not grant that."""
        ask = partial(
            exchange,
            **self._asker(),
            provider=tool.provider,
            actor=Actor(agent=self.agent, run=self.run, tool=tool.name, tool_call=tool_call),
        )
        try:
            return await ask(scope=tool.scope), tool.scope
        except VaultError as error:
            if error.cause != "missing_scope" or not tool.fallback_scope:
                raise
        return await ask(scope=tool.fallback_scope), tool.fallback_scope

    async def _record_call(
        self, call: UpstreamCall, *, tool: Tool, tool_call: str, token: ExchangedToken, asked: str
    ) -> None:
        entry = replace(
            self._entry(_event_of(call), tool=tool, tool_call=tool_call, reason=call.error),
            scope_asked=asked,
            scope_granted=token.scope,
            exchange=token.exchange,
            method=call.method,
            path=call.path,
            status=call.status,
            size_bytes=call.size_bytes,
            duration_ms=call.duration_ms,
            provider_request_id=call.provider_request_id,
        )
        await self._record(entry)

    def _asker(self) -> Asker:
        return Asker(user=self.user, sid=self.sid, auth_time=self.auth_time)

    def _entry(self, event: Event, *, tool: Tool, tool_call: str, reason: str) -> Entry:
        return Entry(
            event=event,
            user=self.user,
            provider=tool.provider,
            reason=reason,
            run=self.run,
            tool=tool.name,
            tool_call=tool_call,
        )

    async def _record(self, entry: Entry) -> None:
        try:
            await group_commit.record(entry)
        except AuditUnavailableError as error:
            # What cannot be shown to have been read is not used.
            raise refusal(provider=entry.provider, cause="vault_unavailable") from error


def _event_of(call: UpstreamCall) -> Event:
    if call.error == "undeclared_request":
        # Nothing was asked, so there is no call that failed.
        return Event.AGENT_TOOL_REFUSED
    return Event.AGENT_CALL_FAILED if call.error else Event.AGENT_CALL_SUCCEEDED
