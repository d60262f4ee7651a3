"""The operator's page: a person upsets the sandbox by plain forms, and no other page can."""

import re

import httpx
import pytest

from tests.sandbox.harness import BASE_URL, Visitor

OWN = {"origin": BASE_URL}


async def _send(visitor: Visitor, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
    return await visitor.http.post("/operator", data=form, headers=OWN if headers is None else headers)


async def test_the_page_is_labelled_and_runs_nothing(visitor: Visitor) -> None:
    answer = await visitor.http.get("/operator")
    assert "This upsets the sandbox only: Tidewater, an invented team" in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    # Without a referrer a form's origin would be "null".
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_a_form_orders_a_failure_and_shows_it(visitor: Visitor) -> None:
    sent = await _send(visitor, subject="faults", choice="slack:api.ratelimited", times="2", seconds="7")
    assert (sent.status_code, sent.headers["location"]) == (303, "/operator")
    assert "slack api.ratelimited, 2 times" in (await visitor.http.get("/operator")).text
    failed = await visitor.probe("slack", "")
    assert (failed.status_code, failed.headers["retry-after"]) == (429, "7")


async def test_a_form_switches_limits(visitor: Visitor) -> None:
    await _send(visitor, subject="limits", choice="slack:non_marketplace", left="0")
    assert "slack non_marketplace" in (await visitor.http.get("/operator")).text


async def test_a_form_moves_the_clock(visitor: Visitor) -> None:
    token = (await visitor.connect("google-calendar"))["access_token"]
    await _send(visitor, subject="clock", advance_seconds="3700", access_lifetime_seconds="120")
    assert (await visitor.probe("google-calendar", token)).status_code == 401
    text = (await visitor.http.get("/operator")).text
    assert "3700 s ahead" in text
    assert "120 s" in text


async def test_every_choice_on_the_page_can_be_sent(visitor: Visitor) -> None:
    text = (await visitor.http.get("/operator")).text
    choices = re.findall(r'<option value="([^"]+)"', text)
    assert len(choices) > 60
    for choice in choices:
        subject = "limits" if choice.rpartition(":")[2] in {"off", "documented", "non_marketplace"} else "faults"
        assert (await _send(visitor, subject=subject, choice=choice)).status_code == 303, choice


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "null"}, {"origin": "https://evil.example"}, {"origin": "http://127.0.0.1:8000"}],
    ids=["none", "null", "foreign", "another port"],
)
async def test_a_form_of_another_page_is_refused(visitor: Visitor, headers: dict[str, str]) -> None:
    """CSRF: any page in the same browser can send a form to loopback."""
    sent = await _send(visitor, headers, subject="faults", choice="slack:unavailable")
    assert sent.status_code == 403
    assert "Failures to come</dt><dd>none" in sent.text


@pytest.mark.parametrize("path", ["/faults", "/limits", "/clock"])
async def test_json_of_another_page_is_refused(visitor: Visitor, path: str) -> None:
    answer = await visitor.http.post(path, json={"advance_seconds": 1}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert visitor.app.state.sandbox.clock.moved.total_seconds() == 0


@pytest.mark.parametrize(
    "form",
    [
        {"subject": "faults", "choice": "slack:explode"},
        {"subject": "faults", "choice": "gitlab:slow"},
        {"subject": "faults"},
        {"subject": "limits", "choice": "github:non_marketplace"},
        {"subject": "clock", "advance_seconds": "soon"},
        {"subject": "clock", "advance_seconds": "nan"},
        {"subject": "weather"},
        {},
    ],
)
async def test_a_form_that_orders_nothing_known_gets_a_sentence(visitor: Visitor, form: dict[str, str]) -> None:
    sent = await _send(visitor, **form)
    assert sent.status_code == 400
    assert "must be" in sent.text or "no such form" in sent.text
