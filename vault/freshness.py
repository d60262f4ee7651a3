"""What to do with a stored token now: give it, give it and refresh it meanwhile, or refresh it first. Decides only."""

from datetime import timedelta
from enum import Enum

from django.utils import timezone

from vault.errors import ProviderDownError, ReconnectRequiredError, VaultError
from vault.providers import registry
from vault.providers.base import Provider
from vault.store.connections import Decidable

# The reason of a connection whose refresh token was spent by a request that nobody heard the answer of.
IN_DOUBT = "refresh_in_doubt"
# A token with less life than a tool call may take is not handed out while a fresh one can be had.
MIN_USEFUL_LIFE = timedelta(seconds=60)
# A provider may issue tokens that live shorter than its usual lead; those would be refreshed at every exchange.
_LONGEST_LEAD_SHARE = 4
_NONE_LEFT = timedelta(0)


class Plan(Enum):
    """What to do with a stored token."""

    SERVE = "serve"
    SERVE_AND_REFRESH = "serve and refresh"
    REFRESH = "refresh"


def plan(connection: Decidable) -> Plan:
    """Return what to do with the connection's token now.

    Raises:
        ReconnectRequiredError: No token of use is stored and none can be had.
        ProviderDownError: None is stored, and the provider failed so recently that it is not asked again yet.
    """
    row, now = connection.row, timezone.now()
    provider = registry.load(row.provider)
    survives = provider.old_token_survives_refresh
    left = timedelta.max if row.access_expires_at is None else row.access_expires_at - now
    if row.reconnect_reason:
        # Only the answer to a refresh was lost: what is left still works. A grant the provider disowned is not used.
        is_alive = row.reconnect_reason == IN_DOUBT and survives
        return _serve_or_raise(left if is_alive else _NONE_LEFT, ReconnectRequiredError())
    if left > _lead(row.access_life_seconds, provider=provider):
        return Plan.SERVE
    if not row.has_refresh_token:
        return _serve_or_raise(left, ReconnectRequiredError())
    if row.retry_at is not None and row.retry_at > now:
        is_alive = survives or not connection.is_in_doubt
        return _serve_or_raise(left if is_alive else _NONE_LEFT, ProviderDownError())
    if survives and left > MIN_USEFUL_LIFE:
        return Plan.SERVE if connection.is_refresh_held else Plan.SERVE_AND_REFRESH
    return Plan.REFRESH


def _lead(life_seconds: int | None, *, provider: Provider) -> timedelta:
    """Return how long before its end a token that was issued for `life_seconds` is refreshed."""
    if life_seconds is None:
        return provider.refresh_lead
    return min(provider.refresh_lead, timedelta(seconds=life_seconds) / _LONGEST_LEAD_SHARE)


def _serve_or_raise(left: timedelta, error: VaultError) -> Plan:
    if left > _NONE_LEFT:
        return Plan.SERVE
    raise error
