"""What a provider sends is read narrowly: a bounded JSON object, codes that look like codes, nothing followed."""

import socket
from typing import Any

import pytest

from devcontext.settings import providers
from tests.vault.upstream import Upstream
from vault.errors import UpstreamError
from vault.providers import registry


async def refresh(provider: str = "github") -> UpstreamError:
    """Return how a refresh fails."""
    with pytest.raises(UpstreamError) as raised:
        await registry.load(provider).refresh(refresh_token="refresh-1")
    return raised.value


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("bad_refresh_token", "bad_refresh_token"),
        ("<script>", "unknown_error"),
        ("A sentence with a token in it", "unknown_error"),
        ("x" * 100, "unknown_error"),
        ({"code": 1}, "unknown_error"),
        (7, "unknown_error"),
    ],
)
async def test_an_error_code_is_repeated_only_if_it_looks_like_one(upstream: Upstream, sent: Any, read: str) -> None:
    upstream.answer = (200, {"error": sent})
    assert (await refresh()).code == read


async def test_an_answer_that_never_ends_is_cut(upstream: Upstream) -> None:
    upstream.answer = (200, {"access_token": "x" * 70_000})
    error = await refresh()
    assert (error.code, error.is_in_doubt, error.is_permanent) == ("bad_answer", True, False)


async def test_a_redirect_takes_no_secret_along(upstream: Upstream) -> None:
    upstream.answer = (307, {})
    assert (await refresh()).code == "http_307"
    assert sum(upstream.calls.values()) == 1


@pytest.mark.parametrize("provider", ["github", "google-calendar", "slack"])
@pytest.mark.parametrize(
    ("status", "code", "is_in_doubt"), [(429, "rate_limited", False), (500, "http_500", True), (503, "http_503", True)]
)
async def test_a_busy_provider_is_a_passing_failure(
    upstream: Upstream, provider: str, status: int, code: str, is_in_doubt: bool
) -> None:
    upstream.answer = (status, {"error": "invalid_grant"})
    error = await refresh(provider)
    assert (error.code, error.is_permanent, error.is_in_doubt) == (code, False, is_in_doubt)


async def test_nobody_there_is_a_failure_that_left_nothing_in_doubt(settings: Any) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings.PROVIDERS = providers.load(sandbox_url=free, with_secrets=True)
    error = await refresh()
    assert (error.code, error.is_in_doubt) == ("unreachable", False)


@pytest.mark.parametrize(
    "body",
    [
        {"access_token": None},
        {"access_token": 1},
        {"access_token": "t", "expires_in": 0},
        {"access_token": "t", "expires_in": -1},
        {"access_token": "t", "expires_in": True},
        {"access_token": "t", "refresh_token": 1},
        {"access_token": "t", "scope": ["a"]},
    ],
)
async def test_an_unusable_token_answer_is_refused(upstream: Upstream, body: dict[str, Any]) -> None:
    upstream.answer = (200, body)
    assert (await refresh()).code == "bad_answer"


async def test_slacks_limit_with_status_200_is_a_limit(upstream: Upstream) -> None:
    upstream.answer = (200, {"ok": False, "error": "ratelimited"})
    error = await refresh("slack")
    assert (error.code, error.is_permanent) == ("rate_limited", False)


async def test_a_grant_shows_no_token_in_its_repr(upstream: Upstream) -> None:
    upstream.answer = (200, {"access_token": "ghu_canary", "refresh_token": "ghr_canary"})
    assert "canary" not in repr(await registry.load("github").refresh(refresh_token="r"))
