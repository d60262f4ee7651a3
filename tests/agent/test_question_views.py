"""The form of a question works without a script, for its own user, once; the run's page shows it while it is open."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from agent import store
from agent.event_log import encode
from agent.events import RunStarted, StepAnswered, StepAsked, StepPermission, StepStarted
from agent.stored_events import append_events
from agent.types import RunStatus
from permissions import questions
from permissions.models import ReadQuestion
from permissions.policy import Answer
from tests.agent.conftest import request_of, start
from tests.broken import table_away_async
from tests.permissions.answers import answer_of

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])


def put(user: User) -> tuple[UUID, UUID]:
    """Store a run that asks whether it may read mentions, and return its id and the question's."""
    ticket = start(request_of(user))
    asked = questions.ask(
        f"user:{user.pk}",
        run=ticket.run,
        conversation=ticket.conversation,
        provider="slack",
        tool="slack_mentions",
        tool_call="t",
        connection="c",
        seconds=120,
    )
    ends_ms = int(asked.ends_at.timestamp() * 1000)
    happened = (
        RunStarted(question="Brief me", model="m", is_simulated=True),
        StepStarted(id="t", tool="slack_mentions", provider="slack", label="Reading…", args={"since": "<b>2026</b>"}),
        StepAsked(
            id="t",
            question=str(asked.id),
            reads="your mentions in Slack",
            scopes="search:read",
            ends_ms=ends_ms,
            is_extendable=True,
        ),
    )
    append_events([(ticket.run, seq, encode(event, run=ticket.run, seq=seq)) for seq, event in enumerate(happened, 1)])
    return ticket.run, asked.id


async def browser_of(user: User, *, checks_csrf: bool = False) -> AsyncClient:
    """Return a browser in which somebody is signed in."""
    browser = AsyncClient(enforce_csrf_checks=checks_csrf)
    await browser.aforce_login(user)
    return browser


def address(run: UUID, question: UUID) -> str:
    return f"/runs/{run}/questions/{question}/"


def said(response: HttpResponse) -> list[str]:
    """Return the level of each message that the next page will show."""
    return [message.level_tag for message in get_messages(response.asgi_request)]  # type: ignore[attr-defined]


async def find(question: UUID) -> Answer:
    return await sync_to_async(answer_of)(question)


@pytest.mark.parametrize("answer", ["once", "conversation", "always", "no"])
async def test_an_answer_counts_and_leads_back_to_the_page(alice: User, answer: str) -> None:
    run, question = await sync_to_async(put)(alice)
    browser = await browser_of(alice)
    response = await browser.post(address(run, question), {"answer": answer, "next": f"/runs/{run}/"})
    assert (response.status_code, response["Location"], said(response)) == (303, f"/runs/{run}/", ["success"])
    assert await find(question) == answer


async def test_a_second_answer_is_told_that_it_is_too_late(alice: User) -> None:
    run, question = await sync_to_async(put)(alice)
    browser = await browser_of(alice)
    await browser.post(address(run, question), {"answer": "no"})
    response = await browser.post(address(run, question), {"answer": "always"})
    assert (response.status_code, said(response)[-1]) == (303, "warning")
    assert await find(question) is Answer.NO


async def test_an_answer_after_the_time_changes_nothing(alice: User) -> None:
    run, question = await sync_to_async(put)(alice)
    await ReadQuestion.objects.aupdate(ends_at=timezone.now() - timedelta(seconds=1))
    response = await (await browser_of(alice)).post(address(run, question), {"answer": "always"})
    assert said(response) == ["warning"]
    assert await find(question) is Answer.UNASKED


async def test_somebody_else_finds_nothing_there(alice: User, mallory: User) -> None:
    """One answer for another user's question, for one that never was, and for one of another run."""
    run, question = await sync_to_async(put)(alice)
    browser = await browser_of(mallory)
    for where in (address(run, question), address(uuid4(), question), address(run, uuid4())):
        assert (await browser.post(where, {"answer": "always"})).status_code == 404
    assert (await (await browser_of(alice)).post(address(uuid4(), question), {"answer": "no"})).status_code == 404
    assert await find(question) is Answer.UNASKED


