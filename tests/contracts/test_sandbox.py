"""The sandbox answers as the real providers document, and our tools read it over HTTP from end to end."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import jsonschema
import pytest
from pytest_django import Settings

from agent.api.egress import close_clients
from agent.api.github import DOCUMENTS
from agent.api.google_calendar import BUSY_FIELDS, EVENT_FIELDS, FIELDS, SERIES_FIELDS
from agent.api.http import authorized
from agent.errors import ToolFailedError
from agent.tool import Item, ReadContext, ToolResult
from agent.tools import TOOLS
from devcontext.sandbox.store import Store
from devcontext.settings import providers
from tests.agent.api.fixtures import Calls
from tests.contracts.sandbox import SCOPES, granted, issue_token, serving
from tests.contracts.specs import as_json_schema, key_paths, spec

ARGUMENTS: dict[str, dict[str, Any]] = {
    "slack_channel_messages": {"channel": "#engineering"},
    "calendar_event": {"event_id": "standup_20261123"},
    "github_pull_request": {"owner": "tidewater", "repo": "ledger", "number": 88},
    "slack_search": {"query": "ledger"},
    # The thread of the incident: its first message, by its number in the last digits.
    "slack_thread": {"channel": "incidents", "ts": "1794906720.000201"},
}
READING = [name for name, tool in TOOLS.items() if tool.provider]
SLACK_CALLS = {
    "auth.test": {},
    "users.conversations": {"types": "public_channel", "limit": "200"},
    "conversations.history": {"channel": "C07TDENG001", "limit": "50"},
    "conversations.info": {"channel": "C07TDENG001"},
    "conversations.replies": {"channel": "C07TDINC002", "ts": "1794906720.000201"},
    "users.info": {"user": "U0NOBODY"},
    "search.messages": {"query": "maya"},
}


class Sandbox:
    """The running sandbox and what a test asks of it."""

    def __init__(self, *, url: str, store: Store, calls: Calls) -> None:
        self.url = url
        self.store = store
        self.calls = calls

    async def run(self, tool: str, *, context: ReadContext, scope: str | None = None, **arguments: Any) -> ToolResult:
        """Run a tool as its user, by default with the scopes that users grant by default and those it asks for."""
        chosen = TOOLS[tool]
        accepted = chosen.arguments(**(ARGUMENTS.get(tool, {}) | arguments))
        asked = granted(chosen.asking(accepted))
        token = issue_token(self.store, provider=chosen.provider, scope=asked if scope is None else scope)
        with authorized(provider=chosen.provider, endpoints=chosen.endpoints, token=token, on_call=self.calls) as http:
            return await chosen.run(accepted, http, context)

    async def ask(self, provider: str, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request of our own making, with a good token."""
        headers = {"authorization": f"Bearer {issue_token(self.store, provider=provider)}"}
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.request(method, f"{self.url}{path}", headers=headers, **request)

    async def fail(self, provider: str, case: str, **bounds: int) -> None:
        """Let the next answers of a provider fail."""
        async with httpx.AsyncClient(trust_env=False) as client:
            asked = await client.post(f"{self.url}/faults", json={"provider": provider, "case": case, **bounds})
        assert asked.is_success


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Store]]:
    """One sandbox for this module."""
    with serving() as running:
        yield running


@pytest.fixture
async def sandbox(served: tuple[str, Store], calls: Calls, settings: Settings) -> AsyncIterator[Sandbox]:
    """The sandbox in the place of all three providers, as a fresh clone configures it."""
    url, store = served
    settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=False)
    yield Sandbox(url=url, store=store, calls=calls)
    await close_clients()


@pytest.mark.parametrize("tool", READING)
async def test_each_tool_reads_the_sandbox(sandbox: Sandbox, read_context: ReadContext, tool: str) -> None:
    result = await sandbox.run(tool, context=read_context)
    assert result.items
    assert all(item.title and item.url.startswith(f"{sandbox.url}/") for item in result.items)
    assert [call.error for call in sandbox.calls.seen if call.error] == []
    assert len({item.url for item in result.items}) == len(result.items)
    assert json.dumps([dict(item.fields) for item in result.items])


@pytest.mark.parametrize("tool", READING)
async def test_what_can_be_cited_leads_somewhere(sandbox: Sandbox, read_context: ReadContext, tool: str) -> None:
    result = await sandbox.run(tool, context=read_context)
    async with httpx.AsyncClient(trust_env=False) as browser:
        for item in result.items:
            assert (await browser.get(item.url)).status_code == 200, item.url


def _by_title(result: ToolResult, start: str) -> Item:
    (found,) = [item for item in result.items if item.title.startswith(start)]
    return found


