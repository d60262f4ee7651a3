"""The providers' own descriptions and recordings, as `tests/specs` keeps them; each folder's SOURCE.md says whence."""

import json
from functools import cache
from pathlib import Path
from typing import Any

_SPECS = Path(__file__).parent.parent / "specs"


@cache
def spec(name: str) -> Any:
    """Return the parsed JSON file `name`, such as `slack/methods.json`."""
    return json.loads((_SPECS / name).read_text(encoding="utf-8"))


def key_paths(value: Any, *, at: str = "") -> set[str]:
    """Return the paths of all keys in `value`, such as `user.profile.real_name`; list items share one path."""
    if isinstance(value, list):
        return set().union(*(key_paths(entry, at=at) for entry in value))
    if not isinstance(value, dict):
        return set()
    paths = {f"{at}.{key}".lstrip(".") for key in value}
    return paths.union(*(key_paths(entry, at=f"{at}.{key}".lstrip(".")) for key, entry in value.items()))


def as_json_schema(value: Any) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema: what is `nullable` there may be null."""
    if isinstance(value, list):
        return [as_json_schema(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    kept = {key: as_json_schema(entry) for key, entry in value.items() if key != "nullable"}
    return {"anyOf": [kept, {"type": "null"}]} if value.get("nullable") is True else kept
