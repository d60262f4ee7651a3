"""Google's partial answers: reads a `fields` mask and keeps of a JSON value what the mask names.

Source: https://developers.google.com/workspace/calendar/api/guides/performance#partial-response
"""

import re
from typing import Any

_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9]*|[(),/*]")

# Names to keep and what to keep of each; None keeps all of it.
Mask = dict[str, "Mask | None"]


class FieldsError(ValueError):
    """A mask that does not parse."""


def apply_mask(value: Any, fields: str) -> Any:
    """Return what the mask `fields` keeps of `value`.

    Raises:
        FieldsError: The mask does not parse.
    """
    tokens = _TOKEN.findall(fields)
    if "".join(tokens) != re.sub(r"\s", "", fields):
        raise FieldsError
    mask = _read_list(tokens)
    if tokens:
        raise FieldsError
    return _keep(value, mask)


def _read_list(tokens: list[str]) -> Mask:
    """Read `name,name(…),name/name` up to a closing bracket or the end; what is read is taken from `tokens`."""
    mask: Mask = {}
    while True:
        name, below = _read_one(tokens)
        mask[name] = below
        if not tokens or tokens[0] != ",":
            return mask
        tokens.pop(0)


def _read_one(tokens: list[str]) -> tuple[str, Mask | None]:
    if not tokens or tokens[0] in "(),/":
        raise FieldsError
    name = tokens.pop(0)
    if tokens and tokens[0] == "/":
        tokens.pop(0)
        below, rest = _read_one(tokens)
        return name, {below: rest}
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        mask = _read_list(tokens)
        if not tokens or tokens.pop(0) != ")":
            raise FieldsError
        return name, mask
    return name, None


def _keep(value: Any, mask: Mask | None) -> Any:
    if mask is None or "*" in mask:
        return value
    if isinstance(value, list):
        return [_keep(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _keep(item, mask[name]) for name, item in value.items() if name in mask}
