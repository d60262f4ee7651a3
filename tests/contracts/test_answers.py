"""What the providers documented and recorded goes through our clients: examples are read, refusals are understood."""

from typing import Any

import pytest

from agent.api import slack
from agent.errors import ToolFailedError
from agent.toolkit import ReadContext
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Upstream, told
from tests.contracts.specs import spec

METHODS = {
    "auth.test": slack.read_identity,
    "search.messages": lambda http: slack.search_messages(http, query="x"),
    "users.conversations": lambda http: slack.list_channels(http, kind="direct"),
    "conversations.info": lambda http: slack.read_last_read(http, channel="C012AB3CD"),
    "conversations.replies": lambda http: slack.read_replies(
        http, channel="C012AB3CD", ts="1482960137.003543", limit=20
    ),
    "conversations.history": lambda http: slack.read_history(http, channel="C012AB3CD", oldest=0, limit=20),
    "users.info": lambda http: slack.read_user_name(http, user="W012A3CDE"),
}
EXAMPLES = [
    (method, example)
    for method in METHODS
    for example in spec("slack/methods.json")[method]["examples"]
    if example["ok"]
]
RECORDED = [case for case in spec("slack/recorded-slack-ruby-client.trimmed.json") if case["method"] in METHODS]
CODES = {
    "github": {
        "api.bad_credentials": "reconnect_required",
        "api.primary_rate_limit": "rate_limited",
        "api.secondary_rate_limit": "rate_limited",
        "graphql.primary_rate_limit": "rate_limited",
        "graphql.secondary_rate_limit": "rate_limited",
        "api.forbidden_permission": "missing_scope",
        "api.not_found_private": "not_found",
        "search.app_user_token_mixed_query": "not_found",
        "graphql.timeout": "upstream_unavailable",
    },
    "google": {
        "api.authError": "reconnect_required",
        "api.userRateLimitExceeded": "rate_limited",
        "api.rateLimitExceeded_403": "rate_limited",
        "api.rateLimitExceeded_429": "rate_limited",
        "api.quotaExceeded": "rate_limited",
        "api.insufficientPermissions": "missing_scope",
        "api.notFound": "not_found",
        "api.timeRangeEmpty": "upstream_unavailable",
        "api.fullSyncRequired": "upstream_unavailable",
        "api.backendError": "upstream_unavailable",
    },
    "slack": {
        "api.token_expired": "reconnect_required",
        "api.token_revoked": "reconnect_required",
        "api.invalid_auth": "reconnect_required",
        "api.not_authed": "reconnect_required",
        "api.account_inactive": "reconnect_required",
        "api.missing_scope": "missing_scope",
        "api.not_in_channel": "not_found",
        "api.channel_not_found": "not_found",
        "api.ratelimited": "rate_limited",
        "api.fatal_error": "upstream_unavailable",
        "api.service_unavailable": "upstream_unavailable",
    },
}
CASES = [(provider, name, code) for provider, cases in CODES.items() for name, code in cases.items()]
TOOL_OF = {"github": "github_assigned_issues", "google": "calendar_agenda", "slack": "slack_mentions"}
PATH_OF = {"github": "/api/graphql", "google": "/api/calendars/primary/events", "slack": "/api/auth.test"}


@pytest.mark.parametrize(("method", "example"), EXAMPLES)
async def test_slacks_documented_examples_are_read(
    upstream: Upstream, open_http: Open, method: str, example: dict[str, Any]
) -> None:
    upstream.tell(f"/api/{method}", told(example))
    with open_http("slack") as http:
        # The documented channel tells no `last_read`; everything else tells something.
        assert await METHODS[method](http) is not None or "last_read" not in example["channel"]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["cassette"])
async def test_slacks_recorded_answers_are_read_or_understood(
    upstream: Upstream, open_http: Open, case: dict[str, Any]
) -> None:
    upstream.tell(f"/api/{case['method']}", told(case["body"], status=case["status"]))
    with open_http("slack") as http:
        if case["body"]["ok"]:
            assert await METHODS[case["method"]](http) is not None
        else:
            with pytest.raises(ToolFailedError) as caught:
                await METHODS[case["method"]](http)
            assert caught.value.code == "reconnect_required"


@pytest.mark.parametrize(("provider", "name", "code"), CASES)
async def test_each_documented_refusal_becomes_its_code(
    request: pytest.FixtureRequest, upstream: Upstream, provider: str, name: str, code: str
) -> None:
    (case,) = [case for case in spec(f"{provider}/errors.json") if case["case"] == name]
    headers = {field: value for field, value in case.get("headers", {}).items() if not value.startswith("<")}
    upstream.tell(PATH_OF[provider], told(case["body"], status=case["status"], headers=headers))
    open_http: Open = request.getfixturevalue("open_http")
    read_context: ReadContext = request.getfixturevalue("read_context")
    tool = TOOLS[TOOL_OF[provider]]
    with open_http(tool.provider) as http, pytest.raises(ToolFailedError) as caught:
        await tool.run(tool.arguments(), http, read_context)
    assert caught.value.code == code
    assert (caught.value.retry_after_seconds is not None) == (code == "rate_limited")
