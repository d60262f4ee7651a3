"""The gate where a tool asks first: it asks only what a yes would allow, and decides anew after the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from audit.errors import AuditUnavailableError
from permissions import connections, gate, questions, store, switch
from permissions.errors import NotPermittedError
from permissions.exclusions import ExclusionKind
from permissions.policy import Answer, Mode
from permissions.types import Permit
from tests.broken import table_away_async
from tests.permissions.conftest import DATABASES, Connect, Person, grant_to, list_recorded
from tests.vault.upstream import Upstream
from vault.client import connections as vault
from vault.client import sessions

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

RUN = uuid4()
TOOL = "github_activity"


async def nothing() -> None:
    """Let nothing happen while the user thinks."""


@dataclass
class Asking:
    """Asks somebody who says `answer` at once, after `meanwhile` has happened."""

    person: Person
    answer: Answer = Answer.ONCE
    meanwhile: Callable[[], Awaitable[object]] = nothing
    conversation: UUID = field(default_factory=uuid4)
    asked: int = 0

    async def ask(self, *, connection: str) -> Answer:
        self.asked += 1
        put = await sync_to_async(questions.ask)(
            self.person.user,
            run=RUN,
            conversation=self.conversation,
            provider="github",
            tool=TOOL,
            tool_call="toolu_1",
            connection=connection,
            seconds=60 if self.answer in questions.ANSWERS else 0,
        )
        await self.meanwhile()
        if self.answer in questions.ANSWERS:
            await sync_to_async(questions.answer)(put.id, run=RUN, user=self.person.user, answer=self.answer)
            return self.answer
        await sync_to_async(questions.lapse)(put.id)
        return Answer.UNANSWERED


async def require(asking: Asking, *, person: Person | None = None, places: tuple[str, ...] = ()) -> Permit:
    """Ask the gate for the person whom `asking` asks, or for the same one away."""
    who = person or asking.person
    return await gate.require(
        **who.asker, provider="github", tool=TOOL, run=str(RUN), tool_call="toolu_1", places=places, asking=asking
    )


async def refused(asking: Asking, *, person: Person | None = None, places: tuple[str, ...] = ()) -> str:
    """Return the cause for which the gate refuses."""
    with pytest.raises(NotPermittedError) as caught:
        await require(asking, person=person, places=places)
    return caught.value.cause


async def answers() -> list[tuple[str, str]]:
    """Return (event, reason) of each question, answer and verdict, without what they have in common."""
    rows = await list_recorded("permission:")
    told = [(row["event"].removeprefix("permission:"), row["reason"]) for row in rows]
    return [one for one in told if one[0].partition(":")[0] in ("question", "check")]


async def set_mode(person: Person, mode: Mode) -> None:
    """Let the tool do what `mode` says."""
    await sync_to_async(store.set_modes)(person.user, provider="github", modes={TOOL: mode})


@pytest.fixture
async def maria(alice: Person, connect: Connect) -> Person:
    """Somebody with GitHub, who wants to be asked."""
    await connect(alice)
    await set_mode(alice, Mode.ASK)
    return alice


async def test_once_is_one_call(maria: Person) -> None:
    asking = Asking(maria)
    assert await require(asking)
    assert await require(asking)
    assert asking.asked == 2
    told = [("question:asked", ""), ("question:allowed", "once"), ("check:allowed", "")]
    assert await answers() == told * 2


async def test_no_is_a_refusal_on_record(maria: Person) -> None:
    assert await refused(Asking(maria, Answer.NO)) == "answered_no"
    assert await answers() == [
        ("question:asked", ""),
        ("question:denied", "answered_no"),
        ("check:denied", "answered_no"),
    ]


async def test_silence_is_a_refusal_on_record(maria: Person) -> None:
    assert await refused(Asking(maria, Answer.UNANSWERED)) == "not_answered"
    assert (await answers())[1:] == [("question:denied", "not_answered"), ("check:denied", "not_answered")]


async def test_a_conversation_is_asked_about_once_and_another_anew(maria: Person) -> None:
    asking = Asking(maria, Answer.CONVERSATION)
    await require(asking)
    await require(asking)
    assert asking.asked == 1
    elsewhere = Asking(maria, Answer.NO)
    assert await refused(elsewhere) == "answered_no"
    assert elsewhere.asked == 1


async def test_always_is_asked_once(maria: Person) -> None:
    asking = Asking(maria, Answer.ALWAYS)
    await require(asking)
    await require(asking)
    assert asking.asked == 1
    assert await sync_to_async(store.load_mode)(maria.user, tool=TOOL) is Mode.ALLOW


async def test_a_place_that_is_left_out_is_not_asked_about(maria: Person) -> None:
    await sync_to_async(store.set_exclusions)(maria.user, exclusions={ExclusionKind.REPOSITORY: ("acme/payroll",)})
    asking = Asking(maria)
    assert await refused(asking, places=("acme/payroll",)) == "excluded"
    assert asking.asked == 0
    assert (await require(asking, places=("acme/web",))).exclusions.refuses("acme/payroll")


@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_service_that_may_not_be_read_is_not_asked_about(
    *, is_connected: bool, alice: Person, connect: Connect
) -> None:
    if is_connected:
        await connect(alice)
        await switch.revoke(**alice.asker, provider="github")
    await set_mode(alice, Mode.ASK)
    asking = Asking(alice)
    assert await refused(asking) == ("revoked" if is_connected else "not_connected")
    assert asking.asked == 0


async def test_a_revoke_while_asking_is_what_counts(maria: Person) -> None:
    """It also closes the question, so that the run need not wait for an answer that changes nothing."""

    async def revoke() -> None:
        await switch.revoke(**maria.asker, provider="github")

    assert await refused(Asking(maria, Answer.UNANSWERED, meanwhile=revoke)) == "revoked"


async def test_a_revoke_in_another_process_while_asking_is_what_counts(maria: Person) -> None:
    (connection,) = await vault.list_connections(**maria.asker)

    async def revoke() -> None:
        await vault.set_access(**maria.asker, connection=connection.id, is_allowed=False)

    assert await refused(Asking(maria, Answer.ALWAYS, meanwhile=revoke)) == "revoked"


async def test_a_block_and_a_place_left_out_while_asking_are_what_counts(maria: Person) -> None:
    async def leave_out() -> None:
        await sync_to_async(store.set_exclusions)(maria.user, exclusions={ExclusionKind.REPOSITORY: ("acme/web",)})

    async def block() -> None:
        await set_mode(maria, Mode.BLOCK)

    assert await refused(Asking(maria, meanwhile=leave_out), places=("acme/web",)) == "excluded"
    assert await refused(Asking(maria, meanwhile=block)) == "tool_blocked"


async def test_a_sign_out_while_asking_is_what_counts(maria: Person) -> None:
    async def sign_out() -> None:
        await sessions.end_session(**maria.asker)

    assert await refused(Asking(maria, meanwhile=sign_out)) == "session_ended"


async def test_an_answer_is_of_the_account_that_was_asked_about(
    maria: Person, connect: Connect, upstream: Upstream
) -> None:
    upstream.person = "alice-at-work"
    second = await connect(maria)

    async def change() -> None:
        await switch.make_default(**maria.asker, provider="github", connection=second)

    assert await refused(Asking(maria, Answer.CONVERSATION, meanwhile=change)) == "not_answered"
    assert await require(Asking(maria))


async def test_what_was_allowed_in_a_conversation_ends_with_a_revoke(maria: Person) -> None:
    asking = Asking(maria, Answer.CONVERSATION)
    await require(asking)
    await switch.revoke(**maria.asker, provider="github")
    await switch.restore(**maria.asker, provider="github")
    await require(asking)
    assert asking.asked == 2


@pytest.mark.parametrize("change", ["pause", "disconnect", "revoke_all"])
async def test_what_was_allowed_in_a_conversation_ends_with_whatever_narrows(maria: Person, change: str) -> None:
    await require(Asking(maria, Answer.CONVERSATION))
    changes: dict[str, Callable[[], Awaitable[object]]] = {
        "pause": lambda: switch.pause(**maria.asker, provider="github", until=timezone.now() + timedelta(hours=1)),
        "disconnect": lambda: switch.disconnect(**maria.asker, provider="github"),
        "revoke_all": lambda: switch.revoke_all(**maria.asker),
    }
    await changes[change]()
    assert await sync_to_async(questions.list_allowances)(maria.user, provider="github") == ()


async def test_a_revoke_elsewhere_ends_what_was_allowed_at_the_next_refusal(maria: Person) -> None:
    """An operator's withdrawal, or another process, which this one learns of from the vault."""
    asking = Asking(maria, Answer.CONVERSATION)
    await require(asking)
    (connection,) = await vault.list_connections(**maria.asker)
    await vault.set_access(**maria.asker, connection=connection.id, is_allowed=False)
    connections.forget(user=maria.user)
    assert await refused(asking) == "revoked"
    await vault.set_access(**maria.asker, connection=connection.id, is_allowed=True)
    await require(asking)
    assert asking.asked == 2


async def test_nobody_is_asked_for_a_user_who_is_away_whatever_they_said_before(maria: Person) -> None:
    asking = Asking(maria, Answer.CONVERSATION)
    await require(asking)
    grant = await grant_to(maria)
    await vault.set_away(**maria.asker, connection="github", is_allowed=True)
    connections.forget(user=maria.user)
    assert await refused(asking, person=replace(maria, sid=grant.sid)) == "nobody_to_ask"
    assert asking.asked == 1


async def test_a_question_that_cannot_be_recorded_is_not_put_and_permits_nothing(maria: Person) -> None:
    async with table_away_async("audit", table="audit_event"):
        with pytest.raises(AuditUnavailableError):
            await require(Asking(maria))
    assert await answers() == []
    assert await sync_to_async(questions.find_open)(RUN, user=maria.user) == frozenset()
