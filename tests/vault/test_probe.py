"""A provider's configuration is tested by what the provider answers, each refusal told apart from the others."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devcontext.providers.types import ProviderSettings
from devcontext.sandbox.app import create_app
from devcontext.sandbox.world import tidewater_world
from devcontext.settings import providers
from tests.serving import serve_app
from tests.vault.provider_host import Host, serve_host
from vault import probe
from vault.errors import NotConnectedError
from vault.findings import Finding, Verdict

PROVIDERS = ("github", "google-calendar", "slack")
SPECS = Path(__file__).resolve().parents[1] / "specs"
FOLDERS = {"github": "github", "google-calendar": "google", "slack": "slack"}
CALLBACK_IS_OPEN = "Only connecting an account shows whether"


def published(provider: str, *, case: str) -> tuple[int, Any]:
    """Return a token endpoint's answer as the provider documents it."""
    cases = json.loads((SPECS / FOLDERS[provider] / "errors.json").read_text())
    found = next(one for one in cases if one["case"] == case)
    return found["status"], found["body"]


@pytest.fixture
def host(settings: Any) -> Iterator[Host]:
    """A host that knows the client and refuses GitHub's code."""
    with serve_host(Host(token_answer=published("github", case="token.bad_verification_code"))) as host:
        settings.PROVIDERS = as_real(providers.load(sandbox_url=host.url, with_secrets=True))
        yield host


@pytest.fixture
def sandbox(settings: Any) -> Iterator[str]:
    world = tidewater_world(zone=ZoneInfo("UTC"))
    with serve_app(lambda url: create_app(data=None, world=world, base_url=url)) as url:
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=True)
        yield url


def as_real(configured: dict[str, ProviderSettings]) -> dict[str, ProviderSettings]:
    return {name: replace(provider, is_sandbox=False) for name, provider in configured.items()}


def sentences(findings: list[Finding], verdict: Verdict) -> list[str]:
    return [finding.sentence for finding in findings if finding.verdict is verdict]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_sandbox_knows_its_client_and_is_not_taken_for_the_provider(sandbox: str, provider: str) -> None:
    findings = await probe.check(provider)
    assert sentences(findings, Verdict.GOOD) == [
        f"{provider} knows client devcontext-sandbox and its secret.",
        f"{sandbox} answers.",
        f"This machine's clock agrees with that of {sandbox}.",
    ]
    stand_in, callback = sentences(findings, Verdict.OPEN)
    assert stand_in.startswith("This is the sandbox's stand-in")
    assert callback.startswith(CALLBACK_IS_OPEN)
    assert f"/connect/{provider}/callback" in callback
    assert not sentences(findings, Verdict.WRONG)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("wrong", ["client_id", "client_secret"])
async def test_the_sandbox_refuses_another_id_or_secret(sandbox: str, settings: Any, provider: str, wrong: str) -> None:
    changed = {wrong: "canary-0815"} | ({"client_secret": "canary-4711"} if wrong == "client_id" else {})
    settings.PROVIDERS = {provider: replace(settings.PROVIDERS[provider], **changed)}
    findings = await probe.check(provider)
    (sentence,) = sentences(findings, Verdict.WRONG)
    assert sentence.startswith(f"{provider} does not accept client ")
    assert changed["client_secret"] not in str(findings)


@pytest.mark.parametrize(
    ("provider", "case"),
    [
        ("github", "token.bad_verification_code"),
        ("google-calendar", "token.invalid_grant_code"),
        ("slack", "token.invalid_code"),
    ],
)
async def test_a_refused_code_speaks_for_the_client(host: Host, provider: str, case: str) -> None:
    host.token_answer = published(provider, case=case)
    findings = await probe.check(provider)
    assert f"{provider} knows client devcontext-sandbox and its secret." in sentences(findings, Verdict.GOOD)
    assert len(sentences(findings, Verdict.OPEN)) == 1
    assert not sentences(findings, Verdict.WRONG)


@pytest.mark.parametrize(("provider", "has_verifier"), [("github", True), ("google-calendar", True), ("slack", False)])
async def test_the_token_endpoint_is_asked_as_a_connect_would(host: Host, provider: str, has_verifier: bool) -> None:
    """Slack must never see PKCE: it would make the app a public client for ever."""
    await probe.check(provider)
    (form,) = host.forms
    assert form["grant_type"] == "authorization_code"
    assert form["redirect_uri"].endswith(f"/connect/{provider}/callback")
    assert ("code_verifier" in form) is has_verifier


@pytest.mark.parametrize(
    ("provider", "case"),
    [
        ("github", "token.incorrect_client_credentials"),
        ("google-calendar", "token.invalid_client"),
        ("slack", "token.bad_client_secret"),
    ],
)
async def test_a_refused_client_is_wrong(host: Host, provider: str, case: str) -> None:
    host.token_answer = published(provider, case=case)
    (sentence,) = sentences(await probe.check(provider), Verdict.WRONG)
    assert sentence.startswith(f"{provider} does not accept client devcontext-sandbox with this secret (")


