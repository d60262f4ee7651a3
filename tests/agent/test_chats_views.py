"""The history and a run's own page: each person's own, changed by POST alone, and gone when it is gone."""

from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from agent import conversations, store
from agent.event_log import encode
from agent.events import (
    BlockFinal,
    Coverage,
    GroundingCounts,
    Ignored,
    RunFinished,
    RunStarted,
    StepExchanged,
    StepFailed,
    StepFinished,
    StepPermission,
    StepStarted,
)
from agent.models import Conversation
from agent.paging import PAGE_SIZE
from agent.stored_events import append_events
from agent.toolkit import HIDDEN_WORDS
from agent.types import RunStatus, RunTicket
from tests.agent.conftest import request_of, start

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

ANSWER = "A rebase of [Fix](https://github.example/1)."
EVENTS = (
    RunStarted(question="Where is it?", model="m", is_simulated=True),
    StepStarted(id="a", tool="github_pulls", provider="github", label="Fetching…", args={"limit": 30}),
    StepPermission(id="a", state="allowed"),
    StepExchanged(id="a", ms=12, scopes="repo", exchange="exchange-1"),
    StepFinished(id="a", ms=80, items=2, bytes=900, read_ms=60, titles=("Fix",), warnings=(HIDDEN_WORDS,)),
    StepStarted(id="b", tool="slack_mentions", provider="slack", label="Looking…", args={}),
    StepPermission(id="b", state="revoked"),
    StepFailed(id="b", ms=1, code="revoked", message="You revoked AI access to Slack."),
    BlockFinal(block=0, html="<p>A <strong>rebase</strong><script>alert(1)</script></p>", evidence=()),
)
END = RunFinished(
    elapsed_ms=1500,
    coverage=(Coverage("github", "read", 2, 1), Coverage("slack", "revoked", 0, 0)),
    grounding=GroundingCounts(unknown=1, ungrounded=2),
    ignored=Ignored(calls=3, hid=("github",)),
)


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def browser(alice: User) -> Client:
    return browser_of(alice)


@pytest.fixture
def ticket(alice: User) -> RunTicket:
    """A run of alice that read GitHub, was refused Slack, and answered."""
    found = start(request_of(alice, text="Where is it?"))
    frames = [(found.run, seq, encode(event, run=found.run, seq=seq)) for seq, event in enumerate(EVENTS, start=1)]
    append_events(frames)
    last = (len(frames) + 1, encode(END, run=found.run, seq=len(frames) + 1))
    store.end_run(found.run, status=RunStatus.FINISHED, last=last, answer=ANSWER, turns=[])
    return found


def page(client: Client, address: str) -> str:
    found = client.get(address)
    assert found.status_code == 200
    return found.content.decode()


def test_the_history_lists_a_conversation_under_its_day(browser: Client, ticket: RunTicket) -> None:
    html = page(browser, "/chats/")
    assert f'href="/chat/{ticket.conversation}/"' in html
    assert "Where is it?" in html


def test_a_search_shows_the_words_around_a_match_and_leads_to_the_run(browser: Client, ticket: RunTicket) -> None:
    html = page(browser, "/chats/?q=rebase+service:github")
    assert "A <mark>rebase</mark> of Fix." in html
    assert f'href="/runs/{ticket.run}/"' in html
    assert "<mark>" not in page(browser, "/chats/?q=rebase+service:slack")


@pytest.mark.parametrize("query", ["q=service:myspace", "q=before:soon", "q=is:nice"])
def test_what_a_search_did_not_understand_is_said(browser: Client, query: str) -> None:
    assert 'role="alert"' in page(browser, f"/chats/?{query}")


# An instant that no database holds in UTC.
LAST = "before=9999-12-31T23:59:59-14:00"


@pytest.mark.parametrize(
    "query",
    [
        "before=soon",
        "before=2026-01-01",
        "deleted=x",
        f"deleted={UUID(int=1)}",
        "q=%00",
        "before=2026-13-45T00:00Z",
        LAST,
    ],
)
def test_an_address_that_makes_no_sense_shows_the_page(browser: Client, ticket: RunTicket, query: str) -> None:
    assert f"/chat/{ticket.conversation}/" in page(browser, f"/chats/?{query}")


def test_older_conversations_are_a_page_away(browser: Client, alice: User) -> None:
    for number in range(PAGE_SIZE + 1):
        ended = start(request_of(alice, text=f"Question {number}"))
        store.end_run(ended.run, status=RunStatus.STOPPED, last=(1, "{}"), answer="", turns=[])
    found = browser.get("/chats/")
    newest = [row.title for _, rows in found.context["days"] for row in rows]
    assert newest == [f"Question {number}" for number in range(PAGE_SIZE, 0, -1)]
    older = browser.get("/chats/", {"before": found.context["next_before"]})
    assert [row.title for _, rows in older.context["days"] for row in rows] == ["Question 0"]
    assert not older.context["next_before"]
    assert 'href="/chats/">Newest</a>' in older.content.decode()
    assert "Nothing older is kept." in page(browser, "/chats/?before=2000-01-01T00:00Z")


def test_a_conversation_is_renamed_pinned_and_let_go(browser: Client, ticket: RunTicket) -> None:
    address = f"/chat/{ticket.conversation}"
    renamed = browser.post(f"{address}/rename/", {"title": "<b>Release</b>"})
    assert (renamed.status_code, renamed["location"]) == (303, "/chats/")
    assert escape("<b>Release</b>") in page(browser, "/chats/")
    browser.post(f"{address}/pin/")
    assert "Pinned</h2>" in page(browser, "/chats/")
    browser.post(f"{address}/unpin/")
    assert "Pinned</h2>" not in page(browser, "/chats/")


