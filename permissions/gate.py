"""The one question before every tool call: may the agent use this service, now, for this user? Fails closed."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import NoReturn, Protocol, Unpack
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from audit import group_commit
from audit.events import Entry, Event
from permissions import connections, grants, questions, store
from permissions.errors import Cause, NotPermittedError
from permissions.exclusions import Exclusions
from permissions.policy import Answer, Mode, Question, decide
from permissions.services import SERVICES
from permissions.types import Permit, ServiceStatus
from vault.client import Asker, ConnectionState, SessionEndedError, VaultError, is_grant

# What the vault's word decides, and another process may have changed since it was cached.
_BY_THE_VAULT = frozenset({"access_paused", "revoked", "not_connected", "away"})
# A service that was revoked, in this process or in another, begins anew: what was allowed of it in chats is over.
_ENDS_ALLOWANCES = frozenset({"access_paused", "revoked", "not_connected"})


class Asking(Protocol):
    """Puts the question of one tool call to its user."""

    @property
    def conversation(self) -> UUID:
        """The conversation in which the run answers."""
        ...

    async def ask(self, *, connection: str) -> Answer:
        """Return what the user says of this call, or that they say nothing; `connection` is the account's.

        Raises:
            audit.errors.AuditUnavailableError: The question could not be recorded, and was not put.
        """
        ...


async def require(
    *,
    provider: str,
    tool: str,
    run: str,
    tool_call: str,
    places: Collection[str] = (),
    asking: Asking | None = None,
    **asker: Unpack[Asker],
) -> Permit:
    """Return a permit, or raise; the answer is an audit event, committed before this returns or raises.

    A yes may rest on an answer some seconds old, because the vault decides again at the exchange that follows. A no
    never does: a restore made elsewhere counts at once. What the user lets the tool do and what they leave out is read
    anew each time. A connection that needs reconnecting passes here, since only the vault knows whether it can still
    serve it. A `sid` of a grant asks for somebody who is away; what the grant holds is asked of the vault each time.

    `places` are the repositories or channels that the call names, in its own words. `asking` puts a question to the
    user where the tool asks first, and everything is decided anew once they answered; without it that is a refusal.

    Raises:
        NotPermittedError: The service is not connected, revoked or unknown, nobody is there and that is not allowed,
            the tool is blocked, a place is left out, the user was asked and did not allow it, or something of this
            cannot be learned.
        audit.errors.AuditUnavailableError: A question or the answer could not be recorded, so there is none.
    """
    user = asker["user"]
    entry = Entry(
        event=Event.PERMISSION_CHECK_ALLOWED, user=user, provider=provider, run=run, tool=tool, tool_call=tool_call
    )
    check = _Check(asker, provider, tool, tuple(places), asking)
    try:
        verdict = await check.decide()
        if verdict.cause == "ask_first" and asking is not None:
            answer = await asking.ask(connection=verdict.connection)
            verdict = await check.decide(answer=answer, of=verdict.connection)
    except SessionEndedError as error:
        verdict = _Verdict("grant_ended" if is_grant(asker["sid"]) else error.cause)
    except VaultError as error:
        await _fail(entry, cause="vault_unavailable", error=error)
    # A mode or a subject that cannot be read is no better than a table that cannot.
    except (DatabaseError, ValueError) as error:
        await _fail(entry, cause="policy_unavailable", error=error)
    if verdict.cause:
        denied = replace(entry, event=Event.PERMISSION_CHECK_DENIED, connection=verdict.connection)
        await _record(replace(denied, reason=verdict.cause))
        raise NotPermittedError(provider=provider, cause=verdict.cause)
    await _record(entry)
    return Permit(user=user, provider=provider, tool=tool, exclusions=verdict.exclusions)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Why the agent may not read, or "" when it may, of which account, and what is left out."""

    cause: Cause
    connection: str = ""
    exclusions: Exclusions = field(default_factory=Exclusions)


@dataclass(frozen=True, slots=True)
class _Policy:
    """What the user said beforehand: of the tool, of places, for this conversation of which accounts, in a grant."""

    is_granted: bool
    mode: Mode
    exclusions: Exclusions
    allowed_connections: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Check:
    """One call that is to be decided, once, and once more after its user was asked."""

    asker: Asker
    provider: str
    tool: str
    places: tuple[str, ...]
    asking: Asking | None

    async def decide(self, *, answer: Answer = Answer.UNASKED, of: str = "") -> _Verdict:
        """Return the verdict now; with what the user answered of account `of`, on nothing that was known before."""
        is_granted = is_grant(self.asker["sid"]) and await grants.holds(
            **self.asker, provider=self.provider, tool=self.tool
        )
        policy = await sync_to_async(self._load_policy)(is_granted=is_granted)
        if self.provider not in SERVICES:
            return _Verdict(self._judge(None, policy=policy, answer=answer))
        is_fresh = answer is not Answer.UNASKED
        status = await connections.load_status(**self.asker, provider=self.provider, is_fresh=is_fresh)
        if is_fresh and status.connection != of:
            # Another account took the place of the one that the question was about.
            answer = Answer.UNANSWERED
        cause = self._judge(status, policy=policy, answer=answer)
        if cause in _BY_THE_VAULT and not is_fresh:
            status = await connections.load_status(**self.asker, provider=self.provider, is_fresh=True)
            cause = self._judge(status, policy=policy, answer=answer)
        if cause in _ENDS_ALLOWANCES:
            await sync_to_async(questions.end_service)(
                self.asker["user"], provider=self.provider, connection=status.connection
            )
        return _Verdict(cause, status.connection, policy.exclusions)

    def _load_policy(self, *, is_granted: bool) -> _Policy:
        service, user = SERVICES.get(self.provider), self.asker["user"]
        kinds = service.exclusion_kinds if service else ()
        mode = store.load_mode(user, tool=self.tool)
        return _Policy(
            is_granted=is_granted,
            mode=mode,
            exclusions=store.load_exclusions(user, kinds=kinds),
            allowed_connections=questions.list_allowed_connections(
                user, conversation=self.asking.conversation, tool=self.tool
            )
            if self.asking and mode is Mode.ASK
            else frozenset(),
        )

    def _judge(self, status: ServiceStatus | None, *, policy: _Policy, answer: Answer) -> Cause:
        return decide(
            Question(
                is_known=status is not None,
                state=status.state if status else ConnectionState.NOT_CONNECTED,
                is_paused=status is not None and status.paused_until is not None,
                is_attended=not is_grant(self.asker["sid"]),
                is_away_allowed=status is not None and status.is_away_allowed,
                is_granted=policy.is_granted,
                mode=policy.mode,
                is_excluded=any(policy.exclusions.refuses(place) for place in self.places),
                answer=self._known(answer, status=status, policy=policy),
            )
        )

    def _known(self, answer: Answer, *, status: ServiceStatus | None, policy: _Policy) -> Answer:
        """Return what the user said of this call, or for its conversation, or that nobody can be asked."""
        if answer is not Answer.UNASKED:
            return answer
        if self.asking is None:
            return Answer.NOBODY
        is_allowed = status is not None and status.connection in policy.allowed_connections
        return Answer.CONVERSATION if is_allowed else Answer.UNASKED


async def _fail(entry: Entry, *, cause: Cause, error: Exception) -> NoReturn:
    await _record(replace(entry, event=Event.PERMISSION_CHECK_FAILED, reason=cause))
    raise NotPermittedError(provider=entry.provider, cause=cause) from error


async def _record(entry: Entry) -> None:
    await group_commit.record(entry)
