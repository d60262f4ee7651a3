"""The run socket serves signed-in users their own runs, and answers everything else in one sentence."""

import asyncio
import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from agent import content_keys, store
from agent.event_log import EventLog
from agent.events import BlockTail, RunStopped
from agent.models import Run
from agent.runner import current_runner
from agent.stored_events import append_events
from agent.types import RunStatus
from devcontext.asgi import application
from permissions import questions
from permissions.policy import Answer
from tests.agent.conftest import request_of, start
from tests.broken import table_away_async
from tests.permissions.answers import answer_of
from tests.sockets import PATIENCE_SECONDS, open_socket
from tools import pseudo_locale
from tools.catalogue import Message

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

NO_SUCH_RUN = "There is no such conversation."


@pytest.fixture(autouse=True)
def _debug(settings: Any) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = []


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


socket = partial(open_socket, "/ws/runs/")


async def ask(page: WebsocketCommunicator, **frame: Any) -> dict[str, Any]:
    await page.send_to(text_data=json.dumps({"v": 1, **frame}))
    answer: dict[str, Any] = json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))
    return answer


async def test_a_page_from_elsewhere_is_refused_before_it_is_accepted() -> None:
    communicator = WebsocketCommunicator(
        application, "/ws/runs/", [(b"host", b"localhost"), (b"origin", b"http://evil.example")]
    )
    is_connected, _code = await communicator.connect(timeout=PATIENCE_SECONDS)
    assert not is_connected


async def test_nobody_is_told_to_sign_in() -> None:
    async with socket(None) as page:
        assert (await page.receive_output())["code"] == 4401


async def test_a_sign_out_elsewhere_counts_from_the_next_frame(alice: User) -> None:
    client = await sync_to_async(sign_in)(alice)
    async with socket(client) as page:
        await sync_to_async(client.session.flush)()
        await page.send_to(text_data=json.dumps({"v": 1, "type": "stop", "run": str(uuid4())}))
        assert (await page.receive_output())["code"] == 4401


async def test_a_deactivated_user_is_out_from_the_next_frame(alice: User) -> None:
    client = await sync_to_async(sign_in)(alice)
    async with socket(client) as page:
        alice.is_active = False
        await alice.asave()
        await page.send_to(text_data=json.dumps({"v": 1, "type": "stop", "run": str(uuid4())}))
        assert (await page.receive_output())["code"] == 4401


@pytest.mark.parametrize("text", ["{", "[]", '{"v":1,"type":"delete"}', "\x00"])
async def test_a_malformed_frame_is_answered_and_the_socket_goes_on(alice: User, text: str) -> None:
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        for _ in range(2):
            await page.send_to(text_data=text)
            assert json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))["code"] == "malformed"


async def test_a_refusal_speaks_the_language_of_the_page(alice: User, settings: Settings, tmp_path: Path) -> None:
    words = "The server could not read this message."
    pseudo_locale.make(tmp_path, {"django": [Message(words)], "djangojs": []})
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("en-xa", "pseudo")]
    client = await sync_to_async(sign_in)(alice)
    for language, told in (("en-xa", pseudo_locale.lengthened(words)), ("en", words)):
        async with socket(client, language=language) as page:
            await page.send_to(text_data="{")
            assert json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))["message"] == told


async def test_bytes_are_no_frame(alice: User) -> None:
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        await page.send_to(bytes_data=b'{"v":1}')
        assert json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))["code"] == "malformed"


async def test_an_oversized_frame_is_answered(alice: User) -> None:
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        answer = await ask(page, type="send", key="a" * 12, text="x" * 20_000)
        assert answer["code"] == "too_large"


@pytest.mark.parametrize("kind", ["attach", "stop"])
async def test_another_users_run_is_as_unknown_as_one_that_never_was(alice: User, mallory: User, kind: str) -> None:
    run = str((await sync_to_async(start)(request_of(alice))).run)
    never = str(uuid4())
    async with socket(await sync_to_async(sign_in)(mallory)) as page:
        theirs, none = await ask(page, type=kind, run=run), await ask(page, type=kind, run=never)
    assert theirs == {"v": 1, "type": "error", "code": "not_found", "message": NO_SUCH_RUN, "run": run}
    assert none == theirs | {"run": never}


async def test_another_users_conversation_cannot_be_continued(alice: User, mallory: User) -> None:
    conversation = str((await sync_to_async(start)(request_of(alice))).conversation)
    async with socket(await sync_to_async(sign_in)(mallory)) as page:
        answer = await ask(page, type="send", key="k" * 12, text="Go on", conversation=conversation)
    assert (answer["code"], answer["key"]) == ("not_found", "k" * 12)


async def test_a_conversation_that_is_answering_refuses_a_second_question_by_its_key(alice: User) -> None:
    conversation = str((await sync_to_async(start)(request_of(alice))).conversation)
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        answer = await ask(page, type="send", key="k" * 12, text="And?", conversation=conversation)
    assert (answer["code"], answer["key"]) == ("busy", "k" * 12)


