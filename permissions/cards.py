"""What the permission page shows of each service: the vault's status, and the last use from the audit timeline."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, gettext_noop

from audit import timeline
from audit.errors import AuditUnavailableError
from permissions import chats, needs, questions, schedules, scopes, store
from permissions.policy import Mode
from permissions.schedules import ScheduleName, ScheduleReading
from permissions.services import SERVICES
from permissions.types import ScopeGroup, Service, ServiceStatus
from vault.client import Connection, ConnectionState, Grant, Revocation, RevocationState

STATE_WORDS = {
    ConnectionState.CONNECTED: gettext_noop("Connected"),
    ConnectionState.REVOKED: gettext_noop("Revoked"),
    ConnectionState.NOT_CONNECTED: gettext_noop("Not connected"),
}
# A month: what a weekly or a fortnightly briefing reads counts as used.
_LOOKS_BACK = timedelta(days=30)
# The card is about what is; the timeline tells the rest.
_MAX_ENDINGS = 3
# Why a connection is broken, by the vault's code; any other code is a provider's own and comes down to the last.
_NEEDS_RECONNECT = {
    "expired": gettext_noop("The token of {name} has ended, and came with nothing to renew it. Reconnect it."),
    "refresh_in_doubt": gettext_noop(
        "{name} never answered when its token was renewed, so no token is known to be good. Reconnect it."
    ),
    "reduced": gettext_noop(
        "The tokens of {name} were ended, to let it read less, and it was not connected again. Reconnect it."
    ),
    "": gettext_noop("{name} no longer honours this connection. Reconnect it to let the AI read again."),
}


@dataclass(frozen=True, slots=True)
class OtherAccount:
    """An account of the user besides the default one."""

    connection: str
    account: str
    state: str
    state_word: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of an erased account's tokens: a sentence with an instant before its full stop, or none."""

    words: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ToolSwitch:
    """One tool: what it reads, in words, and what it may do."""

    name: str
    words: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class AllowedChat:
    """What a tool reads, in words, without being asked about in the conversation of this title."""

    allowance: int
    words: str
    conversation: UUID
    title: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class ServiceCard:
    """One service on the permission page.

    `connection` is the id of the default account's connection, "" for none, and `others` are the other accounts.
    `surplus` and `writing` say in words what was granted and no tool needs, and what lets its holder write too.
    `unused` is what the user could drop, since nothing asked for it in 30 days, and `used_count` of how many granted
    scopes something did; a connection that is younger drops nothing.
    `missing` says what was asked for and not granted, or is ""; `addable` is what the user could still let it read.
    `endings` say what became of the tokens of accounts that were disconnected lately. `scopes` are the provider's own
    names and `scope_words` what they mean. `tools` are those that read it, with their switches, and
    `allowed_chats` where one that asks first does not. `reconnect_reason` is a sentence, or "". `last_used_at` is None
    when nothing ever used it, or the audit cannot be read; then the words about it are "". `last_used_run` is the run
    that read, or "" and `last_used_by` the program that did; `last_used_schedule` is the schedule that began that run,
    None where its user asked. `schedules` are those that may read it while its user is away.
    """

    slug: str
    name: str
    state: str
    state_word: str
    connection: str
    account: str
    connected_at: datetime | None
    paused_until: datetime | None
    reconnect_reason: str
    scopes: tuple[str, ...]
    scope_words: tuple[str, ...]
    can_read: tuple[str, ...]
    cannot: tuple[str, ...]
    last_used_at: datetime | None
    last_used_ago: str
    last_used_for: str
    last_used_by: str
    last_used_run: str
    last_used_schedule: ScheduleName | None
    is_sandbox: bool
    missing: str
    surplus: tuple[str, ...]
    writing: tuple[str, ...]
    unused: tuple[ScopeGroup, ...]
    used_count: int
    addable: tuple[ScopeGroup, ...]
    others: tuple[OtherAccount, ...]
    endings: tuple[Ending, ...]
    is_away_allowed: bool
    tools: tuple[ToolSwitch, ...]
    allowed_chats: tuple[AllowedChat, ...]
    schedules: tuple[ScheduleReading, ...]

    @property
    def blocked_count(self) -> int:
        """How many of its tools may not read."""
        return sum(tool.mode is Mode.BLOCK for tool in self.tools)

    @property
    def asking_count(self) -> int:
        """How many of its tools ask first."""
        return sum(tool.mode is Mode.ASK for tool in self.tools)


