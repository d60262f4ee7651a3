"""Each search and window as it is sent, to the letter: a qualifier that is lost would still find something."""

from typing import Any

import pytest

from agent.api.google_calendar import BUSY_FIELDS, FIELDS
from agent.tool import ReadContext
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Upstream, told
from tests.agent.tools.github_answers import GitHub, contributed, found, repositories

SINCE = "2026-11-19T23:00:00Z"
OPEN = "is:open is:pr"
LATEST = "archived:false sort:updated-desc"
WORKED_ON = f"is:pr author:@me updated:>={SINCE} sort:updated-desc"
PUSHED = f"author:@me author-date:>={SINCE} merge:false"
MENTIONED = f"mentions:@me updated:>={SINCE} {LATEST}"


@pytest.mark.parametrize(
    ("tool", "arguments", "answers", "queries"),
    [
        ("github_activity", {}, [found(), contributed()], [WORKED_ON, PUSHED]),
        ("github_commits", {}, [found()], [WORKED_ON, PUSHED]),
        (
            "github_commits",
            {"repo": "acme/api"},
            [repositories("acme/api"), found()],
            [f"is:pr author:@me updated:>={SINCE} repo:acme/api sort:updated-desc", f"{PUSHED} repo:acme/api"],
        ),
        (
            "github_review_requests",
            {},
            [found()],
            [f"{OPEN} review-requested:@me archived:false sort:created-asc"],
        ),
        (
            "github_review_requests",
            {"include_team": False},
            [found()],
            [f"{OPEN} user-review-requested:@me archived:false sort:created-asc"],
        ),
        ("github_my_pull_requests", {}, [found()], [f"{OPEN} author:@me {LATEST}"]),
        ("github_my_pull_requests", {"state": "merged"}, [found()], [f"is:merged is:pr author:@me {LATEST}"]),
        ("github_failing_checks", {}, [found()], [f"{OPEN} author:@me {LATEST}"]),
        ("github_mentions", {}, [found(), found()], [f"is:issue {MENTIONED}", f"is:pr {MENTIONED}"]),
        ("github_assigned_issues", {}, [found()], [f"is:open is:issue assignee:@me {LATEST}"]),
        (
            "github_pull_requests",
            {"repo": "acme/api", "state": "closed"},
            [repositories("acme/api"), found()],
            [f"is:pr is:closed is:unmerged repo:acme/api {LATEST}"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_githubs_searches(
    github: GitHub, tool: str, arguments: dict[str, Any], answers: list[dict[str, Any]], queries: list[str]
) -> None:
    await github.run(tool, *answers, **arguments)
    assert github.queries == queries


@pytest.mark.parametrize(
    ("tool", "own"),
    [
        ("calendar_agenda", {"maxResults": ["50"], "maxAttendees": ["50"], "fields": [FIELDS]}),
        ("calendar_free_slots", {"maxResults": ["250"], "maxAttendees": ["1"], "fields": [BUSY_FIELDS]}),
    ],
)
async def test_the_calendars_window(
    upstream: Upstream, open_http: Open, read_context: ReadContext, tool: str, own: dict[str, list[str]]
) -> None:
    upstream.tell("/api/calendars/primary/events", told({"items": []}))
    with open_http("google-calendar", endpoints=TOOLS[tool].endpoints) as http:
        await TOOLS[tool].run(TOOLS[tool].arguments(start="2026-11-24"), http, read_context)
    (request,) = upstream.received
    types = ["default", "outOfOffice", "focusTime", *(["fromGmail"] if tool == "calendar_free_slots" else [])]
    assert request.query == {
        "timeMin": ["2026-11-24T00:00:00+01:00"],
        "timeMax": ["2026-11-25T00:00:00+01:00"],
        "timeZone": ["Europe/Berlin"],
        "singleEvents": ["true"],
        "orderBy": ["startTime"],
        "eventTypes": types,
        **own,
    }
