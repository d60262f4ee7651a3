"""What our clients send is what the providers document: each request of each tool against the provider's own spec."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from agent.api import slack
from agent.api.github import DOCUMENTS
from agent.tool import ReadContext
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Upstream
from tests.contracts.asking import CALENDAR, EVENT, READING, SLACK_READS, requests_of
from tests.contracts.specs import spec


@pytest.mark.parametrize("tool", CALENDAR)
async def test_a_calendar_tool_sends_documented_parameters_only(
    tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    requests = await requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
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
    requests = await requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
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
    requests = await requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
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
    documented = set().union(*(spec("slack/methods.json")[method]["errors"] for method in SLACK_READS))
    assert set(slack._REFUSALS) <= documented


async def test_no_tool_sends_anything_but_reads(upstream: Upstream, open_http: Open, read_context: ReadContext) -> None:
    for tool in READING:
        await requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
    events = "/api/calendars/primary/events"
    allowed = {("GET", events), ("GET", f"{events}/{EVENT['id']}"), ("GET", f"{events}/standup")}
    allowed |= {("POST", "/api/graphql"), ("GET", "/api/search/commits")}
    allowed |= {("POST", f"/api/{method}") for method in SLACK_READS}
    assert {(request.method, request.path) for request in upstream.received} == allowed
    assert not any("mutation" in document for document in DOCUMENTS.values())
