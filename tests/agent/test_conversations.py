"""Conversations as their user keeps them: nobody else's, deleted with a way back, and erased after that."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from agent import conversations, earlier, memory, search, store
from agent.briefing.facts.types import FactSet
from agent.errors import NotLastRunError, RunNotFoundError
from agent.event_log import encode
from agent.events import Coverage, Evidence, GroundingCounts, RunFinished, TurnAdded
from agent.models import Conversation, Event, Run, Turn
from agent.models import Evidence as EvidenceRow
from agent.models import FactSet as FactSetRow
from agent.types import RunStatus, RunTicket
from tests.agent.conftest import request_of, start

ITEM = Evidence("gh-00000001", "github", "Fix", "https://github.example/1")
READ_GITHUB = RunFinished(
    elapsed_ms=1,
    coverage=(Coverage("github", "read", 1, 1), Coverage("slack", "revoked", 0, 0)),
    grounding=GroundingCounts(),
)


def answered(user: User, *, question: str = "Brief me", answer: str = "Done.", within: UUID | None = None) -> RunTicket:
    """Return a run that finished with `answer`."""
    ticket = start(request_of(user, text=question, conversation=within))
    earlier.keep_evidence(ticket.conversation, [ITEM])
    turns = [TurnAdded("user", question), TurnAdded("assistant", [{"type": "text", "text": answer}])]
    last = (1, encode(READ_GITHUB, run=ticket.run, seq=1))
    store.end_run(ticket.run, status=RunStatus.FINISHED, last=last, answer=answer, turns=turns)
    return ticket


def titles(user: User) -> list[str]:
    return [row.title for row in conversations.list_recent(user.pk)]


def look(user: User, text: str) -> list[search.Found]:
    """Search as the page does, in UTC."""
    query = search.parse(text, zone=ZoneInfo("UTC"), recipes=("standup",), services=("github", "slack"))
    return list(search.find(conversations.list_said(user.pk, query=query), query=query))


def test_a_renamed_conversation_keeps_its_place_and_its_name_on_one_line(alice: User) -> None:
    first, _ = answered(alice, question="One"), answered(alice, question="Two")
    conversations.rename(first.conversation, user=alice.pk, title="  Release\n train  ")
    assert titles(alice) == ["Two", "Release train"]
    conversations.rename(first.conversation, user=alice.pk, title=" \n ")
    assert titles(alice) == ["Two", "Release train"]


def test_a_pinned_conversation_stands_above_the_others_until_it_is_let_go(alice: User) -> None:
    first, _ = answered(alice, question="One"), answered(alice, question="Two")
    conversations.pin(first.conversation, user=alice.pk, is_pinned=True)
    assert titles(alice) == ["One", "Two"]
    assert [row.title for row in conversations.list_pinned(alice.pk)] == ["One"]
    assert [row.title for row in conversations.list_page(alice.pk, before=None)] == ["Two"]
    conversations.pin(first.conversation, user=alice.pk, is_pinned=False)
    assert titles(alice) == ["Two", "One"]


def test_a_deleted_conversation_is_nowhere_and_comes_back_whole(alice: User) -> None:
    ticket = answered(alice)
    conversations.delete(ticket.conversation, user=alice.pk)
    assert titles(alice) == []
    assert look(alice, "done") == []
    for read in (
        lambda: conversations.load_conversation(ticket.conversation, user=alice.pk),
        lambda: store.load_answer(ticket.run, user=alice.pk),
        lambda: store.list_frames(ticket.run, user=alice.pk, after=0),
        lambda: start(request_of(alice, conversation=ticket.conversation)),
        lambda: conversations.delete(ticket.conversation, user=alice.pk),
    ):
        with pytest.raises(RunNotFoundError):
            read()
    conversations.restore(ticket.conversation, user=alice.pk)
    assert store.load_answer(ticket.run, user=alice.pk).text == "Done."


def test_deleting_stops_what_is_still_answered(alice: User) -> None:
    ticket = start(request_of(alice))
    conversations.delete(ticket.conversation, user=alice.pk)
    assert store.touch_runs([ticket.run]) == {ticket.run}


def test_what_was_deleted_is_erased_with_all_that_belongs_to_it_once_there_is_no_way_back(alice: User) -> None:
    ticket, kept = answered(alice), answered(alice, question="Kept")
    for one in (ticket, kept):
        facts = FactSet(timezone.now(), ())
        memory.keep_facts(alice.pk, recipe="standup", fact_set=facts, conversation=one.conversation)
    conversations.delete(ticket.conversation, user=alice.pk)
    assert conversations.erase_deleted(now=timezone.now()) == 0
    late = timezone.now() + conversations.UNDO_FOR + timedelta(seconds=1)
    assert conversations.erase_deleted(now=late) == 1
    assert list(Conversation.objects.values_list("id", flat=True)) == [kept.conversation]
    for left in (Event.objects, Turn.objects):
        assert set(left.values_list("run_id", flat=True)) == {kept.run}
    for left_there in (EvidenceRow.objects, FactSetRow.objects):
        assert set(left_there.values_list("conversation_id", flat=True)) == {kept.conversation}


def test_a_conversation_that_is_still_answered_is_erased_only_after_its_run(alice: User) -> None:
    ticket = start(request_of(alice))
    conversations.delete(ticket.conversation, user=alice.pk)
    assert conversations.erase_deleted(now=timezone.now() + timedelta(hours=1)) == 0


def test_too_late_is_too_late(alice: User) -> None:
    ticket = answered(alice)
    conversations.delete(ticket.conversation, user=alice.pk)
    long_ago = timezone.now() - conversations.UNDO_FOR - timedelta(seconds=1)
    Conversation.objects.filter(id=ticket.conversation).update(deleted_at=long_ago)
    with pytest.raises(RunNotFoundError):
        conversations.restore(ticket.conversation, user=alice.pk)


def test_nobody_elses_conversation_is_there_to_be_kept_or_thrown_away(alice: User, mallory: User) -> None:
    ticket = answered(alice)
    for attempt in (
        lambda: conversations.rename(ticket.conversation, user=mallory.pk, title="Mine"),
        lambda: conversations.pin(ticket.conversation, user=mallory.pk, is_pinned=True),
        lambda: conversations.delete(ticket.conversation, user=mallory.pk),
        lambda: conversations.restore(ticket.conversation, user=mallory.pk),
    ):
        with pytest.raises(RunNotFoundError):
            attempt()
    assert look(mallory, "done") == []
    assert titles(alice) == ["Brief me"]


def replacing(user: User, ticket: RunTicket) -> RunTicket:
    """Start a run in the place of `ticket`'s."""
    base = request_of(user, text="Anew", conversation=ticket.conversation)
    fields = {name: getattr(base, name) for name in base.__slots__} | {"replaces": ticket.run}
    return start(type(base)(**fields))


