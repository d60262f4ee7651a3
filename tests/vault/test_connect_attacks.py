"""Attacks on a connect flow, at each provider's stand-in: none of them connects anything, or tells anything.

Sources: RFC 9700 (OAuth 2.0 Security Best Current Practice) section 4, RFC 9207, RFC 7636, RFC 6749 section 10.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from tests.vault.conftest import ALICE, MALLORY, confirm, events, subject
from tests.vault.upstream import Upstream
from vault import connect, models
from vault.client.base import VaultClient
from vault.errors import ConnectStateError, InvalidRequestError, SessionEndedError
from vault.handler import VaultHandler

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"]),
    pytest.mark.parametrize("provider", ["github", "google-calendar", "slack"]),
]

Connect = Callable[..., Any]
OTHER = {"github": "slack", "google-calendar": "github", "slack": "google-calendar"}


async def start(vault: VaultClient, *, provider: str, user: str = ALICE, sid: str = "sid-1") -> str:
    return await vault.start_connect(subject_token=subject(user, sid=sid), provider=provider)


def parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


async def come_back(query: dict[str, str], *, provider: str) -> dict[str, str]:
    """Bring `query` to the callback of `provider`, and return what the browser takes on to the app."""
    returned = await connect.finish(provider, query=query)
    # Whatever the query says, the browser goes to the app's own address.
    assert returned.startswith(f"{settings.APP_URL}/auth/connect/{provider}/return?")
    return parameters(returned)


async def assert_nothing(vault: VaultClient, *users: str) -> None:
    for user in users or (ALICE, MALLORY):
        assert await vault.list_connections(subject_token=subject(user)) == ()


async def test_login_csrf(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    """Mallory stops after her own consent and lets Alice's browser open the callback (RFC 9700 section 4.7)."""
    upstream.person = "bob"
    returned = await come_back(
        upstream.consent(await start(vault, provider=provider, user=MALLORY, sid="sid-m")), provider=provider
    )
    with pytest.raises(ConnectStateError):
        await confirm(vault, returned, user=ALICE)
    await assert_nothing(vault)


