"""The consent page: who may ask, what the user's answer grants, and that an answer counts once."""

import pytest

from tests.sandbox.harness import AUTHORIZE, CALENDAR_SCOPE, CHALLENGE, Visitor, callback, form_token, returned

PROVIDERS = tuple(AUTHORIZE)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_page_says_that_it_is_not_the_provider_and_who_asks(visitor: Visitor, provider: str) -> None:
    page = await visitor.ask(provider)
    assert page.status_code == 200
    assert "This is not" in page.text
    assert "http://localhost:8000" in page.text
    assert "maya@tidewater.example" in page.text


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_page_runs_no_script_and_cannot_be_framed(visitor: Visitor, provider: str) -> None:
    policy = (await visitor.ask(provider)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://localhost:* http://127.0.0.1:*;" in policy


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_allow_sends_a_code_and_the_state_back(visitor: Visitor, provider: str) -> None:
    answer = await visitor.answer(provider, await visitor.ask(provider, state="x&y=é"))
    assert answer.headers["location"].startswith(callback(provider) + "?")
    told = returned(answer)
    assert told["state"] == "x&y=é"
    assert told["code"]
    assert "iss" not in told


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_cancel_sends_access_denied_and_no_code(visitor: Visitor, provider: str) -> None:
    told = returned(await visitor.answer(provider, await visitor.ask(provider), decision="cancel"))
    assert told["error"] == "access_denied"
    assert told["state"] == "a state"
    assert "code" not in told


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "",
        "https://evil.example/connect/github/callback",
        "http://localhost.evil.example/connect/{provider}/callback",
        "http://localhost:8000@evil.example/connect/{provider}/callback",
        "http://localhost:8000/connect/{provider}/callback/",
        "http://localhost:8000/connect/{provider}/callback?next=1",
        "http://localhost:8000/connect/other/callback",
        "http://localhost:8000/connect/{provider}/callback#x",
        "http://localhost:8000/connect/{provider}/callback\n",
        "https://localhost:8000/connect/{provider}/callback",
    ],
)
async def test_an_unregistered_callback_gets_a_page_and_never_a_redirect(
    visitor: Visitor, provider: str, redirect_uri: str
) -> None:
    """RFC 6749 section 4.1.2.1: no redirect to an address that is not registered."""
    page = await visitor.ask(provider, redirect_uri=redirect_uri.replace("{provider}", provider))
    assert page.status_code == 400
    assert "redirect_uri" in page.text
    assert "location" not in page.headers


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost:9", "127.0.0.1:65535"])
async def test_the_app_may_be_on_any_loopback_port(visitor: Visitor, host: str) -> None:
    page = await visitor.ask("github", redirect_uri=f"http://{host}/connect/github/callback")
    assert page.status_code == 200


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_unknown_client_is_refused(visitor: Visitor, provider: str) -> None:
    page = await visitor.ask(provider, client_id="<script>alert(1)</script>")
    assert page.status_code == 400
    assert "<script>" not in page.text


async def test_a_parameter_sent_twice_is_refused(visitor: Visitor) -> None:
    path = f"{AUTHORIZE['github']}?client_id=devcontext-sandbox&client_id=other&redirect_uri={callback('github')}"
    assert (await visitor.http.get(path)).status_code == 400


async def test_only_the_code_flow_is_answered(visitor: Visitor) -> None:
    assert (await visitor.ask("google-calendar", response_type="token")).status_code == 400


@pytest.mark.parametrize("provider", ["github", "google-calendar"])
@pytest.mark.parametrize(
    ("challenge", "method"), [(CHALLENGE, "plain"), (CHALLENGE, ""), ("short", "S256"), ("", "S256")]
)
async def test_pkce_other_than_s256_is_refused(visitor: Visitor, provider: str, challenge: str, method: str) -> None:
    page = await visitor.ask(provider, code_challenge=challenge, code_challenge_method=method)
    assert page.status_code == 400


async def test_slack_refuses_pkce_loudly(visitor: Visitor) -> None:
    """At Slack, PKCE makes an app a public client for ever: docs.slack.dev/authentication/using-pkce."""
    page = await visitor.ask("slack", code_challenge=CHALLENGE, code_challenge_method="S256")
    assert page.status_code == 400
    assert "public client" in page.text


@pytest.mark.parametrize(
    ("provider", "parameter", "scope"),
    [
        ("google-calendar", "scope", "https://www.googleapis.com/auth/drive"),
        ("google-calendar", "scope", ""),
        ("slack", "user_scope", "chat:write"),
        ("slack", "user_scope", ""),
        ("github", "scope", "repo"),
    ],
)
async def test_scopes_that_are_not_offered_are_refused(
    visitor: Visitor, provider: str, parameter: str, scope: str
) -> None:
    assert (await visitor.ask(provider, **{parameter: scope})).status_code == 400


async def test_slack_has_no_bot_to_give_a_scope_to(visitor: Visitor) -> None:
    assert (await visitor.ask("slack", scope="chat:write")).status_code == 400


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_form_counts_once(visitor: Visitor, provider: str) -> None:
    page = await visitor.ask(provider)
    assert (await visitor.answer(provider, page)).status_code == 303
    again = await visitor.answer(provider, page)
    assert again.status_code == 400
    assert "location" not in again.headers


async def test_a_forged_form_grants_nothing(visitor: Visitor) -> None:
    """CSRF: a page elsewhere knows no form token."""
    for forged in ({"decision": "allow"}, {"decision": "allow", "form_token": "0" * 40}):
        assert (await visitor.http.post(AUTHORIZE["github"], data=forged)).status_code == 400


async def test_a_form_of_another_provider_grants_nothing(visitor: Visitor) -> None:
    form = {"form_token": form_token(await visitor.ask("github")), "decision": "allow"}
    assert (await visitor.http.post(AUTHORIZE["slack"], data=form)).status_code == 400


async def test_a_form_is_too_old_after_ten_minutes(visitor: Visitor) -> None:
    page = await visitor.ask("github")
    visitor.clock.pass_(minutes=10)
    assert (await visitor.answer("github", page)).status_code == 400


async def test_an_unticked_calendar_is_not_granted(visitor: Visitor) -> None:
    """Google's granular consent: the answer's scope may be less than was asked."""
    code = await visitor.code("google-calendar", ticked=[])
    granted = (await visitor.exchange_code("google-calendar", code)).json()["scope"].split()
    assert CALENDAR_SCOPE not in granted
    assert "openid" in granted


async def test_a_form_cannot_tick_what_was_not_asked(visitor: Visitor) -> None:
    more = "https://www.googleapis.com/auth/calendar.readonly"
    code = await visitor.code("google-calendar", ticked=[CALENDAR_SCOPE, more])
    granted = (await visitor.exchange_code("google-calendar", code)).json()["scope"].split()
    assert CALENDAR_SCOPE in granted
    assert more not in granted
