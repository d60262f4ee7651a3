"""An answer leaves in the form that was asked for, to the person whose run it is and to nobody else."""

from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agent import earlier, store
from agent.events import Evidence
from agent.types import RunStatus
from tests.agent.conftest import request_of, start

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

PULL = Evidence("gh-00000001", "github", "Fix", "https://github.example/1")
ANSWER = f"## Needs you\n\n- [<b>Fix</b>]({PULL.url}) waits\n- more\n\n**Coverage:** Slack revoked, not read"


@pytest.fixture
def run(alice: User) -> UUID:
    """A run of alice that answered."""
    ticket = start(request_of(alice))
    earlier.keep_evidence(ticket.conversation, [PULL])
    store.end_run(ticket.run, status=RunStatus.FINISHED, last=(1, "{}"), answer=ANSWER, turns=[])
    return ticket.run


@pytest.fixture
def browser(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("slack", "Needs you: <https://github.example/1|&lt;b&gt;Fix&lt;/b&gt;> waits\n\n_Slack revoked, not read_"),
        (
            "markdown",
            "Needs you: [\\<b\\>Fix\\</b\\>](https://github.example/1) waits\n\n**Coverage:** Slack revoked, not read",
        ),
        ("speech", "Needs you: bFix/b waits. Not everything was read: Slack revoked, not read."),
        (
            "html",
            (
                '<p>Needs you: <a href="https://github.example/1">&lt;b&gt;Fix&lt;/b&gt;</a> waits</p>\n'
                "<p><em>Slack revoked, not read</em></p>"
            ),
        ),
    ],
)
def test_a_client_that_wants_text_gets_the_text(browser: Client, run: UUID, form: str, text: str) -> None:
    found = browser.get(f"/runs/{run}/as/{form}/?length=headline", headers={"accept": "text/plain"})
    assert (found.status_code, found["content-type"]) == (200, "text/plain; charset=utf-8")
    assert found["x-content-type-options"] == "nosniff"
    assert "Accept" in found["vary"]
    assert found.content.decode() == text


def test_a_browser_gets_a_page_with_the_text_and_every_form_and_length(browser: Client, run: UUID) -> None:
    found = browser.get(f"/runs/{run}/as/slack/", headers={"accept": "text/html,*/*;q=0.8"})
    page = found.content.decode()
    assert "text/html" in found["content-type"]
    assert "&lt;https://github.example/1|&amp;lt;b&amp;gt;Fix&amp;lt;/b&amp;gt;&gt; waits\n• more" in page
    assert page.count(f"/runs/{run}/as/") == 12
    assert page.count('aria-current="page"') == 1


@pytest.mark.parametrize("path", ["as/pdf/", "as/slack/?length=endless", "as/../", "as/slack/x/"])
def test_what_there_is_not_is_not_found(browser: Client, run: UUID, path: str) -> None:
    assert browser.get(f"/runs/{run}/{path}").status_code == 404


def test_a_run_without_an_answer_has_nothing_to_copy(browser: Client, alice: User) -> None:
    assert browser.get(f"/runs/{start(request_of(alice)).run}/as/slack/").status_code == 404


def test_somebody_elses_run_is_not_there(run: UUID, mallory: User) -> None:
    client = Client()
    client.force_login(mallory)
    refused, absent = client.get(f"/runs/{run}/as/slack/"), client.get(f"/runs/{uuid4()}/as/slack/")
    assert refused.status_code == absent.status_code == 404


def test_a_stranger_is_asked_to_sign_in(run: UUID) -> None:
    found = Client().get(f"/runs/{run}/as/slack/", headers={"accept": "text/plain"})
    assert (found.status_code, found["location"].partition("?")[0]) == (302, "/accounts/login/")


def test_only_reading_is_allowed(browser: Client, run: UUID) -> None:
    assert browser.post(f"/runs/{run}/as/slack/").status_code == 405
