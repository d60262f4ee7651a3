"""The dialect of RFC 8693 itself: what our own processes and every client that knows the RFC speak."""

from django.conf import settings

from vault import forms, targets, wire
from vault.dialects import Dialect, Refusal
from vault.errors import InvalidScopeError, InvalidTargetError, VaultError
from vault.forms import Pairs
from vault.types import ExchangeRequest


def _read(pairs: Pairs) -> ExchangeRequest:
    form = forms.single(pairs, besides=targets.NAMES)
    return wire.exchange_from_form(form, audience=targets.audience_of(pairs))


def refusal_of(error: VaultError) -> Refusal:
    """Return `error` as RFC 6749 section 5.2 has it."""
    body = wire.error_to_json(error)
    if isinstance(error, InvalidTargetError | InvalidScopeError):
        # Where the user can put it right.
        body["error_uri"] = f"{settings.APP_URL}/settings/permissions/"
    return Refusal(error.status, body)


DIALECT = Dialect(
    grant_type=wire.GRANT_TYPE, takes_json=False, read=_read, answer=wire.token_to_json, refusal=refusal_of
)
