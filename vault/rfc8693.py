"""The dialect of RFC 8693 itself: what our own processes and every client that knows the RFC speak."""

from vault import forms, targets, wire
from vault.dialects import Dialect, refusal_of
from vault.forms import Pairs
from vault.types import ExchangeRequest


def _read(pairs: Pairs) -> ExchangeRequest:
    form = forms.single(pairs, besides=targets.NAMES)
    return wire.exchange_from_form(form, audience=targets.audience_of(pairs))


DIALECT = Dialect(
    grant_type=wire.GRANT_TYPE, takes_json=False, read=_read, answer=wire.token_to_json, refusal=refusal_of
)