async def test_state_fixation(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    """Alice consents at a link with Mallory's state: the grant is of no use to Mallory, who has no nonce."""
    url = await start(vault, provider=provider, user=MALLORY, sid="sid-m")
    returned = await come_back(upstream.consent(url), provider=provider)
    for nonce in ("", parameters(url)["state"], "guess"):
        with pytest.raises((ConnectStateError, InvalidRequestError)):
            await confirm(vault, returned | {"nonce": nonce}, user=MALLORY, sid="sid-m")
    with pytest.raises(ConnectStateError):
        await confirm(vault, returned, user=ALICE)
    await assert_nothing(vault)


async def test_the_session_is_the_one_that_began(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    returned = await come_back(upstream.consent(await start(vault, provider=provider)), provider=provider)
    with pytest.raises(ConnectStateError):
        await confirm(vault, returned, sid="sid-2")
    await assert_nothing(vault)


async def test_confirmation_after_the_session_ended(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    returned = await come_back(upstream.consent(await start(vault, provider=provider)), provider=provider)
    await vault.end_session(subject_token=subject())
    with pytest.raises(SessionEndedError):
        await confirm(vault, returned)
    await assert_nothing(vault, MALLORY)
    assert not await models.Connection.objects.using("vault").filter(activated_at__isnull=False).aexists()


async def test_mix_up(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    """A code of one provider at another's callback is sent to neither (RFC 9700 section 4.4)."""
    query = upstream.consent(await start(vault, provider=provider))
    assert await come_back(query, provider=OTHER[provider]) == {"error": "invalid_state"}
    assert not upstream.calls
    assert await come_back(query, provider=provider) == {"error": "invalid_state"}, "the state is spent"
    await assert_nothing(vault)


@pytest.mark.parametrize("issuer", ["https://attacker.example", "", "{url}/", "{url}.attacker.example"])
async def test_a_wrong_issuer(vault: VaultClient, upstream: Upstream, provider: str, issuer: str) -> None:
    """RFC 9207 section 2.4, byte for byte, where the provider names itself: Google does, the others do not."""
    query = upstream.consent(await start(vault, provider=provider)) | {"iss": issuer.format(url=upstream.url)}
    returned = await come_back(query, provider=provider)
    assert ("error" in returned) is (provider == "google-calendar")


async def test_a_missing_issuer_is_taken(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    """Google sends `iss` but its metadata does not announce it, so it may stop; redirect URIs keep providers apart."""
    query = upstream.consent(await start(vault, provider=provider))
    assert "nonce" in await come_back(query, provider=provider)


async def test_replay(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    query = upstream.consent(await start(vault, provider=provider))
    returned = await come_back(query, provider=provider)
    assert await come_back(query, provider=provider) == {"error": "invalid_state"}
    await confirm(vault, returned)
    with pytest.raises(ConnectStateError):
        await confirm(vault, returned)
    assert sum(upstream.calls.values()) == 1
    assert len(await vault.list_connections(subject_token=subject())) == 1


async def test_two_callbacks_at_once_redeem_one_code(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    query = upstream.consent(await start(vault, provider=provider))
    results = [await come_back(query, provider=provider) for _ in range(3)]
    assert sorted("nonce" in result for result in results) == [False, False, True]


async def test_code_injection(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    """Alice's stolen code in Mallory's flow: PKCE refuses it; Slack has none, and there the nonce does not help her.

    Without PKCE the code of another flow is redeemed, for which an attacker needs the code before the victim's browser
    brings it: the redirect URI is ours and https, and codes work once. The threat model says so.
    """
    stolen = upstream.consent(await start(vault, provider=provider))["code"]
    state = parameters(await start(vault, provider=provider, user=MALLORY, sid="sid-m"))["state"]
    returned = await come_back({"code": stolen, "state": state}, provider=provider)
    assert ("error" in returned) is (provider != "slack")
    await assert_nothing(vault)


async def test_pkce_is_sent_where_it_helps_and_never_to_slack(
    vault: VaultClient, upstream: Upstream, provider: str
) -> None:
    query = parameters(await start(vault, provider=provider))
    has_challenge = query.get("code_challenge_method") == "S256" and len(query["code_challenge"]) == 43
    assert has_challenge is (provider != "slack")
    assert ("code_challenge" in query) is (provider != "slack")


async def test_pkce_stripped(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    """Downgrade (RFC 9700 section 4.8.2): a link without its challenge; the verifier is sent all the same."""
    url = httpx.URL(await start(vault, provider=provider))
    for name in ("code_challenge", "code_challenge_method"):
        url = url.copy_remove_param(name)
    await come_back(upstream.consent(str(url)), provider=provider)
    assert upstream.verifiers == ([True] if provider != "slack" else [False])


@pytest.mark.parametrize(
    "extra",
    [
        {"redirect_uri": "https://attacker.example/"},
        {"next": "https://attacker.example/"},
        {"return": "//attacker.example"},
        {"provider": "attacker"},
        {"scope": "everything"},
    ],
)
async def test_no_parameter_changes_where_the_browser_goes(
    vault: VaultClient, upstream: Upstream, provider: str, extra: dict[str, str]
) -> None:
    url = await start(vault, provider=provider)
    assert parameters(url)["redirect_uri"] == f"{settings.VAULT_ISSUER}/connect/{provider}/callback"
    returned = await come_back(upstream.consent(url) | extra, provider=provider)
    assert set(returned) == {"connection", "nonce"}


@pytest.mark.parametrize("doubled", ["code", "state", "iss", "error"])
async def test_parameter_pollution(vault: VaultClient, upstream: Upstream, provider: str, doubled: str) -> None:
    """RFC 6749 section 3.1: one that came twice is not read as either."""
    query = upstream.consent(await start(vault, provider=provider))
    pairs = [*query.items(), (doubled, query.get(doubled, "a")), (doubled, "b")]
    transport = httpx.ASGITransport(app=VaultHandler())
    async with httpx.AsyncClient(transport=transport, base_url="http://vault.test") as http:
        response = await http.get(f"/connect/{provider}/callback", params=pairs)
    assert response.headers["location"].endswith("/return?error=invalid_state")
    assert not upstream.calls


async def test_an_error_beside_a_code_is_an_error(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    for error, told in (("access_denied", "access_denied"), ("server_error", "provider")):
        query = upstream.consent(await start(vault, provider=provider))
        assert await come_back(query | {"error": error}, provider=provider) == {"error": told}
    assert not upstream.calls
    assert not await models.Connection.objects.using("vault").aexists()


async def test_an_expired_flow(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    query = upstream.consent(await start(vault, provider=provider))
    await models.OAuthState.objects.using("vault").aupdate(expires_at=timezone.now())
    assert await come_back(query, provider=provider) == {"error": "invalid_state"}
    assert not upstream.calls


@pytest.mark.parametrize("column", ["provider", "subject", "sid"])
async def test_a_flow_whose_row_was_changed(vault: VaultClient, upstream: Upstream, provider: str, column: str) -> None:
    """Who can write rows cannot move a flow with PKCE to another user or provider: its verifier is sealed to both."""
    query = upstream.consent(await start(vault, provider=provider))
    value = {"provider": OTHER[provider], "subject": MALLORY, "sid": "sid-m"}[column]
    await models.OAuthState.objects.using("vault").aupdate(**{column: value})
    returned = await come_back(query, provider=provider)
    is_refused = column == "provider" or (column == "subject" and provider != "slack")
    assert ("error" in returned) is is_refused
    assert await vault.list_connections(subject_token=subject()) == ()


async def test_strangers_learn_and_leave_nothing(vault: VaultClient, upstream: Upstream, provider: str) -> None:
    for query in ({}, {"state": "guess"}, {"state": "\x00", "code": "c"}, {"code": "c" * 9000, "state": "s" * 9000}):
        assert await come_back(query, provider=provider) == {"error": "invalid_state"}
    assert await events() == []
    assert not upstream.calls
    assert await sync_to_async(models.Connection.objects.using("vault").count)() == 0
