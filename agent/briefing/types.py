"""Frozen values that recipes, facts, the loop and the renderings share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Read:
    """A tool call that a recipe makes before the model is asked."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """One tool call of a run and what it gave.

    `entries` are the very items that the model got: `{"id": "gh-3f9a1c2e", "title": "…", …}`, cleaned and capped.
    `error` is the `ToolErrorCode` of a call that read nothing, with its sentence in `message`; else both are "".
    `retry_after_seconds` is how long its provider asks to wait, if it does.
    """

    tool: str
    provider: str
    arguments: Mapping[str, Any]
    entries: tuple[Mapping[str, Any], ...] = ()
    is_truncated: bool = False
    warnings: tuple[str, ...] = ()
    error: str = ""
    message: str = ""
    retry_after_seconds: int | None = None