async def test_a_commit_without_a_pull_request_is_told_by_its_headline(
    sandbox: Sandbox, read_context: ReadContext
) -> None:
    found = _by_title(await sandbox.run("github_activity", context=read_context), "1 commit in tidewater/infra")
    assert found.fields["headlines"] == ["Add Maya to the billing on-call rota"]


async def test_one_pull_request_tells_what_holds_it_up(sandbox: Sandbox, read_context: ReadContext) -> None:
    result = await sandbox.run("github_pull_request", context=read_context)
    assert [item.fields["kind"] for item in result.items] == ["pull_request", "failing_check"]
    assert result.items[1].fields["summary"] == "test_backfill_is_resumable: row count 4180, expected 4182"


async def test_a_github_mention_has_its_words(sandbox: Sandbox, read_context: ReadContext) -> None:
    mention = _by_title(await sandbox.run("github_mentions", context=read_context), "#84 ")
    assert (mention.fields["kind"], mention.fields["author"]) == ("issue", "priya-nair")
    assert "must not be merged" in mention.fields["excerpt"]


SEARCHES = [
    ("commits", {"q": "author:@me author-date:>=2026-11-01 merge:false", "sort": "author-date", "per_page": "5"}),
    ("issues", {"q": "is:pr author:@me", "sort": "updated", "order": "asc"}),
    ("issues", {"q": "is:issue mentions:@me", "page": "1"}),
]


@pytest.mark.parametrize(("name", "params"), SEARCHES)
async def test_the_sandboxs_searches_fit_githubs_schema(sandbox: Sandbox, name: str, params: dict[str, str]) -> None:
    described = spec("github/openapi-search.json")
    operation = described["paths"][f"/search/{name}"]["get"]
    answer = await sandbox.ask("github", "GET", f"/github/api/search/{name}", params=params)
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer.json()["items"]
    jsonschema.validate(answer.json(), as_json_schema(schema | {"components": described["components"]}))


async def test_the_three_services_tell_one_story(sandbox: Sandbox, read_context: ReadContext) -> None:
    mine = _by_title(await sandbox.run("github_my_pull_requests", context=read_context), "#88 ")
    assert (mine.fields["ci"], mine.fields["waiting_on"], mine.fields["next_step"]) == ("failing", "me", "fix_checks")
    review = _by_title(await sandbox.run("github_review_requests", context=read_context), "#57 ")
    assert (review.fields["my_request"], review.fields["author"]) == ("user", "priya-nair")
    agenda = await sandbox.run("calendar_agenda", context=read_context)
    clash = _by_title(agenda, "Interview debrief")
    assert clash.fields["conflicts_with"] == ["Design review: invoice retry states"]
    mentions = await sandbox.run("slack_mentions", context=read_context)
    assert any("infra#57" in item.fields["text"] for item in mentions.items)


async def test_a_mention_in_a_private_channel_stays_there(sandbox: Sandbox, read_context: ReadContext) -> None:
    result = await sandbox.run("slack_mentions", context=read_context)
    assert result.warnings == ("1 mention is in private channels or direct messages, which DevContext leaves out.",)


