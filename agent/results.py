"""Writes what a tool read, or why it could not, as the compact JSON that the model gets. Texts are cleaned here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import ToolFailedError
from agent.untrusted import TITLE_CHARACTERS, clean_text, clean_value

# About 6,000 tokens: five such results and the conversation stay far inside every model's window.
MAX_RESULT_CHARACTERS = 24_000


@dataclass(frozen=True, slots=True)
class Written:
    """A result as the model gets it, and the parts it was written from: `entries` are those that are in it."""

    content: str
    entries: tuple[Mapping[str, Any], ...]
    is_truncated: bool
    warnings: tuple[str, ...]


def write_entry(*, evidence: str, title: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return one item as the model sees it: its evidence id if it can be cited, its title, then its fields.

    A field that holds nothing is left out: it costs tokens and says nothing that its absence does not say.
    """
    head = {"title": clean_text(title, max_characters=TITLE_CHARACTERS)}
    if evidence:
        head = {"id": evidence} | head
    cleaned = {key: clean_value(value) for key, value in fields.items() if key not in ("id", "title")}
    return head | {key: value for key, value in cleaned.items() if value not in (None, "", [], {})}


def write_result(
    entries: Sequence[Mapping[str, Any]],
    *,
    service: str,
    is_truncated: bool,
    warnings: Sequence[str],
) -> Written:
    """Return the JSON for the model, with as many of `entries` as fit; where they do not all fit, it says so.

    Shape: `{"service": "github", "items": [{"id": "gh-3f9a1c2e", "title": "…", …}], "truncated": true, "warnings":
    ["…"]}`, the last two only where something is missing.
    """
    kept: list[Mapping[str, Any]] = []
    room = MAX_RESULT_CHARACTERS
    for entry in entries:
        room -= len(compact(entry)) + 1
        if room < 0:
            break
        kept.append(entry)
    is_cut = is_truncated or len(kept) < len(entries)
    cleaned = tuple(clean_text(warning) for warning in warnings)
    gaps = ({"truncated": True} if is_cut else {}) | ({"warnings": cleaned} if cleaned else {})
    return Written(
        compact({"service": service, "items": kept} | gaps), entries=tuple(kept), is_truncated=is_cut, warnings=cleaned
    )


def write_failure(error: ToolFailedError) -> str:
    """Return `{"error": code, "message": sentence}`, with `retry_after_seconds` where the provider asks to wait."""
    body: dict[str, Any] = {"error": error.code, "message": error.message}
    if error.retry_after_seconds is not None:
        body["retry_after_seconds"] = error.retry_after_seconds
    return compact(body)


def compact(value: Mapping[str, Any]) -> str:
    """Return `value` as JSON without spaces, with letters of every script as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
