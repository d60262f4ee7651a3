"""The registry is closed, ordered and read-only, and describes itself to the model."""

from typing import Any, cast

import pytest
from pydantic import ValidationError

from agent.schemas import strict_schema
from agent.tool import Arguments, ReadContext, Tool
from agent.tools import TOOLS


def test_the_tools_stand_in_a_fixed_order() -> None:
    """Thinking signatures bind the list: a new tool goes to the end."""
    assert list(TOOLS) == [
        "github_activity",
        "github_review_requests",
        "github_my_pull_requests",
        "calendar_agenda",
        "slack_mentions",
        "slack_channel_messages",
        "connections",
        "calendar_free_slots",
        "calendar_event",
        "github_commits",
        "github_pull_request",
        "github_failing_checks",
        "github_mentions",
        "github_assigned_issues",
        "github_repositories",
        "github_pull_requests",
        "slack_channels",
        "slack_thread",
        "slack_search",
        "slack_direct_messages",
    ]


def test_nobody_can_add_a_tool() -> None:
    with pytest.raises(TypeError):
        cast("dict[str, Any]", TOOLS)["shell"] = None


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_tool_says_what_it_does_to_model_and_user(tool: Tool) -> None:
    assert tool.label.endswith("…")
    assert "Use it" in tool.description
    assert strict_schema(tool.arguments)["additionalProperties"] is False


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_no_argument_is_an_address(tool: Tool) -> None:
    """The model names no URL, host or path; an id is a plain word that only the user's own list can resolve."""
    known = {"since", "until", "start", "end", "limit", "include_team", "state", "channel"}
    known |= {"min_minutes", "work_hours", "work_days", "event_id", "kind", "unread", "ts", "query"}
    known |= {"owner", "repo", "number"}
    assert set(tool.arguments.model_fields) <= known


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("github_activity", {"url": "https://evil.example"}),
        ("github_activity", {"since": "last week"}),
        ("github_review_requests", {"limit": 0}),
        ("github_review_requests", {"limit": 51}),
        ("github_my_pull_requests", {"state": "open author:bob"}),
        ("github_commits", {"repo": "acme"}),
        ("github_commits", {"repo": "acme/api repo:evil/x"}),
        ("github_commits", {"repo": "acme/api\n"}),
        ("github_failing_checks", {"repo": "../graphql"}),
        ("github_pull_request", {"owner": "acme", "repo": "api"}),
        ("github_pull_request", {"owner": "acme", "repo": "a/b", "number": 1}),
        ("github_pull_request", {"owner": "acme", "repo": "api", "number": 0}),
        ("github_pull_requests", {"state": "open author:bob"}),
        ("github_repositories", {"limit": 51}),
        ("slack_mentions", {"limit": 51}),
        ("slack_channel_messages", {}),
        ("slack_channel_messages", {"channel": "Gen eral"}),
        ("slack_channel_messages", {"channel": "C123/../x"}),
        ("slack_channel_messages", {"channel": "general\n"}),
        ("slack_channel_messages", {"channel": "a" * 81}),
        ("slack_channel_messages", {"channel": "general", "limit": 101}),
        ("slack_channel_messages", {"channel": "general", "kind": "direct"}),
        ("slack_channels", {"kind": "public_channel,im"}),
        ("slack_thread", {"channel": "general"}),
        ("slack_thread", {"channel": "general", "ts": "1795186800"}),
        ("slack_thread", {"channel": "general", "ts": "1795186800.000100\n"}),
        ("slack_search", {"query": ""}),
        ("slack_search", {"query": "a" * 81}),
        ("slack_search", {"query": "a", "channel": "general"}),
        ("slack_direct_messages", {"user": "U2"}),
        ("connections", {"user": "bob"}),
        ("calendar_event", {}),
        ("calendar_event", {"event_id": ""}),
        ("calendar_event", {"event_id": ".."}),
        ("calendar_event", {"event_id": "a/../../b"}),
        ("calendar_event", {"event_id": "a?fields=*"}),
        ("calendar_event", {"event_id": "a\n"}),
        ("calendar_event", {"event_id": "a", "calendar": "bob@example.com"}),
        ("calendar_free_slots", {"min_minutes": 4}),
        ("calendar_free_slots", {"min_minutes": 1441}),
        ("calendar_free_slots", {"work_hours": "9-17"}),
        ("calendar_free_slots", {"work_hours": "17:00-09:00"}),
        ("calendar_free_slots", {"work_hours": "09:00-09:00"}),
        ("calendar_free_slots", {"work_hours": "24:00-24:00"}),
        ("calendar_free_slots", {"work_hours": "09:00-17:00\n"}),
        ("calendar_free_slots", {"work_days": []}),
        ("calendar_free_slots", {"work_days": ["someday"]}),
    ],
)
def test_arguments_outside_their_bounds_are_refused(tool: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TOOLS[tool].arguments.model_validate(arguments)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_the_scopes_that_arguments_may_add_are_told_in_advance(tool: Tool) -> None:
    """The permission page counts these as needed; one that is missing there would be shown as too much."""
    kinds = strict_schema(tool.arguments)["properties"].get("kind", {}).get("enum", [])
    added = [scope for kind in kinds for scope in tool.arguments.model_construct(kind=kind).extra_scope().split()]
    assert set(added) == set(tool.arguments.optional_scope.split())
    assert kinds or tool.arguments.extra_scope is Arguments.extra_scope
    assert set(added) | set(tool.scope.split()) <= tool.scopes


async def test_connections_tells_the_state_of_each_service(read_context: ReadContext) -> None:
    tool = TOOLS["connections"]
    result = await tool.run(tool.arguments(), cast("Any", None), read_context)
    assert [item.title for item in result.items] == [
        "GitHub: connected",
        "Google Calendar: revoked",
        "Slack: not connected",
    ]
    assert result.items[0].fields == {"service": "github", "state": "connected", "account": "alice"}
    assert not tool.provider
    assert not tool.scope
