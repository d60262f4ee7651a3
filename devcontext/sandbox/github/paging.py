"""GraphQL connections: one page of a list, with GitHub's rules for `first`, `last` and cursors."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

# GitHub's own bound for `first` and `last`:
# https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#node-limit
_MAX_PAGE = 100


def connection(items: Sequence[Any], page: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page of `items` as a GraphQL connection.

    Raises:
        GraphQLError: Neither or both of `first` and `last` are given, one is out of bounds, or a cursor is not ours.
    """
    first, last, after = page.get("first"), page.get("last"), page.get("after")
    size = first if first is not None else last
    if size is None or (first is not None and last is not None):
        raise GraphQLError("You must provide a `first` or `last` value to properly paginate the connection.")
    if not 0 <= size <= _MAX_PAGE:
        raise GraphQLError(f"`first` and `last` must be from 0 to {_MAX_PAGE}.")
    start = _offset(after) if after else 0
    end = start + size
    if last is not None:
        start, end = max(len(items) - last, start), len(items)
    return {
        "nodes": list(items[start:end]),
        "total_count": len(items),
        "issue_count": len(items),
        "page_info": {
            "has_next_page": end < len(items),
            "end_cursor": _cursor(min(end, len(items))) if items else None,
        },
    }


def _cursor(offset: int) -> str:
    return base64.b64encode(f"cursor:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("cursor:"))
    except (binascii.Error, ValueError):
        raise GraphQLError(f"`{cursor}` does not appear to be a valid cursor.") from None