def test_a_deleted_conversation_can_be_brought_back_from_the_page_that_follows(
    browser: Client, ticket: RunTicket
) -> None:
    gone = browser.post(f"/chat/{ticket.conversation}/delete/")
    assert gone["location"] == f"/chats/?deleted={ticket.conversation}"
    html = page(browser, gone["location"])
    assert f'action="/chat/{ticket.conversation}/restore/"' in html
    assert f'href="/chat/{ticket.conversation}/"' not in html
    for address in (f"/chat/{ticket.conversation}/", f"/runs/{ticket.run}/", f"/runs/{ticket.run}/as/slack/"):
        assert browser.get(address).status_code == 404
    browser.post(f"/chat/{ticket.conversation}/restore/")
    assert f'href="/chat/{ticket.conversation}/"' in page(browser, "/chats/")


@pytest.mark.parametrize("what", ["rename", "pin", "unpin", "delete", "restore"])
def test_nobody_elses_conversation_is_changed(ticket: RunTicket, mallory: User, what: str) -> None:
    before = Conversation.objects.values().get(id=ticket.conversation)
    refused = browser_of(mallory).post(f"/chat/{ticket.conversation}/{what}/", {"title": "Mine"})
    absent = browser_of(mallory).post(f"/chat/{uuid4()}/{what}/", {"title": "Mine"})
    assert refused.status_code == absent.status_code == 404
    assert Conversation.objects.values().get(id=ticket.conversation) == before


def test_nothing_changes_by_looking_and_nothing_unknown_is_done(browser: Client, ticket: RunTicket) -> None:
    assert browser.get(f"/chat/{ticket.conversation}/delete/").status_code == 405
    assert browser.post(f"/chat/{ticket.conversation}/burn/").status_code == 404
    assert browser.post("/chats/").status_code == 405


def test_a_change_needs_the_csrf_token(alice: User, ticket: RunTicket) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(f"/chat/{ticket.conversation}/delete/").status_code == 403


def test_a_run_has_a_page_of_its_own_without_a_script(browser: Client, ticket: RunTicket) -> None:
    html = page(browser, f"/runs/{ticket.run}/")
    for told in (
        "Where is it?",
        "<p>A <strong>rebase</strong></p>",
        "exchange-1",
        "“Fix”",
        "You revoked AI access to Slack.",
        "GitHub: 2 items",
        "Slack: revoked, not read",
        "Read 2 items with 1 exchange in 1.5 s. 2 statements without a source.",
        "Ignored: 3 calls of the model that are not allowed · words that somebody hid in GitHub · 1 invented citation",
        HIDDEN_WORDS,
        f"/audit/?run={ticket.run}",
    ):
        assert told in html, told
    assert "alert(1)" not in html


def test_a_run_says_what_became_of_its_receipts(browser: Client, alice: User) -> None:
    ticket = start(request_of(alice))
    steps = (*EVENTS[:3], StepExchanged(id="a", ms=12, scopes="repo", exchange="exchange-1", receipt="<nonsense>"))
    append_events(
        [(ticket.run, seq, encode(event, run=ticket.run, seq=seq)) for seq, event in enumerate(steps, start=1)]
    )
    html = page(browser, f"/runs/{ticket.run}/")
    assert "It is not a receipt of this log." in html
    assert '<code class="run-receipt">&lt;nonsense&gt;</code>' in html
    assert 'id="receipt-exchange-1"' in html


def test_a_run_that_was_replaced_says_what_took_its_place(browser: Client, alice: User, ticket: RunTicket) -> None:
    base = request_of(alice, conversation=ticket.conversation)
    fields = {name: getattr(base, name) for name in base.__slots__} | {"replaces": ticket.run}
    new = start(type(base)(**fields))
    assert f'href="/runs/{new.run}/"' in page(browser, f"/runs/{ticket.run}/")
    assert "still being answered" in page(browser, f"/runs/{new.run}/")


def test_a_conversation_is_a_markdown_file(browser: Client, ticket: RunTicket) -> None:
    conversations.rename(ticket.conversation, user=ticket_user(ticket), title="# <b>Release</b>")
    found = browser.get(f"/chat/{ticket.conversation}/as/markdown/")
    assert (found.status_code, found["content-type"]) == (200, "text/markdown; charset=utf-8")
    assert found["content-disposition"].startswith('attachment; filename="devcontext-')
    text = found.content.decode()
    assert text.startswith("# \\# \\<b\\>Release\\</b\\>\n\n## Where is it?\n\n*Asked ")
    assert text.endswith("A rebase of Fix.\n"), "an address without evidence is no link"


def ticket_user(ticket: RunTicket) -> int:
    """Return whose conversation it is."""
    return Conversation.objects.values_list("user_id", flat=True).get(id=ticket.conversation)


@pytest.mark.parametrize("address", ["/runs/{run}/", "/chat/{conversation}/as/markdown/"])
def test_somebody_elses_is_not_there_and_a_stranger_signs_in(ticket: RunTicket, mallory: User, address: str) -> None:
    own = address.format(run=ticket.run, conversation=ticket.conversation)
    none = address.format(run=UUID(int=1), conversation=UUID(int=1))
    assert browser_of(mallory).get(own).status_code == browser_of(mallory).get(none).status_code == 404
    assert Client().get(own)["location"].startswith("/accounts/login/")


def test_a_run_whose_key_is_gone_is_not_there(browser: Client, ticket: RunTicket) -> None:
    Conversation.objects.get(id=ticket.conversation).runs.get().events.update(sealed_frame=b"changed")
    assert browser.get(f"/runs/{ticket.run}/").status_code == 404