def make_card(
    status: ServiceStatus, *, user: str, revocations: Iterable[Revocation] = (), grants: Iterable[Grant] = ()
) -> ServiceCard:
    """Return the card of one service; sync, since it reads the audit."""
    service = status.service
    last_use = _find_last_use(user=user, provider=service.slug)
    granted = tuple(status.granted_scope.split())
    used = _list_used(user=user, provider=service.slug)
    addable = scopes.list_addable(service.slug, granted_scope=status.granted_scope) if status.connection else ()
    return ServiceCard(
        slug=service.slug,
        name=service.name,
        state=status.state.value,
        state_word=word_of(status),
        connection=status.connection,
        account=status.account,
        connected_at=status.connected_at,
        paused_until=status.paused_until,
        reconnect_reason=_reconnect_words(status),
        scopes=granted,
        scope_words=_words_of(granted, provider=service.slug),
        can_read=_can_read(service, addable=addable, granted_scope=status.granted_scope),
        cannot=service.cannot,
        last_used_at=last_use.used_at if last_use else None,
        last_used_ago=_ago(last_use.used_at) if last_use else "",
        last_used_for=last_use.what if last_use else "",
        last_used_by=_user_of(last_use),
        last_used_run=last_use.run if last_use else "",
        last_used_schedule=schedules.find_beginner(user, run=last_use.run) if last_use and last_use.run else None,
        is_sandbox=is_sandbox(service.slug),
        missing=missing_of(status),
        surplus=_words_of(scopes.list_surplus(service.slug, granted_scope=status.granted_scope), provider=service.slug),
        writing=_words_of(scopes.list_writing(service.slug, granted_scope=status.granted_scope), provider=service.slug),
        unused=_unused(status, used=used),
        used_count=len(used & set(granted)),
        addable=addable,
        others=tuple(
            OtherAccount(other.connection, other.account, other.state.value, word_of(other)) for other in status.others
        ),
        endings=tuple(
            _ending(revocation, name=service.name) for revocation in revocations if revocation.provider == service.slug
        )[:_MAX_ENDINGS],
        is_away_allowed=status.is_away_allowed,
        tools=_tools_of(service.slug, user=user),
        allowed_chats=_allowed_chats_of(service.slug, user=user),
        schedules=schedules.list_readings(user, grants=grants, provider=service.slug),
    )


def _unused(status: ServiceStatus, *, used: frozenset[str]) -> tuple[ScopeGroup, ...]:
    """Return what nothing used for as long as is looked back; () while the connection is younger than that."""
    if status.connected_at is None or timezone.now() - status.connected_at < _LOOKS_BACK:
        return ()
    return scopes.list_unused(status.service.slug, granted_scope=status.granted_scope, used=used)


def _list_used(*, user: str, provider: str) -> frozenset[str]:
    try:
        return timeline.list_scopes_used(user=user, provider=provider, since=timezone.now() - _LOOKS_BACK)
    except AuditUnavailableError:
        # What cannot be learned counts as used: nothing is to be dropped on a guess.
        return frozenset(scope for group in SERVICES[provider].optional_groups for scope in group.scopes)


def _reconnect_words(status: ServiceStatus) -> str:
    if not status.reconnect_reason:
        return ""
    words = _NEEDS_RECONNECT.get(status.reconnect_reason, _NEEDS_RECONNECT[""])
    return gettext(words).format(name=status.service.name)


def _user_of(last_use: timeline.LastUse | None) -> str:
    """Return the program that used the service, "" for our own runs."""
    return last_use.client if last_use and not last_use.run else ""


def _words_of(listed: Iterable[str], *, provider: str) -> tuple[str, ...]:
    return tuple(gettext(scopes.words_of(scope, provider=provider)) for scope in listed)


