"""Small talk is answered in our own words: no model is asked, no service is read, and nothing is claimed of work."""

from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from agent import claude, smalltalk, store
from agent.briefing import recipes
from agent.tool import ServiceFact
from permissions import switch
from tests.agent.api.upstream import Upstream
from tests.agent.whole_runs import ALL_THREE, audited, of, run

whole_runs = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hello", "greeting"),
        ("  hi there!! ", "greeting"),
        ("Thank you.", "greeting"),
        ("What is connected?", "services"),
        ("what's connected", "services"),
        ("Hello, what did I merge?", None),
        ("hello world service", None),
        ("What is connected to the outage?", None),
        ("Brief me for standup", None),
        ("?", None),
        ("", None),
    ],
)
def test_only_what_is_nothing_else_is_small_talk(text: str, kind: str | None) -> None:
    assert smalltalk.find(text) == kind


def test_no_recipe_is_small_talk() -> None:
    assert not [phrase for phrase in recipes._BY_PHRASE if smalltalk.find(phrase)]


def test_each_service_is_told_in_its_word() -> None:
    facts = [ServiceFact("slack", "Slack", state, "maya") for state in ("connected", "revoked", "not connected")]
    assert smalltalk.tell(facts) == ("Slack is connected.", "Slack is revoked.", "Slack is not connected.")


async def answer_of(frames: list[dict[str, Any]], user: User) -> str:
    return (await sync_to_async(store.load_answer)(UUID(frames[0]["run"]), user=user.pk)).text


@whole_runs
async def test_a_greeting_asks_nobody(maya: User, settings: Any) -> None:
    await claude.close()
    async with Upstream.running() as api:
        settings.ANTHROPIC_BASE_URL = api.url
        frames = await run(maya, "Hello!")
        assert api.received == []
    assert (frames[-1]["type"], frames[-1]["written_by"], frames[-1]["code"]) == ("run.finished", "template", "")
    assert not of(frames, "step.started")
    assert frames[-1]["grounding"] == {"cited": 0, "unknown": 0, "ungrounded": 0, "earlier": 0}
    assert (await answer_of(frames, maya)).startswith("Hello. I brief you on your work")
    assert [event for event, _, _ in await audited(frames[0]["run"])] == ["agent:run:started", "agent:run:finished"]


@whole_runs
async def test_the_services_are_told_as_they_are_and_the_conversation_goes_on(maya: User) -> None:
    await switch.revoke(user=f"user:{maya.pk}", sid="a-session", auth_time=1.0, provider="slack")
    frames = await run(maya, "What is connected?")
    assert await answer_of(frames, maya) == "GitHub is connected. Google Calendar is connected. Slack is revoked."
    assert frames[-1]["grounding"]["ungrounded"] == 0
    conversation = (await sync_to_async(store.Run.objects.get)(id=frames[0]["run"])).conversation_id
    then = await run(maya, ALL_THREE, conversation=conversation)
    assert (then[-1]["type"], then[-1]["written_by"]) == ("run.finished", "model")
