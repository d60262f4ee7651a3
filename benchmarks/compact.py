"""How much smaller what the model gets is than what the providers send: `./dev compact`.

Bytes of bodies; no time is measured, so the same tree prints the same figures on every machine. README.md says what
each column compares, and which answers are small already since we ask for little.
"""

import json
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "devcontext.settings.test"
django.setup()

# ruff: noqa: E402, what follows needs the settings.
from asgiref.sync import async_to_sync
from django.conf import settings

from agent.api import google_calendar
from agent.api.egress import close_clients
from agent.api.http import authorized
from agent.briefing import facts, recipes
from agent.briefing.types import Read, Reading
from agent.briefing.working_week import WorkingWeek
from agent.calls import Dispatched
from agent.exclusions import NOTHING_EXCLUDED
from agent.tool import ReadContext, ServiceFact, Tool
from agent.toolkit import Credentials, Emit, Opened, Toolkit
from agent.tools import TOOLS
from devcontext.sandbox.store import Store
from devcontext.settings import providers
from tests.agent.api.fixtures import BERLIN, NOW, Calls
from tests.agent.api.upstream import Upstream, told
from tests.contracts.sandbox import issue_token, serving
from tests.contracts.specs import spec

# What a standup may give the model, and how many times smaller that is than the providers' usual answers (goal P9).
MAX_STANDUP_BYTES = 12_000
MIN_RATIO = 15
WEEK = WorkingWeek(time_zone=BERLIN)
# GitHub's default page of a search.
_PAGE = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One tool's reading in bytes: `usual` without our masks and GraphQL, `wire` as received, `compact` as given."""

    name: str
    items: int
    usual: int
    wire: int
    compact: int


@dataclass(frozen=True, slots=True)
class _Case:
    """A recorded or documented answer for each path that a tool asks for."""

    name: str
    tool: str
    arguments: dict[str, Any]
    answers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Opened:
    """Credentials for the sandbox with its `store`, or for recordings; implements `agent.toolkit.Credentials`."""

    calls: Calls
    store: Store | None = None

    @asynccontextmanager
    async def open(self, *, tool: Tool, tool_call: str, emit: Emit, places: tuple[str, ...]) -> AsyncIterator[Opened]:
        """Open the provider."""
        _ = tool_call, emit, places
        token = issue_token(self.store, provider=tool.provider) if self.store else "of a recording"
        with authorized(provider=tool.provider, endpoints=tool.endpoints, token=token, on_call=self.calls) as http:
            yield Opened(http, NOTHING_EXCLUDED)


def main() -> None:
    """Print both tables and whether the goal is met."""
    recorded = async_to_sync(_recordings)()
    standup = async_to_sync(_standup)()
    print("Recorded and documented answers, tests/specs:")
    print("\n".join(_table(recorded)))
    print("\nStandup of the sandbox's invented team on a Monday morning:")
    print("\n".join(_table([*standup, total := _total(standup)])))
    ratio = total.usual / total.compact
    print(f"\n  P9 {total.compact} bytes, goal {MAX_STANDUP_BYTES}: {_verdict(total.compact <= MAX_STANDUP_BYTES)}")
    print(f"  P9 {ratio:.1f} times smaller than usual, goal {MIN_RATIO}: {_verdict(ratio >= MIN_RATIO)}")


async def _recordings() -> list[Line]:
    """Let tools read recorded and documented answers, from a server on loopback."""
    async with Upstream.running() as upstream:
        settings.PROVIDERS = {
            name: replace(known, api_url=upstream.url, is_sandbox=True) for name, known in settings.PROVIDERS.items()
        }
        lines = [await _play(upstream, case) for case in _cases()]
        await close_clients()
    return lines


def _cases() -> Iterator[_Case]:
    (recorded,) = spec("github/octokit-fixtures-trimmed.json")["search-issues"]
    found = recorded["response"]
    page = {**found, "items": (found["items"] * _PAGE)[:_PAGE], "total_count": _PAGE}
    tool = "github_my_pull_requests"
    yield _Case("GET /search/issues, as recorded", tool, {}, {"/search/issues": found})
    yield _Case("GET /search/issues, the same items on a page of 30", tool, {"limit": 30}, {"/search/issues": page})
    # The messages in Slack's examples are years old, and tools read a month: only a list of channels has no time.
    examples = {method: spec("slack/methods.json")[method]["examples"][0] for method in _CHANNELS}
    # One page of it, or the tool would read the same one again and again.
    examples["users.conversations"] = {**examples["users.conversations"], "response_metadata": {"next_cursor": ""}}
    answers = {f"/{method}": example for method, example in examples.items()}
    yield _Case("users.conversations, documented example", "slack_channels", {}, answers)


_CHANNELS = ("auth.test", "users.conversations")


async def _play(upstream: Upstream, case: _Case) -> Line:
    # A server without GraphQL is asked by REST, which is what was recorded.
    upstream.tell("/graphql", told({}, status=404))
    for path, answer in case.answers.items():
        upstream.tell(path, told(_written(answer)))
    calls = Calls()
    ended = await _dispatch(_Opened(calls), tool=case.tool, arguments=case.arguments)
    wire = sum(call.size_bytes for call in calls.seen if not call.error)
    return Line(case.name, ended.items, usual=wire, wire=wire, compact=len(ended.content.encode()))


