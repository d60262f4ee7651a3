"""The page of what Claude's answers to the signed-in user cost: the last days, and today against the budget.

It shows the user's own sums alone. Of everybody's it says no more than whether the installation's budget is spent.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from agent import memory, spending
from agent.prices import price_state
from agent.spending import DaySpent
from agent.transcript import dollars

# As far back as a bill for a month reaches.
DAYS = 30


@login_required
@require_safe
def show_spending(request: HttpRequest) -> HttpResponse:
    """Show what the user spent in the last days, and today of their budget."""
    user = request.user.pk
    assert user is not None
    zone = memory.load_week(user, browser_zone=ZoneInfo("UTC")).time_zone
    with timezone.override(zone):
        return render(request, "agent/spending.html", _context(user, today=datetime.now(UTC).date()))


def _context(user: int, *, today: date) -> dict[str, Any]:
    mine, everybodys = spending.load_standings(user, day=today)
    days = spending.list_days(user, since=today - timedelta(days=DAYS - 1))
    return {
        "price_state": price_state(),
        "is_mine_spent": mine.is_spent,
        "is_ours_spent": everybodys.is_spent,
        "today": dollars(mine.spent_micro_usd),
        "budget": dollars(mine.budget_micro_usd) if mine.budget_micro_usd else "",
        "left": dollars(mine.left_micro_usd),
        "begins_anew_at": datetime.combine(today + timedelta(days=1), time(), tzinfo=UTC),
        "days": [(spent.day, *_columns([spent])) for spent in days],
        "total": _columns(days),
        "has_unpriced": any(not spent.cost_micro_usd for spent in days),
        "number_of_days": DAYS,
    }


def _columns(days: Sequence[DaySpent]) -> tuple[str, str, str]:
    """Return the cost of these days together, tokens read and tokens written, in words."""
    # Rows keep 0 for the tokens of a model without a price: that is no cost of nothing.
    cost = sum(spent.cost_micro_usd for spent in days)
    return (
        dollars(cost) if cost else gettext("no price"),
        _number(sum(spent.input_tokens for spent in days)),
        _number(sum(spent.output_tokens for spent in days)),
    )


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