def test_a_run_whose_place_another_took_is_no_part_of_the_conversation_and_keeps_its_answer(alice: User) -> None:
    """Thinking signatures bind the prefix: what came before stays as it was, and the last run goes whole."""
    first = answered(alice, question="One", answer="First.")
    second = answered(alice, question="Two", answer="Second.", within=first.conversation)
    new = replacing(alice, second)
    assert conversations.load_conversation(first.conversation, user=alice.pk)[1] == [first.run, new.run]
    assert earlier.list_history(first.conversation)[0]["content"] == "One"
    assert len(earlier.list_history(first.conversation)) == 2
    assert store.load_answer(second.run, user=alice.pk).text == "Second."


@pytest.mark.parametrize("which", ["earlier", "replaced", "unknown"])
def test_only_the_last_run_can_be_replaced(alice: User, which: str) -> None:
    first = answered(alice)
    second = answered(alice, within=first.conversation)
    if which == "replaced":
        new = replacing(alice, second)
        store.end_run(new.run, status=RunStatus.STOPPED, last=(1, "{}"), answer="", turns=[])
    run = {"earlier": first.run, "replaced": second.run, "unknown": uuid4()}[which]
    with pytest.raises(NotLastRunError):
        replacing(alice, RunTicket(run=run, conversation=first.conversation, is_new=False))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["Two", "One"]),
        ("REBASE", ["One"]),
        ('"wait for review"', ["Two"]),
        ('"review for wait"', []),
        ("rebase review", []),
        ("service:github", ["Two", "One"]),
        ("service:slack", []),
        ("service:github review", ["Two"]),
        ("github.example", []),
        ("before:2000-01-01", []),
        ("after:2000-01-01 after", []),
        ("is:pinned", []),
        ("recipe:standup", []),
    ],
)
def test_a_search_wants_every_word_and_every_qualifier(alice: User, text: str, found: list[str]) -> None:
    answered(alice, question="One", answer="A rebase of [Fix](https://github.example/1).")
    answered(alice, question="Two", answer="These **wait** for review.")
    assert [one.said.question for one in look(alice, text)] == found


