"""Turns a tool's argument model into the JSON Schema of a strict tool, which allows fewer keywords than pydantic uses.

It only words a schema: what arguments are accepted is decided by the pydantic model, at the call.
"""

from functools import cache
from typing import Any

from pydantic import BaseModel

# Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations.
_KEPT = ("type", "enum", "const", "anyOf", "items", "format")
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_WORDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matching {}",
    "default": "default {}",
}


@cache
def strict_schema(arguments: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of `arguments`: closed objects, with unsupported limits said in the descriptions instead.

    It is made once per process and shared by all runs, so nobody changes it.
    """
    schema = arguments.model_json_schema()
    return {
        "type": "object",
        "properties": {name: _property(value) for name, value in schema.get("properties", {}).items()},
        "required": schema.get("required", []),
        "additionalProperties": False,
    }


def _property(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: schema[key] for key in _KEPT if key in schema}
    if kept.get("format") not in _FORMATS:
        kept.pop("format", None)
    if "anyOf" in kept:
        kept["anyOf"] = [_property(variant) for variant in kept["anyOf"]]
    if "items" in kept:
        kept["items"] = _property(kept["items"])
    limits = [words.format(schema[key]) for key, words in _WORDS.items() if key in schema and schema[key] is not None]
    limits_text = f"({', '.join(limits)})" if limits else ""
    description = " ".join(part for part in (schema.get("description", ""), limits_text) if part)
    return kept | {"description": description} if description else kept