async def _standup() -> list[Line]:
    """Make the reads of the recipe, from the sandbox, and add the facts that the model gets beside them."""
    recipe = recipes.RECIPES["standup"]
    window = recipes.open_window(recipe, now=NOW, week=WEEK)
    with serving() as (url, store):
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=False)
        lines, readings = zip(*[await _read(read, store=store) for read in recipe.plan(window)], strict=True)
        await close_clients()
    written = facts.write(facts.gather(readings, window=window, previous=None))
    return [*lines, Line("facts", 0, usual=0, wire=0, compact=len(written.encode()))]


async def _read(read: Read, *, store: Store) -> tuple[Line, Reading]:
    calls = Calls()
    ended = await _dispatch(_Opened(calls, store), tool=read.tool, arguments=dict(read.arguments))
    if ended.reading is None:
        raise RuntimeError(read.tool)
    wire = sum(call.size_bytes for call in calls.seen)
    usual = await _usual(read, calls=calls, items=json.loads(ended.content)["items"], store=store)
    return Line(read.tool, ended.items, usual=usual, wire=wire, compact=len(ended.content.encode())), ended.reading


async def _dispatch(credentials: Credentials, *, tool: str, arguments: dict[str, Any]) -> Dispatched:
    """Run one tool call as a run does.

    Raises:
        RuntimeError: It ended with an error, which would count as very compact.
    """

    async def refuse(name: str, reason: str, _: str) -> None:
        raise RuntimeError(f"{name}: {reason}")

    async def list_services() -> tuple[ServiceFact, ...]:
        return ()

    context = ReadContext(
        now=NOW,
        week=WEEK,
        report_progress=lambda _done, _total: None,
        list_services=list_services,
    )
    toolkit = Toolkit(tools=TOOLS, credentials=credentials, context=context, on_refused=refuse)
    ended = await toolkit.dispatch(call_id="toolu_1", name=tool, arguments=arguments, emit=lambda _: None)
    if ended.is_error:
        raise RuntimeError(ended.content)
    return ended


async def _usual(read: Read, *, calls: Calls, items: list[dict[str, Any]], store: Store) -> int:
    """Return the bytes of the same reading without GraphQL and masks.

    GitHub's are counted from its documented examples of the REST answers that the same items take, Google's are read.
    """
    tool = read.tool
    if tool.startswith("calendar_"):
        return await _whole_events(store, start=read.arguments["start"])
    if tool == "github_activity":
        searched = sum(call.size_bytes for call in calls.seen if call.path.endswith("/search/commits"))
        return searched + sum(_rest_of(item) for item in items)
    if tool == "github_mentions":
        # And its comments, of which no example is at hand.
        return sum(map(_example, _FOUND)) * len(items)
    if tool == "github_failing_checks":
        return len(items) * sum(map(_example, (*_FOUND, "pull-request", *_CHECKS)))
    if tool.startswith("github_"):
        return len(items) * sum(map(_example, ("pull-request", *_FOUND, *_REVIEWS, *_CHECKS)))
    # Slack's methods take no mask: what comes is what everybody gets.
    return sum(call.size_bytes for call in calls.seen)


_FOUND = ("issue-search-result-item-paginated",)
_REVIEWS = ("pull-request-review-items",)
_CHECKS = ("check-run-paginated", "combined-commit-status")


def _rest_of(item: dict[str, Any]) -> int:
    """Return what REST sends for one thing that the user did; commits without a pull request are counted already."""
    if "number" not in item:
        return 0
    more = _REVIEWS if item["kind"] == "reviewed" else ("commit-items",) * item.get("count", 0)
    return sum(map(_example, (*_FOUND, *more)))


def _example(name: str) -> int:
    """Return the bytes of one of GitHub's documented example answers, without spaces."""
    return len(_written(spec("github/openapi-examples.json")[name]))


def _written(body: Any) -> bytes:
    """Return JSON as providers send it, without spaces."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


async def _whole_events(store: Store, *, start: str) -> int:
    """Return the bytes of the events from the date `start` to the end of today, without a mask of fields."""
    first = datetime.combine(date.fromisoformat(start), time.min, tzinfo=BERLIN)
    end = datetime.combine(NOW.date() + timedelta(days=1), time.min, tzinfo=BERLIN)
    window = {"timeMin": first.isoformat(), "timeMax": end.isoformat(), "singleEvents": "true"}
    token = issue_token(store, provider="google-calendar")
    endpoints = (google_calendar.LIST_EVENTS,)
    with authorized(provider="google-calendar", endpoints=endpoints, token=token, on_call=Calls()) as http:
        await http.get(google_calendar.LIST_EVENTS.path, params=window, path_values={"calendar": "primary"})
        return http.received_bytes


def _total(lines: Iterable[Line]) -> Line:
    sums = zip(*((line.items, line.usual, line.wire, line.compact) for line in lines), strict=True)
    return Line("all of them", *map(sum, sums))


def _table(lines: Iterable[Line]) -> Iterator[str]:
    yield f"  {'':52} items    usual     wire  compact  usual/compact  wire/compact"
    for line in lines:
        ratios = f"{line.usual / line.compact:13.1f} {line.wire / line.compact:13.1f}"
        yield f"  {line.name:52} {line.items:5} {line.usual:8} {line.wire:8} {line.compact:8}  {ratios}"


def _verdict(is_met: bool) -> str:  # noqa: FBT001, a yes or no is what it words
    return "met" if is_met else "MISSED"


if __name__ == "__main__":
    main()