def test_a_snippet_is_the_words_around_the_first_match_without_markdown(alice: User) -> None:
    answered(alice, answer=f"{'x' * 80} then [a *rebase*](https://github.example/1) of it")
    (found,) = look(alice, "rebase")
    assert (found.match, found.after) == ("rebase", " of it")
    assert found.before.startswith("…x")
    assert found.before.endswith("then a ")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("a re**ba**se", "rebase"),
        ("`har`bor", "harbor"),
        ("two [harbor](https://x.example/1)s", "harbors"),
        ("[[deep](https://x.example/1)](https://x.example/2)er", "deeper"),
        ("a [place](not an address) of", '"place(not"'),
        ("a [x](y(z) of", '"x(y(z)"'),
        ("an \\*asterisk", "asterisk"),
        ("## Needs\n- you [now](https://x.example/1)", '"needs you now"'),
        ("STRASSE", "straße"),
    ],
)
def test_a_word_is_found_as_a_reader_sees_it_whatever_marks_stand_in_it(alice: User, answer: str, text: str) -> None:
    """The quick look before the exact one passes over nothing that the exact one finds."""
    answered(alice, question="One", answer=answer)
    assert [one.said.question for one in look(alice, text)] == ["One"]
    assert look(alice, f"{text} zebra") == []


def test_the_quick_look_passes_over_nothing(alice: User) -> None:
    """Texts of nothing but marks, links and a few letters; each piece that a reader sees is searched for."""
    dice = random.Random(3)  # noqa: S311  (the texts are no secret)
    pieces = ["a", "b", "*", "`", "[", "]", "(", ")", "](", "\\", " ", "\n", "# ", "- ", "\t"]
    for _ in range(2000):
        answer = "".join(dice.choices(pieces, k=12))
        said = search.Said(uuid4(), uuid4(), "", "", answer, timezone.now())
        for word in search.plain(answer).split():
            assert list(search.find([said], query=search.Query(words=(word.casefold(),)))), (answer, word)


def test_days_are_those_of_the_zone_and_mistakes_are_told() -> None:
    text = "before:2026-11-02 after:yesterday service:myspace is:nice recipe:standup 10:30"
    query = search.parse(text, zone=ZoneInfo("Asia/Tokyo"), recipes=("standup",), services=("github",))
    assert query.before == datetime(2026, 11, 1, 15, tzinfo=UTC)
    assert (query.recipe, query.words) == ("standup", ("10:30",))
    assert len(query.mistakes) == 3


@pytest.mark.parametrize(
    "text", ['"', '""', ":", "before:", 'before:"', "before:0001-01-01", "after:9999-12-31", "x" * 9999]
)
def test_no_query_is_an_error(alice: User, text: str) -> None:
    assert look(alice, text) == []


def test_what_does_not_open_is_passed_over(alice: User) -> None:
    closed, _ = answered(alice, question="One"), answered(alice, question="Two")
    Run.objects.filter(id=closed.run).update(sealed_answer=b"changed")
    assert [one.said.question for one in look(alice, "done")] == ["Two"]
