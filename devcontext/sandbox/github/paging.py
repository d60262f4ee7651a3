"""One page of a list: GraphQL connections with GitHub's rules for `first`, `last` and cursors, and REST's numbers."""

import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from devcontext.sandbox.github.search import SearchError

# GitHub's own bound for `first` and `last`:
# https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#node-limit
_MAX_PAGE = 100
# Without `per_page`: https://docs.github.com/en/rest/search/search
_DEFAULT_PAGE = 30


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


def read_search(parameters: Mapping[str, str], *, sorts: Collection[str]) -> tuple[str, slice]:
    """Return the query of a REST search and the part of its results that is asked for.

    Raises:
        SearchError: A number, order or sort is none that GitHub documents.
    """
    size, number = parameters.get("per_page", str(_DEFAULT_PAGE)), parameters.get("page", "1")
    if not (size.isdecimal() and number.isdecimal()) or not 1 <= int(size) <= _MAX_PAGE or int(number) < 1:
        raise SearchError(f"per_page must be from 1 to {_MAX_PAGE}, and page at least 1.")
    if parameters.get("sort", next(iter(sorts))) not in sorts or parameters.get("order", "desc") not in ("asc", "desc"):
        raise SearchError("The sort or order is not known here.")
    start = (int(number) - 1) * int(size)
    return parameters.get("q", ""), slice(start, start + int(size))


def found_body(
    found: Sequence[Any], *, page: slice, write: Callable[[Any], dict[str, Any]], **more: str
) -> dict[str, Any]:
    """Return the body of a REST search's answer; `more` are fields that one of the searches has besides."""
    items = [write(one) for one in found[page]]
    return {"total_count": len(found), "incomplete_results": False, "items": items, **more}