@pytest.mark.parametrize(
    ("tool", "scope"),
    [
        ("calendar_agenda", "openid"),
        ("calendar_free_slots", "openid"),
        ("calendar_event", "openid"),
        ("slack_mentions", "users:read"),
        ("slack_channel_messages", "users:read"),
        ("slack_channels", "users:read"),
        ("slack_thread", "channels:read,users:read"),
        ("slack_search", "channels:read,channels:history,users:read"),
        ("slack_direct_messages", "channels:read,channels:history,users:read,search:read"),
        ("slack_direct_messages", "im:read,mpim:read,users:read"),
    ],
)
async def test_a_scope_that_was_not_granted_is_missing(
    sandbox: Sandbox, read_context: ReadContext, tool: str, scope: str
) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await sandbox.run(tool, context=read_context, scope=scope)
    assert caught.value.code == "missing_scope"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("slack_channels", {"kind": "private"}),
        ("slack_channels", {"kind": "direct"}),
        ("slack_channel_messages", {"channel": "billing-war-room", "kind": "private"}),
        ("slack_thread", {"channel": "billing-war-room", "kind": "private"}),
    ],
)
async def test_what_is_not_public_is_missing_without_its_own_group(
    sandbox: Sandbox, read_context: ReadContext, tool: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await sandbox.run(tool, context=read_context, scope=SCOPES["slack"], **arguments)
    assert caught.value.code == "missing_scope"


async def test_a_private_channel_is_read_with_its_group(sandbox: Sandbox, read_context: ReadContext) -> None:
    asked = {"channel": "billing-war-room", "kind": "private"}
    (item,) = (await sandbox.run("slack_channel_messages", context=read_context, **asked)).items
    assert "go/no-go" in item.fields["text"]
    (listed,) = (await sandbox.run("slack_channels", context=read_context, kind="private")).items
    assert listed.title == "#billing-war-room"


async def test_mentions_are_found_without_search(sandbox: Sandbox, read_context: ReadContext) -> None:
    scope = (TOOLS["slack_mentions"].fallback_scope).replace(" ", ",")
    searched = await sandbox.run("slack_mentions", context=read_context)
    scanned = await sandbox.run("slack_mentions", context=read_context, scope=scope)
    assert {item.url for item in scanned.items} < {item.url for item in searched.items}
    assert scanned.warnings == (
        "Searching Slack was not granted, so 4 of 4 public channels were looked through, without replies in threads.",
    )


async def test_the_unread_is_what_came_after_the_user_looked(sandbox: Sandbox, read_context: ReadContext) -> None:
    result = await sandbox.run("slack_channel_messages", context=read_context, unread=True)
    texts = [item.fields["text"] for item in result.items]
    assert any(text.startswith("Decision:") for text in texts)
    assert not any(text.startswith("Merged ledger#86") for text in texts)


async def test_a_reply_leads_to_its_whole_thread(sandbox: Sandbox, read_context: ReadContext) -> None:
    whole = await sandbox.run("slack_thread", context=read_context)
    last = whole.items[-1].fields["ts"]
    assert (await sandbox.run("slack_thread", context=read_context, ts=last)).items == whole.items


@pytest.mark.parametrize("tool", READING)
async def test_the_scope_a_tool_asks_for_is_enough(sandbox: Sandbox, read_context: ReadContext, tool: str) -> None:
    scope = TOOLS[tool].scope.replace(" ", ",") if TOOLS[tool].provider == "slack" else TOOLS[tool].scope
    assert (await sandbox.run(tool, context=read_context, scope=scope)).items


@pytest.mark.parametrize("tool", ["github_activity", "calendar_agenda", "slack_mentions"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("rate_limited", "rate_limited"),
        ("unauthorized", "reconnect_required"),
        ("forbidden", "missing_scope"),
        ("unavailable", "upstream_unavailable"),
    ],
)
async def test_each_failure_of_the_sandbox_becomes_its_code(
    sandbox: Sandbox, read_context: ReadContext, tool: str, fault: str, code: str
) -> None:
    await sandbox.fail(TOOLS[tool].provider, fault, seconds=30)
    with pytest.raises(ToolFailedError) as caught:
        await sandbox.run(tool, context=read_context)
    await sandbox.fail(TOOLS[tool].provider, fault, times=0)
    assert caught.value.code == code
    assert [call.error for call in sandbox.calls.seen if call.error] == [code]


@pytest.mark.parametrize("provider", SCOPES)
async def test_a_token_the_provider_does_not_know_needs_a_reconnect(
    sandbox: Sandbox, read_context: ReadContext, calls: Calls, provider: str
) -> None:
    tool = next(tool for tool in TOOLS.values() if tool.provider == provider)
    with (
        authorized(provider=provider, endpoints=tool.endpoints, token="made-up", on_call=calls) as http,
        pytest.raises(ToolFailedError) as caught,
    ):
        await tool.run(tool.arguments(), http, read_context)
    assert caught.value.code == "reconnect_required"


async def test_the_sandboxs_events_fit_googles_schema(sandbox: Sandbox) -> None:
    params = {
        "timeMin": "2026-11-20T00:00:00Z",
        "timeMax": "2026-11-30T00:00:00Z",
        "singleEvents": "true",
        "orderBy": "startTime",
    }
    schema = spec("google/calendar-v3.jsonschema.json") | {"$ref": "#/$defs/Events"}
    for extra in ({}, {"fields": FIELDS}, {"fields": BUSY_FIELDS, "maxAttendees": "1"}, {"maxResults": "2"}):
        answer = await sandbox.ask(
            "google-calendar", "GET", "/google/calendar/v3/calendars/primary/events", params=params | extra
        )
        assert answer.json()["items"]
        jsonschema.validate(answer.json(), schema)


@pytest.mark.parametrize("event", ["standup_20261123", "standup", "home", "releaseweek"])
async def test_the_sandboxs_event_fits_googles_schema(sandbox: Sandbox, event: str) -> None:
    schema = spec("google/calendar-v3.jsonschema.json") | {"$ref": "#/$defs/Event"}
    for extra in ({}, {"fields": EVENT_FIELDS}, {"fields": SERIES_FIELDS}, {"maxAttendees": "1", "timeZone": "UTC"}):
        path = f"/google/calendar/v3/calendars/primary/events/{event}"
        answer = await sandbox.ask("google-calendar", "GET", path, params=extra)
        assert answer.status_code == 200
        jsonschema.validate(answer.json(), schema)


async def test_free_time_lies_around_the_agenda(sandbox: Sandbox, read_context: ReadContext) -> None:
    """The team is an hour behind Berlin; the declined demo, the release week and the working location take no time."""
    result = await sandbox.run("calendar_free_slots", context=read_context)
    assert [item.title.removeprefix("Free Mon ") for item in result.items] == [
        "09:12-10:30",
        "11:30-12:00",
        "13:00-13:30",
        "15:30-17:00",
    ]


async def test_an_event_of_a_series_tells_how_it_repeats(sandbox: Sandbox, read_context: ReadContext) -> None:
    (item,) = (await sandbox.run("calendar_event", context=read_context)).items
    assert item.fields["repeats"] == ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"]
    assert item.fields["description"] == "Yesterday, today, blockers. Two minutes each."
    assert {"name": "Tomás Reyes", "response": "accepted"} in item.fields["attendees"]


def _legal_keys(method: str) -> set[str]:
    logs, methods = spec("slack/java-sdk-json-logs.trimmed.json"), spec("slack/methods.json")
    logged = logs.get(method, logs.get(f"{method} (blocks/attachments/files cut)", {}))
    return key_paths([logged, *methods[method]["examples"]])


@pytest.mark.parametrize("method", SLACK_CALLS)
async def test_the_sandbox_invents_no_field_of_slack(sandbox: Sandbox, method: str) -> None:
    arguments = dict(SLACK_CALLS[method])
    if method == "users.info":
        me = (await sandbox.ask("slack", "POST", "/slack/api/auth.test")).json()["user_id"]
        arguments["user"] = me
    answer = (await sandbox.ask("slack", "POST", f"/slack/api/{method}", data=arguments)).json()
    assert answer["ok"] is True
    # The logs cut reactions down to the word "list"; their two keys are documented at conversations.history.
    reactions = {"messages.reactions.name", "messages.reactions.count"}
    # What a thread holds are messages as conversations.history tells them; its own example is a short one.
    messages = _legal_keys("conversations.history") if method == "conversations.replies" else set()
    assert key_paths(answer) - reactions <= _legal_keys(method) | messages


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("conversations.history", {"channel": "C0NOBODY"}),
        ("conversations.info", {"channel": "C0NOBODY"}),
        ("conversations.replies", {"channel": "C07TDENG001", "ts": "1.000001"}),
        ("users.info", {"user": "U0NOBODY"}),
        ("search.messages", {"query": ""}),
        ("users.conversations", {"types": "carrier_pigeon"}),
        ("users.conversations", {"cursor": "?"}),
    ],
)
async def test_the_sandbox_refuses_with_slacks_own_codes(
    sandbox: Sandbox, method: str, arguments: dict[str, str]
) -> None:
    answer = (await sandbox.ask("slack", "POST", f"/slack/api/{method}", data=arguments)).json()
    assert answer["ok"] is False
    assert answer["error"] in spec("slack/methods.json")[method]["errors"]


@pytest.mark.parametrize("name", spec("github/graphql-pruned.json")["queries"])
async def test_the_sandbox_executes_the_specs_documents(sandbox: Sandbox, name: str) -> None:
    values = {
        "from": "2026-11-20T00:00:00Z",
        "to": "2026-11-23T08:00:00Z",
        "authored": "is:pr author:@me",
        "q": "is:pr author:@me",
        "n": 10,
        "c": 5,
        "o": "tidewater",
        "r": "ledger",
    }
    document = spec("github/graphql-pruned.json")["queries"][name]
    variables = values | ({"n": 88} if name == "pr" else {})
    answer = await sandbox.ask(
        "github", "POST", "/github/api/graphql", json={"query": document, "variables": variables}
    )
    assert answer.json().get("errors") is None
    assert answer.json()["data"]


async def test_the_sandbox_refuses_a_document_that_is_not_githubs(sandbox: Sandbox) -> None:
    broken = DOCUMENTS["commits"].replace("messageHeadline", "messageHeadlines")
    answer = await sandbox.ask("github", "POST", "/github/api/graphql", json={"query": broken, "variables": {}})
    assert answer.json()["errors"]
    assert "data" not in answer.json()
