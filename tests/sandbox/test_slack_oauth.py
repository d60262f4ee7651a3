"""Slack's token endpoint: nested first answers, soft rotation, refusals with status 200."""

import pytest

from tests.sandbox.harness import CREDENTIALS, SLACK_SCOPES, TOKEN, VERIFIER, Visitor, callback

BASIC = (CREDENTIALS["client_id"], CREDENTIALS["client_secret"])


async def test_the_first_answer_nests_the_users_token(visitor: Visitor) -> None:
    answer = (await visitor.exchange_code("slack", await visitor.code("slack"))).json()
    user = answer.pop("authed_user")
    assert answer == {
        "ok": True,
        "app_id": "A07SANDBOX",
        "team": {"id": "T07TIDEWTR", "name": "Tidewater"},
        "enterprise": None,
        "is_enterprise_install": False,
    }
    assert user.pop("access_token").startswith("xoxe.xoxp-1-")
    assert user.pop("refresh_token").startswith("xoxe-1-")
    assert user == {"id": "U07TDMAYA1", "scope": SLACK_SCOPES, "token_type": "user", "expires_in": 43200}


async def test_a_refresh_answers_at_the_top_level(visitor: Visitor) -> None:
    pair = await visitor.connect("slack")
    answer = (await visitor.refresh("slack", pair["refresh_token"])).json()
    assert answer["ok"] is True
    assert answer["token_type"] == "user"
    assert answer["scope"] == SLACK_SCOPES
    assert "authed_user" not in answer
    assert (await visitor.probe("slack", answer["access_token"])).json()["user_id"] == "U07TDMAYA1"


async def test_credentials_may_come_by_http_basic(visitor: Visitor) -> None:
    form = {"code": await visitor.code("slack"), "redirect_uri": callback("slack")}
    assert (await visitor.http.post(TOKEN["slack"], data=form, auth=BASIC)).json()["ok"] is True


async def test_a_used_refresh_token_lives_for_a_grace_period(visitor: Visitor) -> None:
    pair = await visitor.connect("slack")
    await visitor.refresh("slack", pair["refresh_token"])
    visitor.clock.pass_(seconds=59)
    assert (await visitor.refresh("slack", pair["refresh_token"])).json()["ok"] is True
    visitor.clock.pass_(seconds=1)
    assert (await visitor.refresh("slack", pair["refresh_token"])).json() == {
        "ok": False,
        "error": "invalid_refresh_token",
    }


async def test_two_access_tokens_live_and_a_third_ends_the_oldest(visitor: Visitor) -> None:
    first = await visitor.connect("slack")
    second = (await visitor.refresh("slack", first["refresh_token"])).json()
    assert (await visitor.probe("slack", first["access_token"])).json()["ok"] is True
    third = (await visitor.refresh("slack", second["refresh_token"])).json()
    assert (await visitor.probe("slack", first["access_token"])).json()["error"] == "token_revoked"
    assert (await visitor.probe("slack", second["access_token"])).json()["ok"] is True
    assert (await visitor.probe("slack", third["access_token"])).json()["ok"] is True


async def test_an_access_token_expires_after_twelve_hours(visitor: Visitor) -> None:
    pair = await visitor.connect("slack")
    visitor.clock.pass_(seconds=43200)
    expired = await visitor.probe("slack", pair["access_token"])
    assert (expired.status_code, expired.json()) == (200, {"ok": False, "error": "token_expired"})


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"client_id": "other"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "bad_client_secret"),
        ({"code": "unknown"}, "invalid_code"),
        ({"redirect_uri": "http://localhost:1/connect/slack/callback"}, "bad_redirect_uri"),
        ({"code_verifier": VERIFIER}, "invalid_code_verifier"),
        ({"grant_type": "password"}, "invalid_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "xoxe-1-unknown"}, "invalid_refresh_token"),
    ],
)
async def test_each_mistake_has_slacks_own_code(visitor: Visitor, values: dict[str, str], error: str) -> None:
    form = {"code": await visitor.code("slack"), **values}
    code = form.pop("code")
    answer = await visitor.exchange_code("slack", code, **form)
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})


async def test_a_code_works_once(visitor: Visitor) -> None:
    code = await visitor.code("slack")
    await visitor.exchange_code("slack", code)
    assert (await visitor.exchange_code("slack", code)).json()["error"] == "invalid_code"


async def test_revocation_ends_the_grant(visitor: Visitor) -> None:
    pair = await visitor.connect("slack")
    assert await visitor.slack(pair["access_token"], "auth.revoke", test="1") == {"ok": True, "revoked": False}
    assert await visitor.slack(pair["access_token"], "auth.revoke") == {"ok": True, "revoked": True}
    assert (await visitor.probe("slack", pair["access_token"])).json()["error"] == "token_revoked"
    assert (await visitor.refresh("slack", pair["refresh_token"])).json()["error"] == "invalid_refresh_token"
    assert (await visitor.slack(pair["access_token"], "auth.revoke"))["error"] == "token_revoked"


async def test_scopes_are_only_added_until_the_token_is_revoked(visitor: Visitor) -> None:
    first = await visitor.connect("slack", user_scope="channels:read,search:read")
    second = await visitor.connect("slack", user_scope="channels:read")
    assert second["scope"] == "channels:read,search:read"
    for pair in (first, second):
        assert (await visitor.slack(pair["access_token"], "auth.revoke"))["revoked"] is True
    assert (await visitor.connect("slack", user_scope="channels:read"))["scope"] == "channels:read"