async def test_attaching_replays_what_is_stored(alice: User) -> None:
    run = (await sync_to_async(start)(request_of(alice))).run
    frames = [f'{{"seq":{seq}}}' for seq in range(1, 6)]
    await sync_to_async(append_events)([(run, seq, frame) for seq, frame in enumerate(frames[:4], 1)])
    await sync_to_async(store.end_run)(run, status=RunStatus.STOPPED, last=(5, frames[4]), answer="", turns=[])
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        await page.send_to(text_data=json.dumps({"v": 1, "type": "attach", "run": str(run), "after": 2}))
        assert [await page.receive_from(timeout=PATIENCE_SECONDS) for _ in range(3)] == frames[2:]


@pytest.mark.parametrize("after", [2, 3, 2**31, 2**70])
@pytest.mark.parametrize("is_here", [True, False])
async def test_attaching_at_the_end_of_a_run_or_beyond_it_is_told_the_end(
    alice: User, after: int, is_here: bool
) -> None:
    """A database that was restored has lost events that a page has seen; the page must hear that there is an end."""
    run = (await sync_to_async(start)(request_of(alice))).run
    log = current_runner().log if is_here else EventLog()
    log.open(run)
    tails(log, run, events=1)
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        await page.send_to(text_data=json.dumps({"v": 1, "type": "attach", "run": str(run), "after": after}))
        await end(log, run)
        while_it_ran = json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))
        once_it_ended = await ask(page, type="attach", run=str(run), after=after)
        assert await page.receive_nothing()
    assert (while_it_ran["type"], while_it_ran["seq"]) == ("run.stopped", 2)
    assert once_it_ended == while_it_ran


async def test_stopping_a_run_that_has_ended_changes_nothing_and_says_nothing(alice: User) -> None:
    run = (await sync_to_async(start)(request_of(alice))).run
    await sync_to_async(store.end_run)(run, status=RunStatus.FINISHED, last=(1, '{"seq":1}'), answer="", turns=[])
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        for _ in range(2):
            await page.send_to(text_data=json.dumps({"v": 1, "type": "stop", "run": str(run)}))
        assert await ask(page, type="attach", run=str(run)) == {"seq": 1}
        assert await page.receive_nothing()
    assert (await Run.objects.aget(id=run)).status == RunStatus.FINISHED


async def test_an_answer_that_does_not_open_is_one_sentence_and_the_socket_goes_on(
    alice: User, settings: Settings
) -> None:
    run = (await sync_to_async(start)(request_of(alice))).run
    await sync_to_async(store.end_run)(run, status=RunStatus.STOPPED, last=(1, '{"seq":1}'), answer="", turns=[])
    keys, settings.CONTENT_KEYS = settings.CONTENT_KEYS, content_keys.new_entry(1)
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        assert await ask(page, type="attach", run=str(run)) == {
            "v": 1,
            "type": "error",
            "code": "closed",
            "message": "The text of this answer cannot be opened: its key is missing, or it was changed.",
            "run": str(run),
        }
        settings.CONTENT_KEYS = keys
        assert await ask(page, type="attach", run=str(run)) == {"seq": 1}


async def test_a_signed_out_page_hears_no_more_of_a_run_that_goes_on(alice: User) -> None:
    client = await sync_to_async(sign_in)(alice)
    run = (await sync_to_async(start)(request_of(alice))).run
    await sync_to_async(append_events)([(run, 1, '{"seq":1}')])
    async with socket(client) as page:
        await page.send_to(text_data=json.dumps({"v": 1, "type": "attach", "run": str(run)}))
        assert await page.receive_from(timeout=PATIENCE_SECONDS) == '{"seq":1}'
        await sync_to_async(client.session.flush)()
        await asyncio.sleep(1.1)
        await sync_to_async(append_events)([(run, 2, '{"seq":2}')])
        assert await page.receive_output(timeout=PATIENCE_SECONDS) == {"type": "websocket.close", "code": 4401}


def tails(log: EventLog, run: UUID, *, events: int) -> None:
    for number in range(events):
        log.append(BlockTail(block=0, html=str(number)), run=run)


async def end(log: EventLog, run: UUID) -> None:
    def commit(seq: int, frame: str) -> bool:
        return store.end_run(run, status=RunStatus.STOPPED, last=(seq, frame), answer="", turns=[])

    await log.close(run, last=RunStopped(elapsed_ms=1), commit=commit)


async def hear(page: WebsocketCommunicator) -> tuple[list[int], int]:
    """Return the numbers of the events that a page hears until its socket closes, and the code of that."""
    seqs: list[int] = []
    while (said := await page.receive_output(timeout=PATIENCE_SECONDS))["type"] == "websocket.send":
        seqs.append(json.loads(said["text"])["seq"])
    return seqs, said["code"]


