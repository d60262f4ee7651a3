"""Our own tokens after they were minted: a client can end its own, learn of its own, and of nothing else."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from tests.vault.conftest import ALICE, actor, audit_down, events, request, subject
from vault import jws, models, tokens, wire
from vault.embedded import EmbeddedVault
from vault.errors import InvalidRequestError
from vault.store import revoked_tokens

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def post(http: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    authentication = {"client_assertion_type": wire.ASSERTION_TYPE, "client_assertion": tokens.mint_assertion()}
    return await http.post(path, data=authentication | form)


async def revoke(http: httpx.AsyncClient, token: str, **form: str) -> httpx.Response:
    return await post(http, "/oauth/revoke", token=token, **form)


async def introspect(http: httpx.AsyncClient, token: str, **form: str) -> dict[str, Any]:
    response = await post(http, "/oauth/introspect", token=token, **form)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body: dict[str, Any] = response.json()
    return body


def signed(**claims: Any) -> str:
    """Return a subject token with these claims changed, signed as ours are."""
    now = int(time.time())
    ours = {"iss": settings.APP_URL, "aud": settings.VAULT_ISSUER, "iat": now, "exp": now + 300, "jti": "jti-1"}
    names = {"sub": ALICE, "sid": "sid-1", "client_id": tokens.WEB_CLIENT, "scope": "exchange", "auth_time": 1}
    return jws.sign(ours | names | claims, pem=settings.SUBJECT_SIGNING_KEY, typ="at+jwt")


async def test_a_revoked_subject_token_exchanges_nothing_any_more(
    http: httpx.AsyncClient, vault: EmbeddedVault, connect_user: Connect
) -> None:
    """RFC 7009 section 2.2; the answer of the exchange is that of RFC 8693 section 2.2.2."""
    await connect_user()
    ended, other = subject(purpose="exchange"), subject(purpose="exchange")
    assert (await vault.exchange(request(subject_token=ended))).access_token
    response = await revoke(http, ended)
    assert (response.status_code, response.json()) == (200, {})
    with pytest.raises(InvalidRequestError):
        await vault.exchange(request(subject_token=ended))
    assert (await vault.exchange(request(subject_token=other))).access_token
    assert await events(kind="vault:token") == [("vault:token:revoked", ALICE, "")]
    assert (await events(kind="vault:exchange"))[1] == ("vault:exchange:denied", ALICE, "invalid_request")


async def test_a_revoked_actor_token_acts_no_more(
    http: httpx.AsyncClient, vault: EmbeddedVault, connect_user: Connect
) -> None:
    await connect_user()
    ended = actor()
    await revoke(http, ended)
    with pytest.raises(InvalidRequestError):
        await vault.exchange(request(actor_token=ended))


async def test_a_revoked_subject_token_manages_no_connection(
    http: httpx.AsyncClient, vault: EmbeddedVault, connect_user: Connect
) -> None:
    await connect_user()
    ended = subject()
    await revoke(http, ended)
    with pytest.raises(InvalidRequestError):
        await vault.list_connections(subject_token=ended)
    with pytest.raises(InvalidRequestError):
        await vault.start_connect(subject_token=ended, provider="github")
    with pytest.raises(InvalidRequestError):
        await vault.confirm_connection(subject_token=ended, connection="c", nonce="n")
    with pytest.raises(InvalidRequestError):
        await vault.set_access(subject_token=ended, connection="github", is_allowed=False)
    with pytest.raises(InvalidRequestError):
        await vault.disconnect(subject_token=ended, connection="github")
    assert len(await vault.list_connections(subject_token=subject())) == 1


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "no-such-type"])
async def test_a_hint_changes_nothing(http: httpx.AsyncClient, hint: str) -> None:
    """RFC 7009 section 2.1: the server may ignore it."""
    token = subject()
    assert (await introspect(http, token, token_type_hint=hint))["active"] is True
    assert (await revoke(http, token, token_type_hint=hint)).status_code == 200
    assert await introspect(http, token) == {"active": False}


async def test_revoking_twice_is_one_event(http: httpx.AsyncClient) -> None:
    token = subject()
    assert [(await revoke(http, token)).status_code for _ in range(2)] == [200, 200]
    assert len(await events(kind="vault:token")) == 1


async def test_a_revocation_does_not_wait_for_the_audit(http: httpx.AsyncClient) -> None:
    token = subject()
    async with audit_down():
        assert (await revoke(http, token)).status_code == 200
    assert await introspect(http, token) == {"active": False}
    await revoke(http, subject())
    assert len(await events(kind="vault:token")) == 2


async def test_a_token_that_cannot_be_revoked_is_told_apart(http: httpx.AsyncClient) -> None:
    """RFC 7009 section 2.2.1."""
    response = await revoke(http, tokens.mint_assertion())
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_token_type")


NOW = int(time.time())
NOT_ACTIVE = {
    "no token": lambda: "x",
    "expired": lambda: signed(iat=NOW - 400, exp=NOW - 100),
    "another client's": lambda: signed(client_id="someone-else"),
    "no client's": lambda: signed(client_id=None),
    "of another issuer": lambda: signed(iss="https://other.example"),
    "for another vault": lambda: signed(aud="https://other.example"),
    "of no user": lambda: signed(sub="agent:devcontext"),
    "an upstream token": lambda: "ghu_0123456789abcdef",
    "with a character more": lambda: subject() + "A",
}


@pytest.mark.parametrize("make", NOT_ACTIVE.values(), ids=NOT_ACTIVE.keys())
async def test_what_is_not_the_clients_is_not_active_and_revoking_it_changes_nothing(
    http: httpx.AsyncClient, make: Callable[[], str]
) -> None:
    """RFC 7662 section 2.2, RFC 7009 section 2.2: neither answer says why."""
    token = make()
    assert await introspect(http, token) == {"active": False}
    response = await revoke(http, token)
    assert (response.status_code, response.json()) == (200, {})
    assert await events(kind="vault:token") == []
    assert not await models.RevokedToken.objects.using("vault").aexists()


async def test_a_client_assertion_is_not_active(http: httpx.AsyncClient) -> None:
    assert await introspect(http, tokens.mint_assertion()) == {"active": False}


async def test_a_living_upstream_token_is_as_unknown_as_any_text(
    http: httpx.AsyncClient, vault: EmbeddedVault, connect_user: Connect
) -> None:
    await connect_user()
    upstream_token = (await vault.exchange(request())).access_token
    assert await introspect(http, upstream_token) == {"active": False}
    assert (await revoke(http, upstream_token)).status_code == 200
    assert (await vault.exchange(request())).access_token == upstream_token


async def test_an_active_subject_token_is_described(http: httpx.AsyncClient) -> None:
    """RFC 7662 section 2.2."""
    body = await introspect(http, signed(jti="jti-7"))
    assert 0 < body.pop("exp") - body.pop("iat") <= 300
    assert body == {
        "active": True,
        "scope": "exchange",
        "client_id": "devcontext-web",
        "token_type": "Bearer",
        "sub": ALICE,
        "sid": "sid-1",
        "auth_time": 1,
        "iss": settings.APP_URL,
        "aud": settings.VAULT_ISSUER,
        "jti": "jti-7",
    }


async def test_a_token_of_an_ended_session_is_not_active(http: httpx.AsyncClient, vault: EmbeddedVault) -> None:
    await vault.end_session(subject_token=subject())
    assert await introspect(http, signed()) == {"active": False}
    assert (await introspect(http, signed(sid="sid-2")))["active"]


async def test_an_active_actor_token_is_described_without_what_it_is_not(http: httpx.AsyncClient) -> None:
    body = await introspect(http, actor())
    assert set(body) == {"active", "client_id", "sub", "iss", "aud", "exp", "iat", "jti"}
    assert body["sub"] == "agent:devcontext"


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
async def test_only_a_client_may_ask_and_only_about_a_token(http: httpx.AsyncClient, path: str) -> None:
    """RFC 7009 section 2.1, RFC 7662 section 2.1."""
    response = await http.post(path, data={"token": subject()})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" in response.headers
    response = await post(http, path)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert (await http.get(path)).status_code == 405


async def test_what_is_revoked_is_forgotten_once_it_has_ended(http: httpx.AsyncClient) -> None:
    """No token is believed after its end, so the table holds minutes and not years."""
    rows = models.RevokedToken.objects.using("vault")
    await rows.acreate(jti="ended", expires_at=timezone.now())
    await rows.acreate(jti="alive", expires_at=timezone.now() + timedelta(seconds=10))
    await revoke(http, signed(jti="jti-9"))
    assert {row.jti async for row in rows.all()} == {"alive", "jti-9"}


@pytest.mark.django_db(databases=["vault"])
def test_a_token_stays_refused_a_little_longer_than_it_lives() -> None:
    """The clocks of two vault processes may differ."""
    ends_at = timezone.now() + timedelta(seconds=1)
    revoked_tokens.add("jti-1", expires_at=ends_at)
    assert models.RevokedToken.objects.using("vault").get().expires_at > ends_at + timedelta(seconds=30)
