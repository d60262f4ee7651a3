"""GitHub's token endpoint: exact answers, hard rotation, revocation."""

from urllib.parse import parse_qs

import httpx
import pytest

from tests.sandbox.harness import CHALLENGE, CREDENTIALS, TOKEN, VERIFIER, Visitor

PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
APP = "/github/api/applications/devcontext-sandbox"


async def test_a_code_becomes_a_github_app_user_token(visitor: Visitor) -> None:
    answer = (await visitor.exchange_code("github", await visitor.code("github"))).json()
    assert answer.pop("access_token").startswith("ghu_")
    assert answer.pop("refresh_token").startswith("ghr_")
    assert answer == {
        "expires_in": 28800,
        "refresh_token_expires_in": 15811200,
        "scope": "",
        "token_type": "bearer",
    }


async def test_the_answer_is_a_form_unless_json_is_accepted(visitor: Visitor) -> None:
    form = {**CREDENTIALS, "code": await visitor.code("github")}
    answer = await visitor.http.post(TOKEN["github"], data=form, headers={"accept": "*/*"})
    assert answer.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert parse_qs(answer.text)["token_type"] == ["bearer"]


async def test_a_code_works_once(visitor: Visitor) -> None:
    code = await visitor.code("github")
    await visitor.exchange_code("github", code)
    again = await visitor.exchange_code("github", code)
    assert (again.status_code, again.json()["error"]) == (200, "bad_verification_code")


async def test_a_code_dies_after_ten_minutes(visitor: Visitor) -> None:
    code = await visitor.code("github")
    visitor.clock.pass_(minutes=10)
    assert (await visitor.exchange_code("github", code)).json()["error"] == "bad_verification_code"


async def test_a_wrong_secret_is_status_200_and_leaves_the_code_alone(visitor: Visitor) -> None:
    code = await visitor.code("github")
    wrong = await visitor.exchange_code("github", code, client_secret="wrong")
    assert (wrong.status_code, wrong.json()["error"]) == (200, "incorrect_client_credentials")
    assert "access_token" in (await visitor.exchange_code("github", code)).json()


async def test_another_callback_is_a_mismatch(visitor: Visitor) -> None:
    code = await visitor.code("github")
    answer = await visitor.exchange_code("github", code, redirect_uri="http://localhost:1/connect/github/callback")
    assert answer.json()["error"] == "redirect_uri_mismatch"


async def test_a_code_of_another_provider_is_unknown(visitor: Visitor) -> None:
    code = await visitor.code("slack")
    assert (await visitor.exchange_code("github", code)).json()["error"] == "bad_verification_code"


async def test_the_verifier_must_fit_the_challenge(visitor: Visitor) -> None:
    """RFC 7636 section 4.6."""
    answer = await visitor.exchange_code("github", await visitor.code("github", **PKCE), code_verifier=VERIFIER)
    assert "access_token" in answer.json()
    for wrong in ({}, {"code_verifier": ""}, {"code_verifier": VERIFIER[::-1]}):
        answer = await visitor.exchange_code("github", await visitor.code("github", **PKCE), **wrong)
        assert answer.json()["error"] == "bad_verification_code"


async def test_a_verifier_without_a_challenge_is_refused(visitor: Visitor) -> None:
    """RFC 9700 section 2.1.1: otherwise a challenge could be stripped from the request unseen."""
    answer = await visitor.exchange_code("github", await visitor.code("github"), code_verifier=VERIFIER)
    assert answer.json()["error"] == "bad_verification_code"


async def test_an_unknown_grant_type_is_refused(visitor: Visitor) -> None:
    assert (await visitor.exchange("github", grant_type="password")).json()["error"] == "unsupported_grant_type"


async def test_a_refresh_kills_the_old_pair_at_once(visitor: Visitor) -> None:
    old = await visitor.connect("github")
    new = (await visitor.refresh("github", old["refresh_token"])).json()
    assert (await visitor.probe("github", old["access_token"])).status_code == 401
    assert (await visitor.probe("github", new["access_token"])).status_code == 200
    again = await visitor.refresh("github", old["refresh_token"])
    assert again.status_code == 200
    assert again.json()["error"] == "bad_refresh_token"
    assert again.json()["error_description"] == "The refresh token passed is incorrect or expired."


async def test_reusing_an_old_refresh_token_does_not_hurt_the_new_pair(visitor: Visitor) -> None:
    old = await visitor.connect("github")
    new = (await visitor.refresh("github", old["refresh_token"])).json()
    await visitor.refresh("github", old["refresh_token"])
    assert (await visitor.probe("github", new["access_token"])).status_code == 200


async def test_an_access_token_dies_after_eight_hours(visitor: Visitor) -> None:
    pair = await visitor.connect("github")
    visitor.clock.pass_(seconds=28799)
    assert (await visitor.probe("github", pair["access_token"])).status_code == 200
    visitor.clock.pass_(seconds=1)
    dead = await visitor.probe("github", pair["access_token"])
    assert (dead.status_code, dead.json()["message"]) == (401, "Bad credentials")


async def test_a_refresh_token_dies_after_six_months(visitor: Visitor) -> None:
    pair = await visitor.connect("github")
    visitor.clock.pass_(seconds=15811200)
    assert (await visitor.refresh("github", pair["refresh_token"])).json()["error"] == "bad_refresh_token"


async def test_an_access_token_is_no_refresh_token(visitor: Visitor) -> None:
    pair = await visitor.connect("github")
    assert (await visitor.refresh("github", pair["access_token"])).json()["error"] == "bad_refresh_token"
    assert (await visitor.probe("github", pair["refresh_token"])).status_code == 401


@pytest.mark.parametrize("what", ["token", "grant"])
async def test_revocation_ends_the_tokens(visitor: Visitor, what: str) -> None:
    pair = await visitor.connect("github")
    answer = await _revoke(visitor, what, pair["access_token"])
    assert answer.status_code == 204
    assert (await visitor.probe("github", pair["access_token"])).status_code == 401
    assert (await visitor.refresh("github", pair["refresh_token"])).json()["error"] == "bad_refresh_token"
    assert (await _revoke(visitor, what, pair["access_token"])).status_code == 404


async def test_revoking_the_grant_ends_every_token_and_revoking_a_token_only_its_own(visitor: Visitor) -> None:
    first, second, third = [await visitor.connect("github") for _ in range(3)]
    await _revoke(visitor, "token", first["access_token"])
    assert (await visitor.probe("github", second["access_token"])).status_code == 200
    await _revoke(visitor, "grant", second["access_token"])
    assert (await visitor.probe("github", third["access_token"])).status_code == 401


@pytest.mark.parametrize("auth", [None, ("devcontext-sandbox", "wrong"), ("other", "sandbox-secret")])
async def test_revocation_needs_the_apps_own_credentials(visitor: Visitor, auth: tuple[str, str] | None) -> None:
    pair = await visitor.connect("github")
    body = {"access_token": pair["access_token"]}
    answer = await visitor.http.request("DELETE", f"{APP}/grant", json=body, auth=auth)
    assert answer.status_code == 404
    assert (await visitor.probe("github", pair["access_token"])).status_code == 200


async def _revoke(visitor: Visitor, what: str, access_token: str) -> httpx.Response:
    auth = (CREDENTIALS["client_id"], CREDENTIALS["client_secret"])
    return await visitor.http.request("DELETE", f"{APP}/{what}", json={"access_token": access_token}, auth=auth)
