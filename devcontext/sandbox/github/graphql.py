"""Executes GraphQL against GitHub's schema (pruned), with the sandbox's world behind it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSyntaxError,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from devcontext.sandbox.github.asker import Asker, Owned
from devcontext.sandbox.github.fields import FIELDS, type_name

_SCHEMA = Path(__file__).parent / "schema.graphql"
_CAPITAL = re.compile(r"(?=[A-Z])")
# Our largest document has some 200 tokens; nothing honest needs more than this.
MAX_TOKENS = 2000


@cache
def schema() -> GraphQLSchema:
    """Return GitHub's schema; instants are written as GitHub writes them."""
    built = build_schema(_SCHEMA.read_text(encoding="utf-8"))
    scalar = built.type_map["DateTime"]
    assert isinstance(scalar, GraphQLScalarType)
    scalar.coerce_output_value = github_time
    return built


def github_time(at: datetime) -> str:
    """Return an instant in UTC without fractions, such as 2026-11-20T09:12:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(query: str, variables: Mapping[str, Any], *, asker: Asker) -> dict[str, Any]:
    """Return the body of the answer: `data`, `errors` or both; GitHub sends all of them with status 200."""
    try:
        document = parse(query, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        return {"errors": [_error(error)]}
    mistakes = validate(schema(), document)
    if mistakes:
        return {"errors": [_error(error) for error in mistakes]}
    result = execute_sync(
        schema(),
        document,
        context_value=asker,
        variable_values=dict(variables),
        field_resolver=_resolve,
        type_resolver=lambda value, *_: type_name(value),
    )
    body: dict[str, Any] = {"data": result.data}
    return body | ({"errors": [_error(error) for error in result.errors]} if result.errors else {})


def _resolve(source: Any, info: GraphQLResolveInfo[Asker], **arguments: Any) -> Any:
    """Resolve by the table of fields, else by the attribute or key of the same name."""
    resolver = FIELDS.get((info.parent_type.name, info.field_name))
    if resolver is not None:
        return resolver(source, info.context, **arguments)
    name = _CAPITAL.sub("_", info.field_name).lower()
    if isinstance(source, Mapping):
        return source[name]
    return getattr(source.item if isinstance(source, Owned) else source, name)


def _error(error: GraphQLError) -> dict[str, Any]:
    """Return an error as GitHub writes it: its `type` stands beside the message, not under `extensions`."""
    body = dict(error.formatted)
    extensions = body.pop("extensions", None)
    return {**body, **(extensions if isinstance(extensions, Mapping) else {})}
