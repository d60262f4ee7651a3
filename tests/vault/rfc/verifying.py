"""Hands a subject token to its verifier: it names alice, or it is refused."""

import pytest

from vault import tokens
from vault.errors import InvalidRequestError

# The header of a subject token, as we write it.
HEADER = b'{"alg":"Ed25519","typ":"at+jwt"}'


def accept(token: str) -> None:
    """Expect that `token` is believed."""
    assert tokens.verify_subject(token, purpose="exchange", client="devcontext-web").user == "user:1"


def refuse(token: str) -> None:
    """Expect that it is not, and that the error is the one for every cause."""
    with pytest.raises(InvalidRequestError):
        tokens.verify_subject(token, purpose="exchange", client="devcontext-web")
