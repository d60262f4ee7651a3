"""Google's token endpoint: no rotation, offline access, revocation of everything."""

import pytest

from tests.sandbox.harness import CALENDAR_SCOPE, CHALLENGE, VERIFIER, Visitor

PROVIDER = "google-calendar"


async def test_a_code_becomes_an_hours_access_and_a_refresh_token(visitor: Visitor) -> None:
    answer = (await visitor.exchange_code(PROVIDER, await visitor.code(PROVIDER))).json()
    assert answer.pop("access_token").startswith("ya29.")
    assert answer.pop("refresh_token").startswith("1//")
    email = "https://www.googleapis.com/auth/userinfo.email"
    assert answer == {
        "expires_in": 3599,
        "scope": f"openid {email} {CALENDAR_SCOPE}",
        "token_type": "Bearer",
    }


@pytest.mark.parametrize("overrides", [{"access_type": "online"}, {"access_type": ""}])
async def test_without_offline_access_there_is_no_refresh_token(visitor: Visitor, overrides: dict[str, str]) -> None:
    assert "refresh_token" not in await visitor.connect(PROVIDER, **overrides)


async def test_a_second_consent_gives_a_refresh_token_only_when_forced(visitor: Visitor) -> None:
    assert "refresh_token" in await visitor.connect(PROVIDER, prompt="")
    assert "refresh_token" not in await visitor.connect(PROVIDER, prompt="")
    assert "refresh_token" in await visitor.connect(PROVIDER, prompt="consent")


async def test_a_refresh_returns_no_new_refresh_token_and_kills_nothing(visitor: Visitor) -> None:
    pair = await visitor.connect(PROVIDER)
    first = (await visitor.refresh(PROVIDER, pair["refresh_token"])).json()
    second = (await visitor.refresh(PROVIDER, pair["refresh_token"])).json()
    assert set(first) == {"access_token", "expires_in", "scope", "token_type"}
    for token in (pair, first, second):
        assert (await visitor.probe(PROVIDER, token["access_token"])).status_code == 200


async def test_an_access_token_dies_within_the_hour(visitor: Visitor) -> None:
    pair = await visitor.connect(PROVIDER)
    visitor.clock.pass_(seconds=3599)
    dead = await visitor.probe(PROVIDER, pair["access_token"])
    assert dead.status_code == 401
    assert dead.json()["error"]["errors"][0]["reason"] == "authError"
    assert 'error="invalid_token"' in dead.headers["www-authenticate"]


async def test_a_code_works_once(visitor: Visitor) -> None:
    code = await visitor.code(PROVIDER)
    await visitor.exchange_code(PROVIDER, code)
    again = await visitor.exchange_code(PROVIDER, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_a_wrong_secret_is_401(visitor: Visitor) -> None:
    answer = await visitor.exchange_code(PROVIDER, await visitor.code(PROVIDER), client_secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_another_callback_is_a_mismatch(visitor: Visitor) -> None:
    elsewhere = "http://127.0.0.1:8000/connect/google-calendar/callback"
    answer = await visitor.exchange_code(PROVIDER, await visitor.code(PROVIDER), redirect_uri=elsewhere)
    assert (answer.status_code, answer.json()["error"]) == (400, "redirect_uri_mismatch")


async def test_pkce_is_tolerated_and_then_enforced(visitor: Visitor) -> None:
    asked = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    right = await visitor.exchange_code(PROVIDER, await visitor.code(PROVIDER, **asked), code_verifier=VERIFIER)
    assert right.status_code == 200
    wrong = await visitor.exchange_code(PROVIDER, await visitor.code(PROVIDER, **asked))
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")


async def test_a_dead_refresh_token_is_400(visitor: Visitor) -> None:
    answer = await visitor.refresh(PROVIDER, "1//unknown")
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}


async def test_an_unknown_grant_type_is_refused(visitor: Visitor) -> None:
    answer = await visitor.exchange(PROVIDER, grant_type="password")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revocation_ends_everything_the_user_granted(visitor: Visitor, kind: str) -> None:
    first, second = [await visitor.connect(PROVIDER) for _ in range(2)]
    assert (await visitor.http.post("/google/revoke", data={"token": first[kind]})).status_code == 200
    for pair in (first, second):
        assert (await visitor.probe(PROVIDER, pair["access_token"])).status_code == 401
        assert (await visitor.refresh(PROVIDER, pair["refresh_token"])).status_code == 400


async def test_revoking_an_unknown_token_is_400(visitor: Visitor) -> None:
    answer = await visitor.http.post("/google/revoke", data={"token": "ya29.unknown"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_token")


async def test_userinfo_tells_what_the_scopes_allow(visitor: Visitor) -> None:
    pair = await visitor.connect(PROVIDER, scope=f"openid {CALENDAR_SCOPE}")
    assert set((await visitor.probe(PROVIDER, pair["access_token"])).json()) == {"sub"}
    pair = await visitor.connect(PROVIDER, scope="openid email profile")
    told = (await visitor.probe(PROVIDER, pair["access_token"])).json()
    assert (told["email"], told["name"]) == ("maya@tidewater.example", "Maya Okafor")
    pair = await visitor.connect(PROVIDER, scope=CALENDAR_SCOPE)
    assert (await visitor.probe(PROVIDER, pair["access_token"])).status_code == 403