@pytest.mark.parametrize(
    ("provider", "case"), [("github", "token.redirect_uri_mismatch"), ("slack", "token.bad_redirect_uri")]
)
async def test_a_callback_that_the_provider_refuses_is_wrong_and_no_longer_open(
    host: Host, provider: str, case: str
) -> None:
    host.token_answer = published(provider, case=case)
    findings = await probe.check(provider)
    (sentence,) = sentences(findings, Verdict.WRONG)
    assert "is not registered as callback address" in sentence
    assert not sentences(findings, Verdict.OPEN)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((500, {}), "is out of order (http_500)"),
        ((503, {"error": "bad_verification_code"}), "is out of order (http_503)"),
        ((429, {}), "was asked too often"),
        ((404, {"error": "Not Found"}), "gave an answer that tells nothing about it (unknown_error)"),
        ((302, {}), "gave an answer that tells nothing about it (http_302)"),
        ((200, {}), "answered with something that is not its protocol"),
    ],
)
async def test_an_answer_that_tells_nothing_of_the_client_is_wrong(
    host: Host, answer: tuple[int, Any], said: str
) -> None:
    host.token_answer = answer
    (sentence,) = sentences(await probe.check("github"), Verdict.WRONG)
    assert sentence.startswith(f"client devcontext-sandbox could not be tried: {host.url} {said}")


async def test_tokens_for_a_code_that_does_not_exist_come_from_no_provider(host: Host) -> None:
    host.token_answer = (200, {"access_token": "ghu_canary"})
    findings = await probe.check("github")
    (sentence,) = sentences(findings, Verdict.WRONG)
    assert "issued tokens for a code that does not exist" in sentence
    assert "canary" not in str(findings)


async def test_a_missing_secret_is_wrong_and_nobody_is_asked_for_it(host: Host, settings: Any) -> None:
    settings.PROVIDERS = {"slack": replace(settings.PROVIDERS["slack"], client_secret="")}
    assert sentences(await probe.check("slack"), Verdict.WRONG) == ["slack has a client id and no client secret."]
    assert not [line for line in host.asked if line.startswith("POST")]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nobody_there_is_said_of_both_requests(settings: Any, provider: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings.PROVIDERS = providers.load(sandbox_url=free, with_secrets=True)
    token, address = sentences(await probe.check(provider), Verdict.WRONG)
    assert f"could not be tried: {free} cannot be reached from here" in token
    assert address.startswith(f"{free} cannot be reached from here")


async def test_an_api_that_is_out_of_order_is_wrong(host: Host) -> None:
    host.api_status = 502
    assert sentences(await probe.check("github"), Verdict.WRONG) == [f"{host.url} is out of order (http_502)."]


@pytest.mark.parametrize(
    ("ahead", "said"), [(timedelta(minutes=5), "seconds behind that of"), (-timedelta(minutes=5), "seconds ahead of")]
)
async def test_a_clock_that_is_off_is_wrong_in_the_direction_it_is_off(host: Host, ahead: timedelta, said: str) -> None:
    host.clock_ahead = ahead
    (sentence,) = sentences(await probe.check("github"), Verdict.WRONG)
    assert said in sentence


async def test_a_host_that_does_not_tell_its_time_leaves_the_clock_open(host: Host) -> None:
    host.tells_time = False
    findings = await probe.check("github")
    assert any("was not compared" in sentence for sentence in sentences(findings, Verdict.OPEN))
    assert not sentences(findings, Verdict.WRONG)


async def test_each_host_is_asked_once_and_the_api_only_by_a_process_that_reads_it(host: Host, settings: Any) -> None:
    other = host.url.replace("127.0.0.1", "localhost")
    settings.PROVIDERS = {"github": replace(settings.PROVIDERS["github"], api_url=f"{other}/api")}
    await probe.check("github")
    assert [line for line in host.asked if line.startswith("HEAD")] == ["HEAD /api", "HEAD /github/api/user"]
    host.asked.clear()
    settings.IS_VAULT_EMBEDDED = False
    await probe.check("github")
    assert [line for line in host.asked if line.startswith("HEAD")] == ["HEAD /github/api/user"]


async def test_the_host_that_people_are_sent_to_is_asked_too(host: Host, settings: Any) -> None:
    other = host.url.replace("127.0.0.1", "localhost")
    settings.PROVIDERS = {"github": replace(settings.PROVIDERS["github"], authorization_url=f"{other}/authorize")}
    await probe.check("github")
    assert "HEAD /authorize" in host.asked


@pytest.mark.parametrize("provider", ["jira", "slack"])
async def test_an_unknown_or_unconfigured_provider_is_refused(settings: Any, provider: str) -> None:
    settings.PROVIDERS = {}
    with pytest.raises(NotConnectedError):
        await probe.check(provider)
