"""What the permission page shows of one account of a service: the vault's status, and its use by the audit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, gettext_noop

from audit import uses
from audit.errors import AuditUnavailableError
from audit.uses import LastUse, Use
from permissions import schedules, scopes
from permissions.schedules import ScheduleName
from permissions.types import ScopeGroup, ServiceStatus
from vault.client import ConnectionState

_STATE_WORDS = {
    ConnectionState.CONNECTED: gettext_noop("Connected"),
    ConnectionState.REVOKED: gettext_noop("Revoked"),
    ConnectionState.NOT_CONNECTED: gettext_noop("Not connected"),
}
# A month: what a weekly or a fortnightly briefing reads counts as used.
_LOOKS_BACK = timedelta(days=30)
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
class Usage:
    """How the accounts of a page were used, by their connections, and which schedules asked, by their runs.

    Of an account that is missing nothing could be learned.
    """

    uses: Mapping[str, Use] = field(default_factory=dict)
    beginners: Mapping[str, ScheduleName] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountCard:
    """One account, the default one or another.

    `scopes` are the provider's own names and `scope_words` what they mean. `unused` is what the user could drop, since
    nothing asked for it in 30 days; a connection that is younger drops nothing. `used_count` is of how many granted
    scopes something did, None when that cannot be learned. `reconnect_reason` is a sentence, or "".
    `last_used_at` is None when nothing ever used the account, or the audit cannot be read; then the words about it are
    "". `last_used_run` is the run that read, or "" and `last_used_by` the program that did; `last_used_schedule` is the
    schedule that began that run, None where its user asked.
    """

    connection: str
    account: str
    state: str
    state_word: str
    connected_at: datetime | None
    paused_until: datetime | None
    reconnect_reason: str
    is_away_allowed: bool
    scopes: tuple[str, ...]
    scope_words: tuple[str, ...]
    unused: tuple[ScopeGroup, ...]
    used_count: int | None
    last_used_at: datetime | None
    last_used_ago: str
    last_used_for: str
    last_used_by: str
    last_used_run: str
    last_used_schedule: ScheduleName | None


def load_usage(statuses: Iterable[ServiceStatus], *, user: str) -> Usage:
    """Return how every account of these services was used, with as many queries as for one; sync.

    Without the audit nothing is known: the switches must stay within reach while it is down.
    """
    connected = {
        account.connection: account.connected_at
        for status in statuses
        for account in status.accounts
        if account.connected_at
    }
    try:
        found = uses.list_uses(connected, user=user, since=timezone.now() - _LOOKS_BACK)
    except AuditUnavailableError:
        return Usage()
    runs = {use.last.run for use in found.values() if use.last and use.last.run}
    return Usage(found, schedules.list_beginners(user, runs=runs))


def make_account(status: ServiceStatus, *, usage: Usage) -> AccountCard:
    """Return what is shown of one account; of a service without any, its state alone."""
    use = usage.uses.get(status.connection)
    last = use.last if use else None
    granted = tuple(status.granted_scope.split())
    return AccountCard(
        connection=status.connection,
        account=status.account,
        state=status.state.value,
        state_word=word_of(status),
        connected_at=status.connected_at,
        paused_until=status.paused_until,
        reconnect_reason=_reconnect_words(status),
        is_away_allowed=status.is_away_allowed,
        scopes=granted,
        scope_words=list_words(granted, provider=status.service.slug),
        unused=_unused(status, use=use),
        used_count=len(use.scopes & set(granted)) if use else None,
        last_used_at=last.used_at if last else None,
        last_used_ago=_ago(last.used_at) if last else "",
        last_used_for=last.what if last else "",
        last_used_by=_program_of(last),
        last_used_run=last.run if last else "",
        last_used_schedule=usage.beginners.get(last.run) if last else None,
    )


def word_of(status: ServiceStatus) -> str:
    """Return the state of a service in the user's words."""
    return gettext("Paused") if status.paused_until else gettext(_STATE_WORDS[status.state])


def list_words(listed: Iterable[str], *, provider: str) -> tuple[str, ...]:
    """Return what each scope of a provider lets DevContext do."""
    return tuple(gettext(scopes.words_of(scope, provider=provider)) for scope in listed)


def _reconnect_words(status: ServiceStatus) -> str:
    if not status.reconnect_reason:
        return ""
    words = _NEEDS_RECONNECT.get(status.reconnect_reason, _NEEDS_RECONNECT[""])
    return gettext(words).format(name=status.service.name)


def _unused(status: ServiceStatus, *, use: Use | None) -> tuple[ScopeGroup, ...]:
    """Return what nothing used for as long as is looked back; () while the connection is younger than that.

    What cannot be learned counts as used: nothing is to be dropped on a guess.
    """
    if use is None or status.connected_at is None or timezone.now() - status.connected_at < _LOOKS_BACK:
        return ()
    return scopes.list_unused(status.service.slug, granted_scope=status.granted_scope, used=use.scopes)


def _program_of(last: LastUse | None) -> str:
    """Return the program that used the account, "" for our own runs."""
    return last.client if last and not last.run else ""


def _ago(at: datetime) -> str:
    """Return `just now`, or `3 minutes ago`."""
    if timezone.now() - at < timedelta(minutes=1):
        return gettext("just now")
    return gettext("{time} ago").format(time=timesince(at))
