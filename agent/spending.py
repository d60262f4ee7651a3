"""Pays for the model: what its answers cost is booked by day and user, and nobody asks once a day's budget is spent.

Its table is the books; they hold sums and no content. Runs that go on at the same time may each end their answer, so a
budget can be exceeded by as many answers as one person's runs at once.
"""

import json
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models import F, Q, Sum
from django.utils import timezone

from agent.errors import ModelError
from agent.model import AssistantMessage, Model, ToolChoice
from agent.models import DailySpending
from agent.prices import cost_micro_usd, is_price_known

_YOURS_IS_SPENT = "Your budget for Claude is used up for today. It begins anew at midnight UTC."
_OURS_IS_SPENT = "This installation's budget for Claude is used up for today. It begins anew at midnight UTC."
_MICRO = 1_000_000
# For an answer that broke off, whose count of tokens never came: a guess, on the high side for English text.
_CHARACTERS_PER_TOKEN = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """What was spent of a day's budget, both in millionths of a US dollar; a budget of 0 is no limit."""

    spent_micro_usd: int
    budget_micro_usd: int

    @property
    def is_spent(self) -> bool:
        """Whether nobody may ask on this budget until it begins anew."""
        return bool(self.budget_micro_usd) and self.spent_micro_usd >= self.budget_micro_usd

    @property
    def left_micro_usd(self) -> int:
        """What is left of the budget, if there is one; answers that went on when it was spent may have exceeded it."""
        return max(0, self.budget_micro_usd - self.spent_micro_usd)


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What the model's answers to one user took in one day, UTC; `cost_micro_usd` is 0 where no price was known."""

    day: date
    input_tokens: int
    output_tokens: int
    cost_micro_usd: int


class PaidModel:
    """A model whose answers one user's budget and the installation's pay for; for one run."""

    def __init__(self, model: Model, *, user: int) -> None:
        self._model = model
        self._user = user
        self._cost_micro_usd = 0

    @property
    def cost_micro_usd(self) -> int | None:
        """What the run has cost so far, in millionths of a US dollar; None where no price is known."""
        return self._cost_micro_usd if is_price_known(settings.CLAUDE_MODEL) else None

    async def ask(
        self,
        *,
        system: str,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        tool_choice: ToolChoice,
        max_tokens: int,
        max_seconds: float,
    ) -> AsyncGenerator[str | AssistantMessage, None]:
        """Ask as `agent.model.Model` does, and book what the answer costs, also of one that broke off.

        Raises:
            agent.errors.ModelError: `budget_spent` before anything is asked, or the model's own.
        """
        await self._require_budget()
        answer: AssistantMessage | None = None
        written, is_refused = 0, False
        try:
            question = self._model.ask(
                system=system,
                messages=messages,
                tools=tools,
                tool_choice=tool_choice,
                max_tokens=max_tokens,
                max_seconds=max_seconds,
            )
            async with aclosing(question) as pieces:
                async for piece in pieces:
                    if isinstance(piece, AssistantMessage):
                        answer = piece
                    else:
                        written += len(piece)
                    yield piece
        except ModelError:
            # What is refused before its first word is not billed.
            is_refused = not written
            raise
        finally:
            if not is_refused:
                await self._book(answer or _guess([system, messages, tools], written=written))

    async def _require_budget(self) -> None:
        if not is_price_known(settings.CLAUDE_MODEL):
            return
        mine, everybodys = await sync_to_async(load_standings)(self._user, day=timezone.now().date())
        if mine.is_spent:
            raise ModelError("budget_spent", _YOURS_IS_SPENT)
        if everybodys.is_spent:
            raise ModelError("budget_spent", _OURS_IS_SPENT)

    async def _book(self, answer: AssistantMessage) -> None:
        cost = cost_micro_usd(answer, model=settings.CLAUDE_MODEL) or 0
        self._cost_micro_usd += cost
        await sync_to_async(add_spending)(
            self._user,
            day=timezone.now().date(),
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cost_micro_usd=cost,
        )


def _of_budget(spent_micro_usd: int, *, budget_usd: float) -> Standing:
    # Upwards: a budget below a millionth of a dollar is none of 0, which would be no limit.
    return Standing(spent_micro_usd, math.ceil(budget_usd * _MICRO))


def _guess(asked: list[Any], *, written: int) -> AssistantMessage:
    sent = len(json.dumps(asked, ensure_ascii=False))
    return AssistantMessage(
        [],
        None,
        input_tokens=round(sent / _CHARACTERS_PER_TOKEN),
        output_tokens=round(written / _CHARACTERS_PER_TOKEN),
    )


def add_spending(user: int, *, day: date, input_tokens: int, output_tokens: int, cost_micro_usd: int) -> None:
    """Add one answer of the model to what `user` spent on `day`."""
    # Added by the database: a user's runs at the same time must not overwrite each other's sums.
    sums = {
        "input_tokens": F("input_tokens") + input_tokens,
        "output_tokens": F("output_tokens") + output_tokens,
        "cost_micro_usd": F("cost_micro_usd") + cost_micro_usd,
    }
    mine = DailySpending.objects.filter(user_id=user, day=day)
    if not mine.update(**sums):
        DailySpending.objects.get_or_create(user_id=user, day=day)
        mine.update(**sums)


def load_spent(user: int, *, day: date) -> tuple[int, int]:
    """Return what `user` spent on `day` and what all users did, in millionths of a US dollar."""
    spent = DailySpending.objects.filter(day=day).aggregate(
        mine=Sum("cost_micro_usd", filter=Q(user_id=user), default=0), everybodys=Sum("cost_micro_usd", default=0)
    )
    return spent["mine"], spent["everybodys"]


def load_standings(user: int, *, day: date) -> tuple[Standing, Standing]:
    """Return what was spent on `day` of the budget of `user`, and of the installation's."""
    mine, everybodys = load_spent(user, day=day)
    return (
        _of_budget(mine, budget_usd=settings.DAILY_BUDGET_USD_PER_USER),
        _of_budget(everybodys, budget_usd=settings.DAILY_BUDGET_USD),
    )


def load_standing_of_all(*, day: date) -> Standing:
    """Return what all users spent on `day` of the installation's budget."""
    spent = DailySpending.objects.filter(day=day).aggregate(everybodys=Sum("cost_micro_usd", default=0))
    return _of_budget(spent["everybodys"], budget_usd=settings.DAILY_BUDGET_USD)


def list_days(user: int, *, since: date) -> list[DaySpent]:
    """Return what `user` spent on each day from `since` on, newest first; days without an answer are left out."""
    rows = DailySpending.objects.filter(user_id=user, day__gte=since).order_by("-day")
    return [DaySpent(*row) for row in rows.values_list("day", "input_tokens", "output_tokens", "cost_micro_usd")]