def _can_read(service: Service, *, addable: Iterable[ScopeGroup], granted_scope: str) -> tuple[str, ...]:
    """Return what this user lets the AI read: the service's sentences but those not granted, and what was added."""
    missing = {group.words for group in addable}
    added = [group.words for group in scopes.list_added(service.slug, granted_scope=granted_scope)]
    return (*(words for words in service.can_read if words not in missing), *added)


def _tools_of(provider: str, *, user: str) -> tuple[ToolSwitch, ...]:
    modes = store.list_modes(user)
    return tuple(
        ToolSwitch(name, gettext(words), mode=modes.get(name, Mode.ALLOW))
        for name, words in needs.tools_of(provider).items()
    )


def _allowed_chats_of(provider: str, *, user: str) -> tuple[AllowedChat, ...]:
    """Return what is allowed in conversations that are still there; a deleted one asks nothing any more."""
    allowances = questions.list_allowances(user, provider=provider)
    titles = chats.titles_of(user, conversations={one.conversation for one in allowances}) if allowances else {}
    words = needs.tools_of(provider)
    return tuple(
        AllowedChat(
            one.id, gettext(words.get(one.tool, one.tool)), one.conversation, titles[one.conversation], one.given_at
        )
        for one in allowances
        if one.conversation in titles
    )


def word_of(status: ServiceStatus) -> str:
    """Return the state of a service in the user's words."""
    return gettext("Paused") if status.paused_until else gettext(STATE_WORDS[status.state])


def missing_of(status: ServiceStatus) -> str:
    """Return a sentence about what was asked for and not granted, "" when nothing is missing."""
    if not status.missing_scope:
        return ""
    told = (gettext(scopes.words_of(scope, provider=status.service.slug)) for scope in status.missing_scope.split())
    return gettext("Asked for and not granted by {name}: {words}.").format(
        name=status.service.name, words="; ".join(told)
    )


def unasked_of(connection: Connection) -> str:
    """Return a sentence about what was granted and not asked for, such as what was to be dropped, "" for nothing."""
    asked = connection.asked_scope.split()
    unasked = [scope for scope in connection.granted_scope.split() if scope not in asked]
    if not unasked:
        return ""
    service = SERVICES[connection.provider]
    return gettext("Not asked for, and granted by {name} all the same: {words}.").format(
        name=service.name, words="; ".join(_words_of(unasked, provider=service.slug))
    )


def grants_writing(provider: str) -> bool:
    """Tell whether what `provider` asks the user for lets its holder write too, though DevContext only reads.

    GitHub has no read-only scope for OAuth Apps.
    """
    configured = settings.PROVIDERS.get(provider)
    return configured is not None and configured.app_kind == "oauth"


def is_sandbox(provider: str) -> bool:
    """Tell whether a local stand-in answers for `provider`."""
    configured = settings.PROVIDERS.get(provider)
    return configured is not None and configured.is_sandbox


def _ending(revocation: Revocation, *, name: str) -> Ending:
    names = {"account": revocation.account or name, "name": name}
    if revocation.state is RevocationState.REVOKED:
        return Ending(gettext("{account}: revoked at {name}").format(**names), revocation.ended_at)
    if revocation.state is RevocationState.WAITING:
        waiting = gettext("{account}: {name} has not confirmed yet that it ended the tokens; DevContext keeps trying")
        return Ending(waiting.format(**names), None)
    if revocation.token_ends_at is None:
        endless = gettext("{account}: {name} did not confirm that it ended the token; remove the app at {name}")
        return Ending(endless.format(**names), None)
    ending = gettext("{account}: {name} did not confirm; the access token ends by itself by")
    return Ending(ending.format(**names), revocation.token_ends_at)


def _ago(at: datetime) -> str:
    """Return `just now`, or `3 minutes ago`."""
    if timezone.now() - at < timedelta(minutes=1):
        return gettext("just now")
    return gettext("{time} ago").format(time=timesince(at))


def _find_last_use(*, user: str, provider: str) -> timeline.LastUse | None:
    # The switches must stay within reach while the audit is down.
    try:
        return timeline.find_last_use(user=user, provider=provider)
    except AuditUnavailableError:
        return None
