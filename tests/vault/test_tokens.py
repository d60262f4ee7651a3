"""What must hold in a subject token, an actor token and a client assertion before the vault believes it."""

import time
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from joserfc.jwk import OKPKey

from vault import jws, tokens
from vault.errors import InvalidClientError, InvalidRequestError
from vault.tokens import WEB_CLIENT, Subject

NOW = int(time.time())
SUBJECT = Subject(user="user:1", sid="sid-1", client=WEB_CLIENT, may_act="", auth_time=NOW, jti="jti-1")


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a valid subject token with some changed; None takes one away."""
    now = int(time.time())
    valid = {
        "iss": settings.APP_URL,
        "aud": settings.VAULT_ISSUER,
        "sub": "user:1",
        "sid": "sid-1",
        "auth_time": NOW,
        "client_id": WEB_CLIENT,
        "scope": "exchange",
        "jti": "jti-1",
        "iat": now,
        "exp": now + 300,
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def actor_claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    own = {"sub": "agent:devcontext", "run_id": "r", "tool": "t", "tool_call_id": "c", "exp": now + 60}
    return claims(**(own | changes))


def assertion_claims(**changes: Any) -> dict[str, Any]:
    return claims(**({"iss": WEB_CLIENT, "sub": WEB_CLIENT, "exp": int(time.time()) + 60} | changes))


def token(values: dict[str, Any], *, typ: str = "at+jwt", pem: str = "") -> str:
    return jws.sign(values, pem=pem or settings.SUBJECT_SIGNING_KEY, typ=typ)


def verify(text: str) -> Subject:
    return tokens.verify_subject(text, purpose="exchange", client=WEB_CLIENT)


def test_a_minted_subject_token_names_the_user_and_session() -> None:
    text = tokens.mint_subject(
        user="user:1", sid="sid-1", auth_time=NOW, purpose="exchange", may_act="agent:devcontext"
    )
    assert verify(text) == replace(SUBJECT, may_act="agent:devcontext", jti=verify(text).jti)


def test_the_hand_made_subject_token_of_these_tests_is_valid() -> None:
    assert verify(token(claims())) == SUBJECT


BAD_SUBJECTS: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "https://other.example"},
    "a list of audiences": {"aud": [settings.VAULT_ISSUER, "https://other.example"]},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://other.example"},
    "no issuer": {"iss": None},
    "expired": {"iat": NOW - 400, "exp": NOW - 100},
    "no expiry": {"exp": None},
    "expiry as text": {"exp": str(NOW + 60)},
    "expiry as a boolean": {"exp": True},
    "expiry with a fraction": {"exp": NOW + 60.5},
    "a life longer than we mint": {"exp": NOW + 36_000},
    "issued in the future": {"iat": NOW + 36_000, "exp": NOW + 36_100},
    "no time of issue": {"iat": None},
    "not valid yet": {"nbf": NOW + 36_000},
    "not valid before some text": {"nbf": "now"},
    "no user": {"sub": None},
    "a user of another kind": {"sub": "agent:devcontext"},
    "a user without id": {"sub": "user:"},
    "a user that is no text": {"sub": 1},
    "no session": {"sid": None},
    "an empty session": {"sid": ""},
    "no time of the sign-in": {"auth_time": None},
    "a sign-in as text": {"auth_time": str(NOW)},
    "a sign-in as a boolean": {"auth_time": True},
    "a sign-in before the epoch": {"auth_time": -1},
    "a sign-in in the future": {"auth_time": NOW + 36_000},
    "a sign-in at no time": {"auth_time": float("inf")},
    "another client": {"client_id": "someone-else"},
    "another purpose": {"scope": "connections"},
    "no jti": {"jti": None},
    "a claim that is too long": {"sid": "x" * 201},
    "a may_act that is no object": {"may_act": "agent:devcontext"},
    "a may_act that names a user": {"may_act": {"sub": "user:2"}},
}


@pytest.mark.parametrize("changes", BAD_SUBJECTS.values(), ids=BAD_SUBJECTS.keys())
def test_a_subject_token_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    """RFC 8693 section 2.2.2: the answer is `invalid_request`."""
    with pytest.raises(InvalidRequestError):
        verify(token(claims(**changes)))


@pytest.mark.parametrize("typ", ["JWT", "actor+jwt", "client-authentication+jwt"])
def test_a_token_of_another_type_is_no_subject_token(typ: str) -> None:
    """RFC 8725 section 3.11: a token made for one door opens no other."""
    with pytest.raises(InvalidRequestError):
        verify(token(claims(), typ=typ))


def test_a_subject_token_of_another_key_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        verify(token(claims(), pem=OKPKey.generate_key("Ed25519").as_pem(private=True).decode()))


def test_a_minted_actor_token_names_the_tool_call_and_is_unique() -> None:
    minted = [tokens.mint_actor(agent="agent:devcontext", run="r", tool="t", tool_call="c") for _ in range(2)]
    first, second = (tokens.verify_actor(text, subject=SUBJECT) for text in minted)
    assert (first.agent, first.run, first.tool, first.tool_call) == ("agent:devcontext", "r", "t", "c")
    assert first.jti != second.jti


BAD_ACTORS: dict[str, dict[str, Any]] = {
    "a user": {"sub": "user:1"},
    "no run": {"run_id": None},
    "no tool": {"tool": None},
    "no tool call": {"tool_call_id": None},
    "no jti": {"jti": None},
    "a life longer than a minute": {"exp": NOW + 36_000},
    "another audience": {"aud": "https://other.example"},
}


@pytest.mark.parametrize("changes", BAD_ACTORS.values(), ids=BAD_ACTORS.keys())
def test_an_actor_token_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        tokens.verify_actor(token(actor_claims(**changes), typ="actor+jwt"), subject=SUBJECT)


def test_an_agent_that_the_subject_does_not_name_may_not_act() -> None:
    """RFC 8693 section 4.4."""
    subject = replace(SUBJECT, may_act="agent:devcontext")
    with pytest.raises(InvalidRequestError):
        tokens.verify_actor(token(actor_claims(sub="agent:other"), typ="actor+jwt"), subject=subject)


def test_a_minted_assertion_names_our_client() -> None:
    assert tokens.verify_assertion(tokens.mint_assertion()) == WEB_CLIENT


BAD_ASSERTIONS: dict[str, dict[str, Any]] = {
    "another client": {"sub": "someone-else", "iss": "someone-else"},
    "issuer and subject that differ": {"sub": "someone-else"},
    "another audience": {"aud": "https://other.example"},
    "a life longer than a minute": {"exp": NOW + 36_000},
}


@pytest.mark.parametrize("changes", BAD_ASSERTIONS.values(), ids=BAD_ASSERTIONS.keys())
def test_an_assertion_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    """RFC 7523 section 3."""
    with pytest.raises(InvalidClientError):
        tokens.verify_assertion(token(assertion_claims(**changes), typ="client-authentication+jwt"))


def test_a_subject_token_authenticates_no_client() -> None:
    with pytest.raises(InvalidClientError):
        tokens.verify_assertion(token(assertion_claims()))
