"""What the stand-in can see of a conversation: the last question, its line of context, and what tools returned since.

It reads nothing but the request: whatever is not in there, the stand-in does not know.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from devcontext.sandbox.claude.request import Question, Turn

_CONTEXT = re.compile(
    r"\n*\[Context: \w+ (?P<today>\d{4}-\d\d-\d\d), .*?Last working day: \w+ (?P<since>\d{4}-\d\d-\d\d)\..*?\]\s*$",
    re.DOTALL,
)
# A recipe's instructions stand between the question and its line of context.
_RECIPE = re.compile(r"\n+\[Recipe: (?P<name>[a-z-]+), version \d+\]\n.*\Z", re.DOTALL)
_FACTS = re.compile(r"\[Facts: (\{.*\})\]\s*", re.DOTALL)
_SERVICES = {"github": "GitHub", "calendar": "Google Calendar", "slack": "Slack"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One tool call and its result; `error` is the sentence of why nothing was read, or ""."""

    tool: str
    items: tuple[dict[str, Any], ...] = ()
    error: str = ""
    is_truncated: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """The service's name for a person, or "" for a tool that reads none."""
        return _SERVICES.get(self.tool.partition("_")[0], "")


@dataclass(frozen=True, slots=True)
class Exchange:
    """The last question without its line of context, its days, and what was read for it.

    `recipe` is the name of its recipe, "" without one, and `facts` what the message beside the results says of them.
    """

    text: str
    today: date
    since: date
    readings: tuple[Reading, ...]
    recipe: str = ""
    facts: dict[str, Any] | None = None

    @property
    def is_about_yesterday(self) -> bool:
        """Whether it asks for the last working day alone; a briefing goes on to now."""
        text = self.text.lower()
        return "yesterday" in text and "brief" not in text and "since" not in text

    def items(self, tool: str) -> list[dict[str, Any]]:
        """Return all items that `tool` returned, each once."""
        found = [item for reading in self.readings if reading.tool == tool for item in reading.items]
        return list({item.get("id") or item.get("title"): item for item in found}.values())


def read_exchange(question: Question) -> Exchange:
    """Return what the last question asks and what was read for it so far."""
    start, text = _last_text(question.turns)
    context = _CONTEXT.search(text)
    today = date.fromisoformat(context["today"]) if context else datetime.now(UTC).date()
    since = date.fromisoformat(context["since"]) if context else today - timedelta(days=1)
    asked = _CONTEXT.sub("", text).strip()
    recipe = _RECIPE.search(asked)
    return Exchange(
        text=_RECIPE.sub("", asked).strip(),
        today=today,
        since=since,
        readings=tuple(_readings(question.turns[start:])),
        recipe=recipe["name"] if recipe else "",
        facts=_facts(question.turns[start:]),
    )


def _facts(turns: tuple[Turn, ...]) -> dict[str, Any] | None:
    """Return the facts that a text beside tool results gives; such a line inside a result is somebody's text."""
    texts = [block["text"] for turn in turns if turn.role == "user" for block in turn.blocks if block["type"] == "text"]
    found = next((match for text in reversed(texts) if (match := _FACTS.fullmatch(text))), None)
    try:
        facts = json.loads(found[1]) if found else None
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def _last_text(turns: tuple[Turn, ...]) -> tuple[int, str]:
    for position in range(len(turns) - 1, -1, -1):
        texts = [block["text"] for block in turns[position].blocks if block["type"] == "text"]
        if any(block["type"] == "tool_result" for block in turns[position].blocks):
            # Beside tool results a text is a note on them, unless it has a question's line of context.
            texts = [text for text in texts if _CONTEXT.search(text)]
        if turns[position].role == "user" and texts:
            return position, texts[-1]
    return 0, ""


def _readings(turns: tuple[Turn, ...]) -> Iterator[Reading]:
    called: dict[str, str] = {}
    for turn in turns:
        for block in turn.blocks:
            if block["type"] == "tool_use":
                called[block["id"]] = block["name"]
            elif block["type"] == "tool_result" and block["tool_use_id"] in called:
                yield _reading(called[block["tool_use_id"]], block=block)


def _reading(tool: str, *, block: dict[str, Any]) -> Reading:
    content = block.get("content", "")
    text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    if not isinstance(body, dict) or not body:
        return Reading(tool, error="The result could not be read.")
    if block.get("is_error"):
        return Reading(tool, error=str(body.get("message", "The tool failed.")))
    return Reading(
        tool,
        items=tuple(item for item in body.get("items", []) if isinstance(item, dict)),
        is_truncated=bool(body.get("truncated")),
        warnings=tuple(map(str, body.get("warnings", []))),
    )
