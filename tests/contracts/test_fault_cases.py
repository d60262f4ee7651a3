"""Each failure that the sandbox can serve reaches the model as a code and one of our sentences, after one request."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from agent.api.egress import close_clients
from agent.tool import ReadContext
from devcontext.sandbox.faults.cases import Effect, Place
from devcontext.sandbox.stand_ins import STAND_INS
from devcontext.sandbox.store import Store
from devcontext.settings import providers
from tests.agent.api.fixtures import Calls
from tests.contracts.dispatching import Dispatching
from tests.contracts.sandbox import serving

TOOL_OF = {"github": "github_activity", "google-calendar": "calendar_agenda", "slack": "slack_mentions"}
NAME_OF = {"github": "GitHub", "google-calendar": "Google Calendar", "slack": "Slack"}
# By code, what each sentence must tell; what a service refuses otherwise is no fault of the user's.
SENTENCES = {
    "reconnect_required": "no longer accepts the connection. Reconnect it in Settings.",
    "missing_scope": "was connected without",
    "rate_limited": "is rate limiting; try again in 40 seconds.",
    "not_found": "has nothing there that this connection can see.",
    "upstream_unavailable": "so it is not part of this answer.",
}
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
        "api.not_modified": "upstream_unavailable",
        "graphql.timeout": "upstream_unavailable",
        "scoped.invalid_token": "not_found",
    },
    "google-calendar": {
        "api.authError": "reconnect_required",
        "api.timeRangeEmpty": "upstream_unavailable",
        "api.userRateLimitExceeded": "rate_limited",
        "api.rateLimitExceeded_403": "rate_limited",
        "api.rateLimitExceeded_429": "rate_limited",
        "api.quotaExceeded": "rate_limited",
        "api.insufficientPermissions": "missing_scope",
        "api.notFound": "not_found",
        "api.fullSyncRequired": "upstream_unavailable",
        "api.updatedMinTooLongAgo": "upstream_unavailable",
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
        "api.thread_not_found": "not_found",
        "api.ratelimited": "rate_limited",
        "api.feature_not_enabled": "upstream_unavailable",
        "api.fatal_error": "upstream_unavailable",
        "api.service_unavailable": "upstream_unavailable",
    },
}
CASES = [(provider, name, code) for provider, codes in CODES.items() for name, code in codes.items()]
# Where a provider's own answer cannot say how long, we wait the minute that its window lasts.
UNTIMED = {"google-calendar"}
TRANSPORT = [(provider, name) for provider in STAND_INS for name in ("cut_off", "lost")]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Store]]:
    """One sandbox for this module."""
    with serving() as running:
        yield running


@pytest.fixture
async def tools(
    served: tuple[str, Store], calls: Calls, read_context: ReadContext, settings: Settings
) -> AsyncIterator[Dispatching]:
    """The tools, reading the sandbox as a fresh clone does."""
    url, store = served
    settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=False)
    yield Dispatching(store=store, calls=calls, context=read_context)
    await close_clients()


async def _order(url: str, provider: str, case: str, **bounds: int) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=url) as client:
        (await client.post("/faults", json={"provider": provider, "case": case, **bounds})).raise_for_status()


async def _read(tools: Dispatching, provider: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((await tools.dispatch(TOOL_OF[provider], arguments={})).content)
    return result


@pytest.mark.parametrize("provider", STAND_INS)
def test_the_table_names_every_case_of_an_api(provider: str) -> None:
    served = {
        case.name
        for case in STAND_INS[provider].cases.values()
        if case.place is Place.API and case.effect is Effect.REPLACED
    }
    assert CODES[provider].keys() == served


@pytest.mark.parametrize(("provider", "case", "code"), CASES)
async def test_a_case_is_told_to_the_model_and_not_repeated(
    served: tuple[str, Store], tools: Dispatching, provider: str, case: str, code: str
) -> None:
    # REST, which is asked where GraphQL is not found, finds nothing either.
    await _order(served[0], provider, case, seconds=40, times=50 if (provider, code) == ("github", "not_found") else 1)
    result = await _read(tools, provider)
    await _order(served[0], provider, case, times=0)
    assert result["error"] == code
    assert result["message"].startswith(NAME_OF[provider])
    # The window's own end is rounded to whole seconds on both sides.
    told = result["message"].replace("39 seconds", "40 seconds").replace("41 seconds", "40 seconds")
    expected = SENTENCES[code].replace("40", "60") if provider in UNTIMED else SENTENCES[code]
    assert expected in told
    wait = result.get("retry_after_seconds")
    assert (wait in {39, 40, 41, 60}) if code == "rate_limited" else (wait is None)
    # A GraphQL that is not found may be one that the server has not, so REST is asked besides: not the same again.
    paths = [call.path for call in tools.calls.seen]
    assert tools.calls.seen[0].error == code
    assert len(paths) == 1 or (provider, code, paths.count(paths[0])) == ("github", "not_found", 1)


@pytest.mark.parametrize(
    ("provider", "case"), [(provider, case) for provider, case, code in CASES if code == "rate_limited"]
)
async def test_a_short_limit_is_waited_for_once(
    served: tuple[str, Store], tools: Dispatching, provider: str, case: str
) -> None:
    """Google tells no time, so its limit is never waited for; the others are asked again once."""
    await _order(served[0], provider, case, seconds=1)
    result = await _read(tools, provider)
    if provider in UNTIMED:
        assert (result["error"], result["retry_after_seconds"]) == ("rate_limited", 60)
        assert len(tools.calls.seen) == 1
    else:
        assert result["items"]
        assert [call.error for call in tools.calls.seen][:2] == ["rate_limited", ""]


@pytest.mark.parametrize(("provider", "case"), TRANSPORT)
async def test_an_answer_that_breaks_off_is_no_answer(
    served: tuple[str, Store], tools: Dispatching, provider: str, case: str
) -> None:
    await _order(served[0], provider, case)
    result = await _read(tools, provider)
    assert result["error"] == "upstream_unavailable"
    assert result["message"] == f"{NAME_OF[provider]} cannot be reached, so it is not part of this answer."
    assert [call.error for call in tools.calls.seen] == ["unreachable"]
    assert "items" in await _read(tools, provider)


async def test_a_warning_of_slack_changes_nothing(served: tuple[str, Store], tools: Dispatching) -> None:
    await _order(served[0], "slack", "api.deprecated_warning")
    assert (await _read(tools, "slack"))["items"]


@pytest.mark.parametrize(
    ("provider", "mode"), [("github", "documented"), ("google-calendar", "documented"), ("slack", "documented")]
)
async def test_a_limit_that_is_used_up_is_told_with_its_end(
    served: tuple[str, Store], tools: Dispatching, provider: str, mode: str
) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=served[0]) as client:
        await client.post("/limits", json={"provider": provider, "mode": mode, "left": 0})
        result = await _read(tools, provider)
        await client.post("/limits", json={"provider": provider, "mode": "off"})
    assert result["error"] == "rate_limited"
    assert result["retry_after_seconds"] > 50
    assert "items" in await _read(tools, provider)
