"""What our clients send is what the providers document: each request of each tool against the provider's own spec."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values

from agent.api import slack
from agent.api.github import DOCUMENTS
from agent.toolkit import ReadContext
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Received, Upstream, told
from tests.contracts.specs import spec

# A window and limits other than the defaults, so that every parameter is really sent.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "github_activity": {"since": "2026-11-18T10:00", "until": "2026-11-20"},
    "github_review_requests": {"limit": 50, "include_team": False},
    "github_my_pull_requests": {"state": "merged", "limit": 1},
    "calendar_agenda": {"start": "2026-11-23", "end": "2026-11-27"},
    "calendar_free_slots": {"start": "2026-11-24", "end": "2026-11-27", "work_days": ["mon"]},
    "calendar_event": {"event_id": "standup_20261123T083000Z"},
    "slack_mentions": {"since": "2026-11-20"},
    "slack_channel_messages": {"channel": "#general", "since": "2026-11-20", "limit": 7},
}
READING = [name for name, tool in TOOLS.items() if tool.provider]
CALENDAR = [name for name in READING if TOOLS[name].provider == "google-calendar"]
EVENT = {
    "id": "standup_20261123T083000Z",
    "htmlLink": "https://www.google.com/calendar/event?eid=x",
    "start": {"dateTime": "2026-11-23T09:30:00+01:00"},
    "end": {"dateTime": "2026-11-23T09:45:00+01:00"},
    "recurringEventId": "standup",
}
# Tools that need an argument refuse the call without any.
_NEEDS = {"slack_channel_messages", "calendar_event"}


def _example(method: str) -> Any:
    return next(example for example in spec("slack/methods.json")[method]["examples"] if example["ok"])


def _answer_all(upstream: Upstream) -> None:
    """Answer with the smallest legal answers of GitHub and Google, and with Slack's documented examples."""
    contributions = {
        "restrictedContributionsCount": 0,
        "commitContributionsByRepository": [],
        "pullRequestReviewContributions": {"nodes": []},
        "issueContributions": {"nodes": []},
    }
    viewer = {"login": "alice", "contributionsCollection": contributions}
    upstream.tell("/api/graphql", told({"data": {"viewer": viewer, "search": {"issueCount": 0, "nodes": []}}}))
    # A second page, so that the token of a page is sent too.
    upstream.tell("/api/calendars/primary/events", told({"items": [], "nextPageToken": "two"}), told({"items": []}))
    upstream.tell("/api/calendars/primary/events/standup_20261123T083000Z", told(EVENT))
    upstream.tell("/api/calendars/primary/events/standup", told({"recurrence": ["RRULE:FREQ=DAILY"]}))
    for method in ("auth.test", "search.messages", "conversations.history", "users.info"):
        upstream.tell(f"/api/{method}", told(_example(method)))
    first = _example("users.conversations")
    second = {**first, "response_metadata": {"next_cursor": ""}}
    # The channel asked for is on the second page, so the cursor is sent too.
    upstream.tell("/api/users.conversations", told({**first, "channels": []}), told(second))


