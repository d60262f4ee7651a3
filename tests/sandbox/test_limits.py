"""Rate limits that count as the providers do, once they are switched on."""

import json
import time
from typing import Any

import pytest

from agent.api.github import DOCUMENTS
from devcontext.sandbox.faults.orders import OrderError
from devcontext.sandbox.github.quota import cost_of
from devcontext.sandbox.limits import Bucket, Limits, Mode
from devcontext.sandbox.slack.quota import PER_MINUTE, shrunk
from tests.contracts.specs import spec
from tests.sandbox.harness import Visitor, bearer

CHOICES = {"github": (Mode.OFF, Mode.DOCUMENTED), "slack": tuple(Mode)}


async def _limit(visitor: Visitor, provider: str, mode: str, **left: int) -> None:
    order = {"provider": provider, "mode": mode, **left}
    assert (await visitor.http.post("/limits", json=order)).status_code == 204


async def test_github_tells_its_limit_with_every_answer(visitor: Visitor) -> None:
    token = (await visitor.connect("github"))["access_token"]
    assert "x-ratelimit-limit" not in (await visitor.probe("github", token)).headers
    await _limit(visitor, "github", "documented")
    told = (await visitor.probe("github", token)).headers
    assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"], told["x-ratelimit-used"]) == ("5000", "4999", "1")
    assert told["x-ratelimit-resource"] == "core"
    assert 3598 <= int(told["x-ratelimit-reset"]) - time.time() <= 3601


async def test_github_counts_graphql_by_points_and_refuses_with_200(visitor: Visitor) -> None:
    """Source: docs.github.com, rate limits for the GraphQL API: the refusal is status 200 with `RATE_LIMITED`."""
    token = (await visitor.connect("github"))["access_token"]
    await _limit(visitor, "github", "documented", left=1)
    assert "data" in await visitor.graphql(token, "{viewer{login}}")
    refused = await visitor.graphql(token, "{viewer{login}}")
    assert refused["errors"][0]["type"] == "RATE_LIMITED"
    assert "data" not in refused


async def test_github_refuses_rest_and_search_by_themselves(visitor: Visitor) -> None:
    token = (await visitor.connect("github"))["access_token"]
    await _limit(visitor, "github", "documented", left=0)
    refused = await visitor.probe("github", token)
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    search = await visitor.http.get("/github/api/search/issues", headers=bearer(token))
    assert search.headers["x-ratelimit-resource"] == "search"
    assert int(search.headers["x-ratelimit-reset"]) - time.time() <= 61


async def test_google_refuses_without_saying_when_to_come_back(visitor: Visitor) -> None:
    token = (await visitor.connect("google-calendar"))["access_token"]
    await _limit(visitor, "google-calendar", "documented", left=1)
    query = {"timeMin": "2026-11-18T00:00:00Z", "timeMax": "2026-11-19T00:00:00Z"}
    assert (await visitor.events(token, **query)).status_code == 200
    refused = await visitor.events(token, **query)
    assert (refused.status_code, "retry-after" in refused.headers) == (403, False)
    assert refused.json()["error"]["errors"][0]["reason"] == "userRateLimitExceeded"


async def test_slack_counts_each_method_for_itself(visitor: Visitor) -> None:
    token = (await visitor.connect("slack"))["access_token"]
    await _limit(visitor, "slack", "documented")
    asked = {"headers": bearer(token), "data": {"types": "public_channel"}}
    statuses = [(await visitor.http.post("/slack/api/users.conversations", **asked)).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    refused = await visitor.http.post("/slack/api/users.conversations", **asked)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert (await visitor.probe("slack", token)).status_code == 200


async def test_slack_cuts_pages_of_apps_outside_its_marketplace(visitor: Visitor) -> None:
    """Source: docs.slack.dev, rate limits: one request a minute, 15 messages at most, and nothing says so."""
    token = (await visitor.connect("slack"))["access_token"]
    channel = visitor.app.state.sandbox.world.now().channels[0].id
    arguments = {"channel": channel, "limit": "200"}
    whole = await visitor.slack(token, "conversations.history", **arguments)
    await _limit(visitor, "slack", "non_marketplace")
    cut = await visitor.slack(token, "conversations.history", **arguments)
    assert len(cut["messages"]) == min(15, len(whole["messages"]))
    refused = await visitor.http.post("/slack/api/conversations.history", data=arguments, headers=bearer(token))
    assert refused.status_code == 429


@pytest.mark.parametrize("limit", ["200", "", "15", "16"])
def test_a_throttled_page_has_fifteen_messages(limit: str) -> None:
    values = {"limit": limit}
    assert shrunk(values, method="conversations.history", mode=Mode.NON_MARKETPLACE)["limit"] == "15"
    assert shrunk(values, method="users.conversations", mode=Mode.NON_MARKETPLACE) == values
    assert shrunk(values, method="conversations.history", mode=Mode.DOCUMENTED) == values


def test_slacks_tiers_are_the_documented_ones() -> None:
    per_minute = {"Tier2": 20, "Tier3": 50, "Tier4": 100}
    methods = spec("slack/methods.json")
    assert {name: per_minute[methods[name]["rate_tier"]] for name in PER_MINUTE} == PER_MINUTE


def test_a_window_ends_and_begins_anew() -> None:
    now = [1000.0]
    limits = Limits(CHOICES, clock=lambda: now[0])
    limits.order({"provider": "slack", "mode": "documented", "left": 1})
    bucket = Bucket("x", limit=3, seconds=60)
    assert [limits.count("slack", bucket).is_exceeded for _ in range(2)] == [False, True]
    now[0] += 60
    assert [limits.count("slack", bucket).is_exceeded for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(
    "order",
    [{}, {"provider": "slack"}, {"provider": "github", "mode": "non_marketplace"}, {"provider": "slack", "mode": "on"}],
)
def test_a_mode_that_does_not_exist_is_refused(order: dict[str, Any]) -> None:
    with pytest.raises(OrderError):
        Limits(CHOICES).order(order)


@pytest.mark.parametrize(
    ("query", "variables", "points"),
    [
        ("{viewer{login}}", {}, 1),
        # GitHub's own example: 100 repositories with 50 issues with 60 labels are 5,101 requests, 51 points.
        ("{viewer{repositories(first:100){issues(first:50){labels(first:60){nodes{name}}}}}}", {}, 51),
        ("query($n:Int!){a(first:$n){...F}} fragment F on X {b(last:90){c(first:2){id}}}", {"n": 100}, 91),
        ("not graphql {", {}, 1),
    ],
)
def test_a_document_costs_its_connections_in_hundreds(query: str, variables: dict[str, int], points: int) -> None:
    """Source: docs.github.com, rate limits for the GraphQL API, "Calculating points"."""
    assert cost_of(json.dumps({"query": query, "variables": variables}).encode()) == points


@pytest.mark.parametrize("name", DOCUMENTS)
def test_our_documents_cost_a_point_each(name: str) -> None:
    body = {"query": DOCUMENTS[name], "variables": {"n": 25, "c": 20}}
    assert cost_of(json.dumps(body).encode()) == 1


def test_what_is_no_request_costs_a_point() -> None:
    assert [cost_of(body) for body in (b"", b"[]", b'{"query": 1}')] == [1, 1, 1]
