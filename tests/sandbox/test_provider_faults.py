"""Failures on demand: each provider fails in its own way, as often as asked, and then works again."""

import time
from typing import Any

import httpx
import pytest

from tests.sandbox.harness import TOKEN, Visitor

PROVIDERS = tuple(TOKEN)


async def _ask(visitor: Visitor, **fault: Any) -> httpx.Response:
    return await visitor.http.post("/faults", json=fault)


@pytest.mark.parametrize(
    ("provider", "case", "status", "body"),
    [
        ("github", "rate_limited", 403, "secondary rate limit"),
        ("github", "unauthorized", 401, "Bad credentials"),
        ("github", "forbidden", 403, "Resource not accessible by integration"),
        ("github", "unavailable", 502, "respond to your request in time"),
        ("google-calendar", "rate_limited", 429, "rateLimitExceeded"),
        ("google-calendar", "unauthorized", 401, "authError"),
        ("google-calendar", "forbidden", 403, "insufficientPermissions"),
        ("google-calendar", "unavailable", 500, "backendError"),
        ("slack", "rate_limited", 429, "ratelimited"),
        ("slack", "unauthorized", 200, "token_revoked"),
        ("slack", "forbidden", 200, "missing_scope"),
        ("slack", "unavailable", 200, "service_unavailable"),
    ],
)
async def test_a_provider_fails_in_its_own_words_as_often_as_asked(
    visitor: Visitor, provider: str, case: str, status: int, body: str
) -> None:
    token = (await visitor.connect(provider))["access_token"]
    healthy = await visitor.probe(provider, token)
    assert (await _ask(visitor, provider=provider, case=case, times=2, seconds=30)).status_code == 204
    for _ in range(2):
        failed = await visitor.probe(provider, token)
        assert failed.status_code == status
        assert body in failed.text
    assert (await visitor.probe(provider, token)).json() == healthy.json()


@pytest.mark.parametrize("provider", ["github", "slack"])
async def test_a_rate_limit_says_when_to_come_back(visitor: Visitor, provider: str) -> None:
    await _ask(visitor, provider=provider, case="rate_limited", seconds=29.2)
    assert (await visitor.probe(provider, "")).headers["retry-after"] == "30"


async def test_slow_is_late_and_then_right(visitor: Visitor) -> None:
    token = (await visitor.connect("github"))["access_token"]
    await _ask(visitor, provider="github", case="slow", seconds=0.2)
    began = time.monotonic()
    assert (await visitor.probe("github", token)).status_code == 200
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_other_providers_and_token_endpoints_stay_well(visitor: Visitor, provider: str) -> None:
    await _ask(visitor, provider=provider, case="unavailable", times=1000)
    for other in PROVIDERS:
        pair = await visitor.connect(other)
        answer = await visitor.probe(other, pair["access_token"])
        assert (answer.status_code >= 500 or answer.json().get("ok") is False) == (other == provider)


async def test_times_zero_ends_what_was_asked(visitor: Visitor) -> None:
    await _ask(visitor, provider="slack", case="rate_limited", times=9)
    await _ask(visitor, provider="slack", case="rate_limited", times=0)
    assert (await visitor.probe("slack", "")).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"provider": "gitlab", "case": "slow"},
        {"provider": ["slack"], "case": "slow"},
        {"provider": "slack", "case": "explode"},
        {"provider": "slack", "case": {}},
        {"provider": "slack", "case": "slow", "seconds": 3600},
        {"provider": "slack", "case": "slow", "seconds": "1"},
        {"provider": "slack", "case": "slow", "times": -1},
        {"provider": "slack", "case": "slow", "times": True},
    ],
)
async def test_a_fault_that_does_not_exist_is_400(visitor: Visitor, fault: dict[str, Any]) -> None:
    answer = await _ask(visitor, **fault)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"slack"'])
async def test_what_is_no_object_is_400(visitor: Visitor, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert (await visitor.http.post("/faults", content=content, headers=headers)).status_code == 400


async def test_a_form_of_a_foreign_page_sets_no_fault(visitor: Visitor) -> None:
    """CSRF: a page elsewhere can send a form or text without asking, but not JSON."""
    content = b'{"provider": "slack", "case": "unavailable"}'
    answer = await visitor.http.post("/faults", content=content, headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert (await visitor.probe("slack", "")).status_code == 200
