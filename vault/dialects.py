"""What a dialect of token exchange is: how its request reads, and how its answers and refusals are written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from vault import wire
from vault.errors import InvalidScopeError, InvalidTargetError, VaultError
from vault.forms import Pairs
from vault.types import ExchangedToken, ExchangeRequest


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as a dialect tells it."""

    status: int
    body: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to say what every exchange says.

    Attributes:
        grant_type: How its requests are known.
        takes_json: Whether a request may be a JSON object; a form it may always be.
        read: Returns the request in the parameters. Raises `VaultError`.
        answer: Returns the JSON object that carries the token.
        refusal: Returns how an error is told.
    """

    grant_type: str
    takes_json: bool
    read: Callable[[Pairs], ExchangeRequest]
    answer: Callable[[ExchangedToken], dict[str, Any]]
    refusal: Callable[[VaultError], Refusal]


def refusal_of(error: VaultError) -> Refusal:
    """Return `error` as RFC 6749 section 5.2 has it."""
    body = wire.error_to_json(error)
    if isinstance(error, InvalidTargetError | InvalidScopeError):
        # Where the user can put it right.
        body["error_uri"] = f"{settings.APP_URL}/settings/permissions/"
    return Refusal(error.status, body)
