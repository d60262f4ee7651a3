"""Runs each tool against the smallest legal answers of its provider, for the requests that it sends."""

from typing import Any

from agent.tool import ReadContext
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Received, Upstream, told
from tests.agent.tools.github_answers import found_by_rest, opened_page, repositories
from tests.contracts.specs import spec

# A window and limits other than the defaults, so that every parameter is really sent.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "github_activity": {"since": "2026-11-18T10:00", "until": "2026-11-20"},
    "github_review_requests": {"limit": 50, "include_team": False},
    "github_my_pull_requests": {"state": "merged", "limit": 1},
    "github_commits": {"since": "2026-11-18T10:00", "until": "2026-11-20", "repo": "ACME/api"},
    "github_pull_request": {"owner": "acme", "repo": "api", "number": 7},
    "github_failing_checks": {"repo": "acme/api", "limit": 3},
    "github_mentions": {"since": "2026-11-18T10:00"},
    "github_assigned_issues": {"limit": 5},
    "github_repositories": {"limit": 5},
    "github_pull_requests": {"repo": "acme/api", "state": "closed", "limit": 5},
    "calendar_agenda": {"start": "2026-11-23", "end": "2026-11-27"},
    "calendar_free_slots": {"start": "2026-11-24", "end": "2026-11-27", "work_days": ["mon"]},
    "calendar_event": {"event_id": "standup_20261123T083000Z"},
    "slack_mentions": {"since": "2026-11-20"},
    "slack_channel_messages": {"channel": "#general", "since": "2026-11-20", "limit": 7, "unread": True},
    "slack_channels": {"kind": "private"},
    "slack_thread": {"channel": "#general", "ts": "1482960137.003543", "limit": 7},
    "slack_search": {"query": "from:bob retries", "since": "2026-11-20", "kind": "private"},
    "slack_direct_messages": {"since": "2026-11-20"},
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
_NEEDS = {"slack_channel_messages", "slack_thread", "slack_search", "calendar_event", "github_pull_request"}
SLACK_READS = {
    "auth.test",
    "search.messages",
    "users.conversations",
    "conversations.history",
    "conversations.info",
    "conversations.replies",
    "users.info",
}


def _example(method: str) -> Any:
    return next(example for example in spec("slack/methods.json")[method]["examples"] if example["ok"])


def answer_all(upstream: Upstream) -> None:
    """Answer with the smallest legal answers of GitHub and Google, and with Slack's documented examples."""
    contributions = {
        "restrictedContributionsCount": 0,
        "commitContributionsByRepository": [],
        "pullRequestReviewContributions": {"nodes": []},
        "issueContributions": {"nodes": []},
    }
    known = repositories("acme/api")["data"]["viewer"]
    data = {
        "viewer": {**known, "contributionsCollection": contributions},
        "search": {"issueCount": 0, "nodes": []},
        "repository": {"pullRequest": opened_page(7)},
    }
    upstream.tell("/api/graphql", told({"data": data}))
    upstream.tell("/api/search/commits", told(found_by_rest()))
    # A second page, so that the token of a page is sent too.
    upstream.tell("/api/calendars/primary/events", told({"items": [], "nextPageToken": "two"}), told({"items": []}))
    upstream.tell("/api/calendars/primary/events/standup_20261123T083000Z", told(EVENT))
    upstream.tell("/api/calendars/primary/events/standup", told({"recurrence": ["RRULE:FREQ=DAILY"]}))
    for method in SLACK_READS - {"users.conversations"}:
        upstream.tell(f"/api/{method}", told(_example(method)))
    first = _example("users.conversations")
    second = {**first, "response_metadata": {"next_cursor": ""}}
    # The channel asked for is on the second page, so the cursor is sent too.
    upstream.tell("/api/users.conversations", told({**first, "channels": []}), told(second))


async def requests_of(tool: str, *, upstream: Upstream, open_http: Open, context: ReadContext) -> list[Received]:
    """Return what `tool` sends without arguments, where it takes none, and with those above."""
    answer_all(upstream)
    for arguments in ({}, ARGUMENTS[tool]):
        try:
            accepted = TOOLS[tool].arguments.model_validate(arguments)
        except ValueError:
            assert tool in _NEEDS
            assert arguments == {}
            continue
        with open_http(TOOLS[tool].provider, endpoints=TOOLS[tool].endpoints) as http:
            await TOOLS[tool].run(accepted, http, context)
    return upstream.received
