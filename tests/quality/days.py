"""Labelled days: what the tools of one invented morning return, and what a briefing has to say about it.

A day is a JSON file in `days/`. `results` names, by tool, the items that it returns; a tool that is not named finds
nothing. Items have a `key`, by which `labels` speak of them; what an item of its kind usually says is filled in here.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.briefing import facts, recipes
from agent.briefing.facts.types import Facts, FactSet, Rule, Seen, Window
from agent.briefing.types import Reading
from agent.briefing.working_week import WorkingWeek
from agent.budget import Budget
from agent.calls import Emit, Waiting
from agent.errors import ToolFailedError
from agent.events import TextDelta
from agent.exclusions import NOTHING_EXCLUDED
from agent.loop import run_loop
from agent.model import Model
from agent.prompts import system_prompt, user_message
from agent.tool import Item, ReadContext, Tool, ToolResult
from agent.toolkit import Opened, Toolkit, evidence_id
from agent.tools import TOOLS

FOLDER = Path(__file__).with_name("days")
BUDGET = Budget(max_steps=5, max_tool_calls=24, max_seconds=120, max_output_tokens=16_000)

_PULL_REQUEST = {"repo": "tidewater/harbor-api", "draft": False, "additions": 40, "deletions": 12, "files": 3}
_MESSAGE = {"channel": "#engineering", "author": "Priya"}
_USUAL: Mapping[str, dict[str, Any]] = {
    "github_activity": {"repo": "tidewater/harbor-api"},
    "github_my_pull_requests": _PULL_REQUEST | {"ci": "passing", "idle_days": 0, "next_step": "wait_for_review"},
    "github_review_requests": _PULL_REQUEST | {"ci": "passing", "author": "jonas", "my_request": "user"},
    "github_failing_checks": {"kind": "failing_check", "repo": "tidewater/harbor-api", "conclusion": "failure"},
    "github_mentions": {"kind": "issue", "repo": "tidewater/harbor-api", "author": "noor"},
    "github_assigned_issues": {"repo": "tidewater/harbor-api"},
    "calendar_agenda": {"kind": "meeting", "my_response": "accepted", "attendees": 4, "all_day": False},
    "slack_mentions": _MESSAGE | {"answered": False},
    "slack_search": _MESSAGE,
}


@dataclass(frozen=True)
class Day:
    """One labelled day."""

    name: str
    data: Mapping[str, Any]

    @property
    def labels(self) -> Mapping[str, Any]:
        """What has to be said, by section."""
        labels: Mapping[str, Any] = self.data["labels"]
        return labels

    @cached_property
    def window(self) -> Window:
        """What the briefing is about."""
        zone = ZoneInfo(self.data.get("zone", "Europe/Berlin"))
        week = WorkingWeek(time_zone=zone, **self.data.get("week", {}))
        now = datetime.fromisoformat(self.data["now"]).replace(tzinfo=zone)
        last_at = self.previous.made_at if self.previous else None
        return recipes.open_window(self.recipe, now=now, week=week, last_at=last_at)

    @property
    def recipe(self) -> recipes.Recipe:
        """The recipe that is asked for."""
        return recipes.RECIPES[self.data.get("recipe", "standup")]

    @cached_property
    def previous(self) -> FactSet | None:
        """What the last briefing said, if there was one."""
        last = self.data.get("last")
        if last is None:
            return None
        made_at = datetime.fromisoformat(last["made_at"])
        seen = (
            Seen(self.ids[key], Rule(rule), datetime.fromisoformat(since or last["made_at"]))
            for key, rule, since in last["seen"]
        )
        return FactSet(made_at, tuple(seen))

    @cached_property
    def ids(self) -> dict[str, str]:
        """The evidence id of each key; one that only the last briefing had is of its provider's first tool."""
        gone = {key: "github_my_pull_requests" for key, _, _ in self.data.get("last", {}).get("seen", ())}
        told = {item["key"]: tool for tool in self.data["results"] for item in self.items(tool)}
        return {key: evidence_id(provider=TOOLS[tool].provider, url=_url(key)) for key, tool in (gone | told).items()}

    def items(self, tool: str) -> Sequence[Mapping[str, Any]]:
        """Return what `tool` finds."""
        result = self.data["results"].get(tool, [])
        found: Sequence[Mapping[str, Any]] = result if isinstance(result, list) else result.get("items", [])
        return found

    async def read(self, tool: str) -> ToolResult:
        """Return what `tool` returns on this day.

        Raises:
            ToolFailedError: The day says that it does not.
        """
        result = self.data["results"].get(tool, [])
        more = {} if isinstance(result, list) else result
        if more.get("error"):
            raise ToolFailedError(more["error"], more["message"])
        items = (_item(one, usual=_USUAL.get(tool, {})) for one in self.items(tool))
        return ToolResult(tuple(items), more.get("truncated", False), tuple(more.get("warnings", ())))


@dataclass(frozen=True)
class Briefed:
    """What came of a day: its readings, their facts and the answer's Markdown."""

    readings: Sequence[Reading]
    facts: Facts
    text: str


def load_days() -> list[Day]:
    """Return all days, by name."""
    return [Day(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.json"))]


async def brief(day: Day, *, model: Model) -> Briefed:
    """Run the loop on a day as a run does, with the real recipe, prompts and results, and canned tools."""
    gathered: list[tuple[Sequence[Reading], Facts]] = []

    def after_reads(readings: Sequence[Reading]) -> str:
        gathered.append((readings, facts.gather(readings, window=day.window, previous=day.previous)))
        return facts.write(gathered[-1][1])

    question = user_message(
        day.recipe.question, now=day.window.end, week=day.window.week, user_name="Maya", recipe=day.recipe
    )
    events = run_loop(
        model=model,
        system=system_prompt(),
        messages=[{"role": "user", "content": question}],
        toolkit=_toolkit(day),
        budget=BUDGET,
        first_reads=day.recipe.plan(day.window),
        after_reads=after_reads,
    )
    text = "".join([event.text async for event in events if isinstance(event, TextDelta)])
    return Briefed(*gathered[0], text)


class _Opened:
    """Credentials that open every service: what a day refuses, its tools refuse themselves."""

    @asynccontextmanager
    async def open(
        self, *, tool: Tool, tool_call: str, emit: Emit, places: tuple[str, ...], waiting: Waiting
    ) -> AsyncIterator[Any]:
        yield Opened(_NoHTTP(), NOTHING_EXCLUDED)


class _NoHTTP:
    received_bytes = 0
    read_until = 0.0


def _toolkit(day: Day) -> Toolkit:
    async def on_refused(name: str, reason: str, tool_call: str) -> None: ...

    async def list_services() -> tuple[()]:
        return ()

    context = ReadContext(
        now=day.window.end,
        week=day.window.week,
        report_progress=lambda _done, _total: None,
        list_services=list_services,
    )
    tools = {name: _canned(tool, day=day) for name, tool in TOOLS.items()}
    return Toolkit(tools=tools, credentials=_Opened(), context=context, on_refused=on_refused)


def _canned(tool: Tool, *, day: Day) -> Tool:
    async def run(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        return await day.read(tool.name)

    return replace(tool, run=run)


def _item(one: Mapping[str, Any], *, usual: Mapping[str, Any]) -> Item:
    fields = {**usual, **one}
    return Item(title=fields.pop("title"), url=_url(fields.pop("key")), fields=fields)


def _url(key: str) -> str:
    return f"https://example.org/{key}"
