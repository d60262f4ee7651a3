"""What the permission page shows of each service: its accounts, what it reads, and what its user lets its tools do."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext

from permissions import chats, needs, questions, schedules, scopes, store
from permissions.accounts import AccountCard, Usage, list_words, make_account
from permissions.policy import Mode
from permissions.schedules import ScheduleReading
from permissions.services import SERVICES
from permissions.types import ScopeGroup, Service, ServiceStatus
from vault.client import Connection, Grant, Revocation, RevocationState

# The card is about what is; the timeline tells the rest.
_MAX_ENDINGS = 3


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
class ServiceCard(AccountCard):
    """One service on the permission page: its default account, the one that the AI reads, and what is of all.

    `connection` is "" where there is none, and `others` are the accounts besides the default one.
    `surplus` and `writing` say in words what was granted and no tool needs, and what lets its holder write too.
    `missing` says what was asked for and not granted, or is ""; `addable` is what the user could still let it read.
    `endings` say what became of the tokens of accounts that were disconnected lately. `tools` are those that read it,
    with their switches, and `allowed_chats` where one that asks first does not. `schedules` are those that may read it
    while its user is away.
    """

    slug: str
    name: str
    can_read: tuple[str, ...]
    cannot: tuple[str, ...]
    is_sandbox: bool
    missing: str
    surplus: tuple[str, ...]
    writing: tuple[str, ...]
    addable: tuple[ScopeGroup, ...]
    others: tuple[AccountCard, ...]
    endings: tuple[Ending, ...]
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
    status: ServiceStatus,
    *,
    user: str,
    usage: Usage,
    revocations: Iterable[Revocation] = (),
    grants: Iterable[Grant] = (),
) -> ServiceCard:
    """Return the card of one service; sync, since it reads what the user lets its tools do."""
    service = status.service
    account = make_account(status, usage=usage)
    addable = scopes.list_addable(service.slug, granted_scope=status.granted_scope) if status.connection else ()
    surplus = scopes.list_surplus(service.slug, granted_scope=status.granted_scope)
    writing = scopes.list_writing(service.slug, granted_scope=status.granted_scope)
    return ServiceCard(
        # All that an account has, a card has of the default one.
        **{field.name: getattr(account, field.name) for field in fields(AccountCard)},
        slug=service.slug,
        name=service.name,
        can_read=_can_read(service, addable=addable, granted_scope=status.granted_scope),
        cannot=service.cannot,
        is_sandbox=is_sandbox(service.slug),
        missing=missing_of(status),
        surplus=list_words(surplus, provider=service.slug),
        writing=list_words(writing, provider=service.slug),
        addable=addable,
        others=tuple(make_account(other, usage=usage) for other in status.others),
        endings=tuple(
            _ending(revocation, name=service.name) for revocation in revocations if revocation.provider == service.slug
        )[:_MAX_ENDINGS],
        tools=_tools_of(service.slug, user=user),
        allowed_chats=_allowed_chats_of(service.slug, user=user),
        schedules=schedules.list_readings(user, grants=grants, provider=service.slug),
    )


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
        name=service.name, words="; ".join(list_words(unasked, provider=service.slug))
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
