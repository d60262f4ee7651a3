"""What the model's answers cost is booked by day, and a spent budget asks nobody."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from agent import claude, spending
from agent.errors import ModelError
from agent.model import AssistantMessage
from agent.prices import Price, cost_micro_usd
from agent.spending import PaidModel
from tests.agent.api.upstream import Upstream
from tests.agent.scripted import QUESTION, Piece, ScriptedModel
from tests.agent.whole_runs import STANDUP, of, run

pytestmark = pytest.mark.django_db(transaction=True)

ASKED: dict[str, Any] = {
    "system": "Read first.",
    "messages": [QUESTION],
    "tools": [],
    "tool_choice": "auto",
    "max_tokens": 100,
    "max_seconds": 60,
}


def answer(**tokens: int) -> AssistantMessage:
    counted = {"input_tokens": 1000, "output_tokens": 100} | tokens
    return AssistantMessage([{"type": "text", "text": "Done."}], "end_turn", **counted)


@pytest.fixture(autouse=True)
def paid(settings: Settings) -> Settings:
    """A model with a price: two dollars in, ten out."""
    settings.IS_MODEL_SIMULATED = False
    settings.CLAUDE_MODEL = "a-model"
    settings.CLAUDE_PRICES = {"a-model": (Price(2, 10, cache_write=2.5, cache_read=0.2),)}
    settings.DAILY_BUDGET_USD_PER_USER = settings.DAILY_BUDGET_USD = 1
    return settings


async def ask(model: PaidModel) -> list[str | AssistantMessage]:
    return [piece async for piece in model.ask(**ASKED)]


@sync_to_async
def spent(user: User) -> tuple[int, int]:
    return spending.load_spent(user.pk, day=timezone.now().date())


@sync_to_async
def spend(user: User, micro_usd: int) -> None:
    day = timezone.now().date()
    spending.add_spending(user.pk, day=day, input_tokens=1, output_tokens=1, cost_micro_usd=micro_usd)


@sync_to_async
def page_of_run(user: User, run_id: str) -> str:
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client.get(f"/runs/{run_id}/").content.decode()


def test_each_kind_of_token_has_its_price() -> None:
    message = answer(input_tokens=1000, cache_write_tokens=200, cache_read_tokens=700)
    assert cost_micro_usd(message, model="a-model") == 100 * 2 + 200 * 2.5 + 700 * 0.2 + 100 * 10


def test_a_long_input_has_the_price_of_long_inputs(paid: Settings) -> None:
    short = Price(1, 2, cache_write=0, cache_read=0, max_input_tokens=1000)
    paid.CLAUDE_PRICES = {"a-model": (short, Price(5, 10, cache_write=0, cache_read=0))}
    assert cost_micro_usd(answer(input_tokens=1000), model="a-model") == 1000 * 1 + 100 * 2
    assert cost_micro_usd(answer(input_tokens=1001), model="a-model") == 1001 * 5 + 100 * 10


async def test_an_answer_is_booked_for_its_user_and_the_day(alice: User, mallory: User) -> None:
    model = PaidModel(ScriptedModel(["Done.", answer()]), user=alice.pk)
    pieces = await ask(model)
    await ask(model)
    assert pieces[0] == "Done."
    assert model.cost_micro_usd == 6000
    assert (await spent(alice), await spent(mallory)) == ((6000, 6000), (0, 6000))


async def test_runs_at_the_same_time_lose_nothing_of_the_sum(alice: User) -> None:
    await asyncio.gather(*(ask(PaidModel(ScriptedModel([answer()]), user=alice.pk)) for _ in range(5)))
    assert await spent(alice) == (15_000, 15_000)


async def test_a_spent_budget_asks_nobody(alice: User, mallory: User) -> None:
    await spend(alice, 1_000_000)
    asked = ScriptedModel([answer()])
    with pytest.raises(ModelError, match="Your budget for Claude is used up for today") as caught:
        await ask(PaidModel(asked, user=alice.pk))
    assert (caught.value.code, asked.asked) == ("budget_spent", [])


async def test_what_others_spent_counts_for_the_installation_alone(alice: User, mallory: User, paid: Settings) -> None:
    paid.DAILY_BUDGET_USD = 2
    await spend(mallory, 1_000_000)
    await ask(PaidModel(ScriptedModel([answer()]), user=alice.pk))
    await spend(mallory, 1_000_000)
    with pytest.raises(ModelError, match="This installation's budget") as caught:
        await ask(PaidModel(ScriptedModel([answer()]), user=alice.pk))
    assert caught.value.code == "budget_spent"


async def test_a_budget_of_zero_is_no_limit(alice: User, paid: Settings) -> None:
    paid.DAILY_BUDGET_USD = paid.DAILY_BUDGET_USD_PER_USER = 0
    await spend(alice, 1_000_000_000)
    assert len(await ask(PaidModel(ScriptedModel([answer()]), user=alice.pk))) == 1


async def test_a_model_without_a_price_costs_nothing_known_and_is_asked(alice: User, paid: Settings) -> None:
    paid.CLAUDE_MODEL = "another-model"
    await spend(alice, 2_000_000)
    model = PaidModel(ScriptedModel([answer()]), user=alice.pk)
    await ask(model)
    assert model.cost_micro_usd is None
    assert await spent(alice) == (2_000_000, 2_000_000)


async def test_the_stand_in_costs_nothing(alice: User, paid: Settings) -> None:
    paid.IS_MODEL_SIMULATED = True
    model = PaidModel(ScriptedModel([answer()]), user=alice.pk)
    await ask(model)
    assert (model.cost_micro_usd, await spent(alice)) == (None, (0, 0))


@pytest.mark.parametrize(
    ("pieces", "is_booked"),
    [
        (["Half an", ModelError("cut_short", "Broke off.")], True),
        ([ModelError("overloaded", "Overloaded.")], False),
    ],
)
async def test_an_answer_that_broke_off_is_booked_by_a_guess(alice: User, pieces: list[Piece], is_booked: bool) -> None:
    with pytest.raises(ModelError):
        await ask(PaidModel(ScriptedModel(pieces), user=alice.pk))
    assert (await spent(alice) > (0, 0)) is is_booked


async def test_an_answer_that_nobody_waits_for_is_booked_by_a_guess(alice: User) -> None:
    """Stopping each run before its end would otherwise cost nothing."""
    async with aclosing(PaidModel(ScriptedModel(["Half an", answer()]), user=alice.pk).ask(**ASKED)) as pieces:
        async for _ in pieces:
            break
    assert (await spent(alice))[0] > 0


@pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])
async def test_a_run_over_budget_reads_and_is_answered_without_the_model(maya: User, paid: Settings) -> None:
    await spend(maya, 1_000_000)
    await claude.close()
    async with Upstream.running() as api:
        paid.ANTHROPIC_BASE_URL, paid.HAS_MODEL, paid.ANTHROPIC_API_KEY = api.url, True, "sk-ant-test"
        frames = await run(maya, STANDUP)
        await claude.close()
        assert api.received == []
    last = frames[-1]
    assert (last["type"], last["written_by"], last["code"]) == ("run.finished", "template", "budget_spent")
    assert last["cost_micro_usd"] == 0
    assert of(frames, "answer.restarted")[0]["message"].startswith("Your budget for Claude is used up for today.")
    assert "See what you spent" in await page_of_run(maya, last["run"])
