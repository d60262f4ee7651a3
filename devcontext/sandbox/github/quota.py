"""GitHub's hourly limits and what a GraphQL document costs of them.

Source: https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api and
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api. Its secondary limits, which count
points and seconds of work per minute, are not counted here; the case `api.secondary_rate_limit` shows one.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
)
from starlette.requests import Request

from devcontext.sandbox.github.graphql import MAX_TOKENS
from devcontext.sandbox.github.oauth import PROVIDER
from devcontext.sandbox.limit_gate import Quota
from devcontext.sandbox.limits import Bucket, Count, Mode

_HOUR = 3600
_REQUESTS_PER_POINT = 100


def bucket(request: Request, body: bytes, _: Mode) -> Bucket:
    """Return the limit that a request counts against, and its cost."""
    path = request.url.path
    if "/search/" in path:
        return Bucket("search", limit=30, seconds=60)
    if path.endswith("/graphql"):
        return Bucket("graphql", limit=5000, seconds=_HOUR, cost=cost_of(body))
    return Bucket("core", limit=5000, seconds=_HOUR)


def cost_of(body: bytes) -> int:
    """Return the points of a GraphQL request: its connections' requests in hundreds, rounded, and at least one."""
    try:
        asked = json.loads(body)
        document = parse(asked["query"], max_tokens=MAX_TOKENS)
        variables = asked.get("variables") or {}
    except (GraphQLSyntaxError, ValueError, TypeError, KeyError):
        return 1
    requests = sum(
        _requests(part.selection_set, document=document, variables=variables, times=1)
        for part in document.definitions
        if isinstance(part, OperationDefinitionNode)
    )
    return max(1, math.floor(requests / _REQUESTS_PER_POINT + 0.5))


def _requests(
    selections: SelectionSetNode | None, *, document: DocumentNode, variables: Mapping[str, Any], times: int
) -> int:
    """Return how many requests fetch the connections below, if each holds as many nodes as it was asked for."""
    total = 0
    for selected in selections.selections if selections else ():
        if isinstance(selected, FragmentSpreadNode):
            inner, asked = _fragment(document, selected.name.value), None
        else:
            inner = getattr(selected, "selection_set", None)
            asked = _asked(selected, variables) if isinstance(selected, FieldNode) else None
        total += times if asked else 0
        total += _requests(inner, document=document, variables=variables, times=times * (asked or 1))
    return total


def _asked(field: FieldNode, variables: Mapping[str, Any]) -> int | None:
    """Return a connection's `first` or `last`; None for any other field."""
    for argument in field.arguments or ():
        if argument.name.value in ("first", "last"):
            value = argument.value
            told = variables.get(value.name.value) if isinstance(value, VariableNode) else None
            text = value.value if isinstance(value, IntValueNode) else str(told)
            # No connection gives more than 100 nodes.
            return min(int(text), 100) if text.isdecimal() and len(text) < 4 else 1  # noqa: PLR2004
    return None


def _fragment(document: DocumentNode, name: str) -> SelectionSetNode | None:
    for part in document.definitions:
        if isinstance(part, FragmentDefinitionNode) and part.name.value == name:
            return part.selection_set
    return None


def headers(count: Count) -> dict[str, str]:
    """Return what GitHub tells of a limit with every answer."""
    return {
        "x-ratelimit-limit": str(count.bucket.limit),
        "x-ratelimit-remaining": str(0 if count.is_exceeded else count.remaining),
        "x-ratelimit-used": str(count.used),
        "x-ratelimit-reset": str(math.ceil(count.ends_at)),
        "x-ratelimit-resource": count.bucket.name,
    }


QUOTA = Quota(
    PROVIDER,
    bucket=bucket,
    refusal=lambda counted: "graphql.primary_rate_limit" if counted.name == "graphql" else "api.primary_rate_limit",
    headers=headers,
)