@pytest.mark.parametrize("answer", ["", "yes", "unanswered", "nobody"])
async def test_what_is_no_answer_changes_nothing(alice: User, answer: str) -> None:
    run, question = await sync_to_async(put)(alice)
    assert (await (await browser_of(alice)).post(address(run, question), {"answer": answer})).status_code == 404
    assert await find(question) is Answer.UNASKED


async def test_more_time_is_a_press_of_the_form_until_the_question_is_over(alice: User, mallory: User) -> None:
    run, question = await sync_to_async(put)(alice)
    before = (await ReadQuestion.objects.aget()).ends_at
    browser = await browser_of(alice)
    assert said(await browser.post(address(run, question), {"answer": "more_time"})) == ["success"]
    assert (await ReadQuestion.objects.aget()).ends_at > before
    assert await find(question) is Answer.UNASKED
    elsewhere = await (await browser_of(mallory)).post(address(run, question), {"answer": "more_time"})
    assert elsewhere.status_code == 404
    await browser.post(address(run, question), {"answer": "no"})
    assert "warning" in said(await browser.post(address(run, question), {"answer": "more_time"}))


async def test_an_answer_is_a_post_of_somebody_signed_in_from_our_own_page(alice: User) -> None:
    run, question = await sync_to_async(put)(alice)
    where = address(run, question)
    stranger = await AsyncClient().post(where, {"answer": "always"})
    assert (stranger.status_code, stranger["Location"].startswith("/accounts/login/")) == (302, True)
    browser = await browser_of(alice, checks_csrf=True)
    assert (await browser.post(where, {"answer": "always"})).status_code == 403
    assert (await browser.get(where)).status_code == 405
    assert await find(question) is Answer.UNASKED


async def test_an_answer_that_cannot_be_recorded_does_not_count(alice: User) -> None:
    run, question = await sync_to_async(put)(alice)
    browser = await browser_of(alice)
    async with table_away_async("audit", table="audit_event"):
        response = await browser.post(address(run, question), {"answer": "always"})
    assert (response.status_code, said(response)) == (303, ["error"])
    assert await find(question) is Answer.UNASKED


def show(user: User, run: UUID) -> str:
    """Return the run's own page."""
    browser = Client()
    browser.force_login(user)
    return browser.get(f"/runs/{run}/").content.decode()


def test_the_runs_own_page_asks_with_a_form(alice: User) -> None:
    run, question = put(alice)
    page = show(alice, run)
    assert f'action="{address(run, question)}"' in page
    assert "May the AI read" in page
    assert "your mentions in Slack" in page
    assert "search:read" in page
    assert "&lt;b&gt;2026&lt;/b&gt;" in page
    assert [page.count(f'value="{answer}"') for answer in ("once", "conversation", "always", "no", "more_time")] == [
        1
    ] * 5


def test_a_question_that_is_closed_is_not_asked_on_the_page(alice: User) -> None:
    run, question = put(alice)
    questions.answer(question, run=run, user=f"user:{alice.pk}", answer=Answer.ONCE)
    assert "May the AI read" not in show(alice, run)
    happened = (StepAnswered(id="t", answer="once"), StepPermission(id="t", state="allowed"))
    append_events([(run, seq, encode(event, run=run, seq=seq)) for seq, event in enumerate(happened, 4)])
    assert "allowed (you said: once)" in show(alice, run)


def test_a_run_that_is_over_asks_nothing_on_its_page(alice: User) -> None:
    run, _ = put(alice)
    questions.close_run(run)
    store.end_run(run, status=RunStatus.STOPPED, last=(4, '{"type":"run.stopped","elapsed_ms":1}'), answer="", turns=[])
    assert "May the AI read" not in show(alice, run)
