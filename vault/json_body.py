"""Reads a JSON body as strictly as a form: one flat object of strings, no name twice, nothing that is no text."""

import json
from collections.abc import Sequence
from typing import Any

from vault.errors import InvalidRequestError


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object in their order; a class of its own, since an array becomes a plain list."""


def parse(body: bytes) -> Sequence[tuple[str, str]]:
    """Return the names and values of the JSON object in `body`.

    Raises:
        InvalidRequestError: It is no object of strings alone, or a name comes twice, which two parsers could read as
            two different requests (RFC 8259 section 4).
    """
    try:
        members = json.loads(body.decode("utf-8"), object_pairs_hook=_Members)
        # A lone surrogate is an escape of half a character: no database takes it, and no honest client sends it.
        json.dumps(members, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise InvalidRequestError from None
    if not isinstance(members, _Members) or not all(isinstance(value, str) for _, value in members):
        raise InvalidRequestError
    if len({name for name, _ in members}) != len(members):
        raise InvalidRequestError
    return members