@pytest.mark.parametrize(
    ("table", "is_here"), [("django_session", True), ("django_session", False), ("agent_run", False)]
)
async def test_a_database_that_is_away_closes_the_page_which_comes_back_and_misses_nothing(
    alice: User, table: str, is_here: bool
) -> None:
    """Of a run of this process the session alone is asked for, once a second; one of another is read as well."""
    client = await sync_to_async(sign_in)(alice)
    run = (await sync_to_async(start)(request_of(alice))).run
    log = current_runner().log if is_here else EventLog()
    log.open(run)
    tails(log, run, events=3)
    async with socket(client) as page:
        await page.send_to(text_data=json.dumps({"v": 1, "type": "attach", "run": str(run)}))
        first = [json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))["seq"] for _ in range(3)]
        async with table_away_async("default", table=table):
            for _ in range(12):
                tails(log, run, events=1)
                await asyncio.sleep(0.1)
            more, code = await hear(page)
    assert code == 1011
    seen = [*first, *more]
    await end(log, run)
    async with socket(client) as again:
        await again.send_to(text_data=json.dumps({"v": 1, "type": "attach", "run": str(run), "after": seen[-1]}))
        while seen[-1] < 16:
            seen.append(json.loads(await again.receive_from(timeout=PATIENCE_SECONDS))["seq"])
        assert await again.receive_nothing()
    assert seen == list(range(1, 17))


async def test_a_frame_that_meets_no_database_closes_the_page_which_comes_back(alice: User) -> None:
    client = await sync_to_async(sign_in)(alice)
    async with socket(client) as page, table_away_async("default", table="django_session"):
        await page.send_to(text_data=json.dumps({"v": 1, "type": "stop", "run": str(uuid4())}))
        assert await page.receive_output(timeout=PATIENCE_SECONDS) == {"type": "websocket.close", "code": 1011}


@sync_to_async
def start_and_lose(user: User) -> str:
    """Start a run of a process that is gone: it is still to be followed, and nobody works on it."""
    ticket = start(request_of(user))
    Run.objects.filter(id=ticket.run).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    return str(ticket.run)


async def test_a_user_has_five_runs_at_once_and_no_more(alice: User, mallory: User) -> None:
    for _ in range(5):
        await sync_to_async(start)(request_of(mallory))
    async with socket(await sync_to_async(sign_in)(mallory)) as page:
        answer = await ask(page, type="send", key="k" * 12, text="And?")
    assert (answer["code"], answer["key"]) == ("busy", "k" * 12)
    assert (await sync_to_async(start)(request_of(alice))).is_new


async def test_a_page_follows_a_hundred_runs_at_once_and_no_more(alice: User) -> None:
    runs = [await start_and_lose(alice) for _ in range(101)]
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        for run in runs:
            await page.send_to(text_data=json.dumps({"v": 1, "type": "attach", "run": run}))
        answer = json.loads(await page.receive_from(timeout=PATIENCE_SECONDS))
        assert (answer["code"], answer["run"]) == ("busy", runs[-1])


async def test_what_a_page_no_longer_follows_does_not_count(alice: User) -> None:
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        for _ in range(110):
            assert (await ask(page, type="attach", run=str(uuid4())))["code"] == "not_found"


@sync_to_async
def put_question(user: User) -> tuple[str, str]:
    """Let a run of somebody ask, and return its id and the question's."""
    ticket = start(request_of(user))
    asked = questions.ask(
        f"user:{user.pk}",
        run=ticket.run,
        conversation=ticket.conversation,
        provider="slack",
        tool="slack_mentions",
        tool_call="t",
        connection="c",
        seconds=60,
    )
    return str(ticket.run), str(asked.id)


async def test_a_question_is_answered_once_and_by_its_own_user(alice: User, mallory: User) -> None:
    run, question = await put_question(alice)
    frame = {"type": "answer", "run": run, "question": question, "answer": "once"}
    async with socket(await sync_to_async(sign_in)(mallory)) as page:
        refused = await ask(page, **frame)
        unknown = await ask(page, **frame | {"question": str(uuid4())})
    assert (refused["code"], refused["question"], "run" in refused) == ("not_found", question, False)
    assert unknown == refused | {"question": unknown["question"]}
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        await page.send_to(text_data=json.dumps({"v": 1, **frame}))
        late = await ask(page, **frame | {"answer": "no"})
    assert (late["code"], late["question"]) == ("closed", question)
    assert await sync_to_async(answer_of)(UUID(question)) is Answer.ONCE


@pytest.mark.parametrize("answer", ["unanswered", "nobody", "", None, "yes"])
async def test_what_is_no_answer_is_malformed(alice: User, answer: str | None) -> None:
    run, question = await put_question(alice)
    async with socket(await sync_to_async(sign_in)(alice)) as page:
        refused = await ask(page, type="answer", run=run, question=question, answer=answer)
    assert refused["code"] == "malformed"
    assert await sync_to_async(answer_of)(UUID(question)) is Answer.UNASKED


async def test_an_answer_that_cannot_be_recorded_is_told_and_does_not_count(alice: User) -> None:
    run, question = await put_question(alice)
    async with table_away_async("audit", table="audit_event"), socket(await sync_to_async(sign_in)(alice)) as page:
        refused = await ask(page, type="answer", run=run, question=question, answer="always")
    assert (refused["code"], refused["question"]) == ("audit_unavailable", question)
    assert await sync_to_async(answer_of)(UUID(question)) is Answer.UNASKED