async def _requests_of(tool: str, *, upstream: Upstream, open_http: Open, context: ReadContext) -> list[Received]:
    _answer_all(upstream)
    for arguments in ({}, ARGUMENTS[tool]):
        try:
            accepted = TOOLS[tool].arguments.model_validate(arguments)
        except ValueError:
            assert tool in _NEEDS
            assert arguments == {}
            continue
        with open_http(TOOLS[tool].provider) as http:
            await TOOLS[tool].run(accepted, http, context)
    return upstream.received


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """GitHub's public schema, pruned to what documents like ours use."""
    return build_schema(spec("github/graphql-pruned.json")["sdl"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_stored_document_is_valid_against_githubs_schema(schema: GraphQLSchema, name: str) -> None:
    document = parse(DOCUMENTS[name])
    assert validate(schema, document) == []
    (operation,) = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    assert operation.name is not None
    assert operation.name.value == name


@pytest.mark.parametrize("tool", [name for name in READING if TOOLS[name].provider == "github"])
async def test_a_github_tool_sends_stored_documents_with_typed_variables(
    schema: GraphQLSchema, tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    requests = await _requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
    assert requests
    for request in requests:
        assert (request.method, request.path) == ("POST", "/api/graphql")
        assert set(request.json) == {"query", "variables"}
        assert request.json["query"] in DOCUMENTS.values()
        (operation,) = [n for n in parse(request.json["query"]).definitions if isinstance(n, OperationDefinitionNode)]
        assert set(request.json["variables"]) == {v.variable.name.value for v in operation.variable_definitions}
        coerced = get_variable_values(schema, operation.variable_definitions, request.json["variables"])
        assert not isinstance(coerced, list), coerced


def _search_queries(requests: list[Received]) -> Iterator[str]:
    for request in requests:
        if "q" in request.json["variables"]:
            yield request.json["variables"]["q"]


@pytest.mark.parametrize("tool", [name for name in READING if TOOLS[name].provider == "github"])
async def test_a_github_search_never_mixes_issues_and_pull_requests(
    tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    """A GitHub App's user token is refused (422) otherwise."""
    queries = list(
        _search_queries(await _requests_of(tool, upstream=upstream, open_http=open_http, context=read_context))
    )
    assert queries
    assert all(query.split().count("is:pr") == 1 and "is:issue" not in query for query in queries)


@pytest.mark.parametrize("tool", CALENDAR)
async def test_a_calendar_tool_sends_documented_parameters_only(
    tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    requests = await _requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
    document = spec("google/calendar-v3.discovery.trimmed.json")
    methods = document["resources"]["events"]["methods"]
    assert requests
    for request in requests:
        event = request.path.removeprefix("/api/calendars/primary/events").removeprefix("/")
        method = methods["get" if event else "list"]
        known = document["parameters"] | method["parameters"]
        assert request.method == method["httpMethod"]
        assert request.path == "/api/" + method["path"].format(calendarId="primary", eventId=event)
        for name, values in request.query.items():
            assert known[name]["location"] == "query"
            assert len(values) == 1 or known[name].get("repeated")
            assert all(_fits(value, rule=known[name]) for value in values), name
        assert TOOLS[tool].scope in method["scopes"]


def _fits(value: str, *, rule: dict[str, Any]) -> bool:
    if "enum" in rule:
        return value in rule["enum"]
    if rule["type"] == "boolean":
        return value in {"true", "false"}
    if rule["type"] == "integer":
        return int(value) >= int(rule.get("minimum", 0))
    # RFC 3339 with a mandatory offset.
    return rule.get("format") != "date-time" or datetime.fromisoformat(value).tzinfo is not None


@pytest.mark.parametrize("tool", CALENDAR)
async def test_a_calendar_mask_names_fields_of_an_event(
    tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    requests = await _requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
    definitions = spec("google/calendar-v3.jsonschema.json")["$defs"]
    for request in requests:
        inside = request.query["fields"][0].removeprefix("items(").removesuffix(",nextPageToken").removesuffix(")")
        # `attendees(…)` is the last part of some masks; its bracket is not that of `items`.
        inside += ")" * (inside.count("(") - inside.count(")"))
        parts = {name.partition("(")[0]: name.partition("(")[2].removesuffix(")") for name in _split(inside)}
        assert set(parts) <= set(definitions["Event"]["properties"])
        assert set(filter(None, parts.get("attendees", "").split(","))) <= set(
            definitions["EventAttendee"]["properties"]
        )
        assert "email" not in inside
        assert ("description" in parts) <= (tool == "calendar_event")


def _split(mask: str) -> Iterator[str]:
    """Yield the parts of a mask between commas that are in no parenthesis."""
    depth, part = 0, ""
    for char in mask:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            yield part
            part = ""
        else:
            part += char
    yield part


@pytest.mark.parametrize("tool", [name for name in READING if TOOLS[name].provider == "slack"])
async def test_a_slack_tool_sends_documented_arguments_as_a_form(
    tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    requests = await _requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
    methods = spec("slack/methods.json")
    assert requests
    for request in requests:
        known = methods[request.path.removeprefix("/api/")]["args"]
        assert request.method == "POST"
        assert request.query == {}
        assert set(request.form) <= set(known)
        assert {name for name, rule in known.items() if rule["required"]} <= set(request.form)
        if request.form:
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_every_slack_error_we_tell_apart_is_documented() -> None:
    methods = ("auth.test", "search.messages", "users.conversations", "conversations.history", "users.info")
    documented = set().union(*(spec("slack/methods.json")[method]["errors"] for method in methods))
    assert set(slack._REFUSALS) <= documented


async def test_no_tool_sends_anything_but_reads(upstream: Upstream, open_http: Open, read_context: ReadContext) -> None:
    for tool in READING:
        await _requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
    reads = {"auth.test", "search.messages", "users.conversations", "conversations.history", "users.info"}
    events = "/api/calendars/primary/events"
    allowed = {("GET", events), ("GET", f"{events}/{EVENT['id']}"), ("GET", f"{events}/standup")}
    allowed |= {("POST", "/api/graphql")}
    allowed |= {("POST", f"/api/{method}") for method in reads}
    assert {(request.method, request.path) for request in upstream.received} == allowed
    assert not any("mutation" in document for document in DOCUMENTS.values())
