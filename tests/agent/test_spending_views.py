"""The page of what Claude cost: the user's own sums, today against the budget, and what it says without either."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from agent import memory, spending
from agent.prices import Price
from agent.types import WeekSettings

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

PAGE = "/settings/spending/"


@pytest.fixture(autouse=True)
def paid(settings: Settings) -> Settings:
    """A model with a price, and budgets of two dollars and of four."""
    settings.HAS_MODEL, settings.IS_MODEL_SIMULATED = True, False
    settings.CLAUDE_MODEL = "a-model"
    settings.CLAUDE_PRICES = {"a-model": (Price(2, 10, cache_write=2.5, cache_read=0.2),)}
    settings.DAILY_BUDGET_USD_PER_USER, settings.DAILY_BUDGET_USD = 2, 4
    return settings


@pytest.fixture
def signed_in(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def today() -> date:
    return datetime.now(UTC).date()


def spend(user: User, micro_usd: int, *, days_ago: int = 0) -> None:
    day = today() - timedelta(days=days_ago)
    spending.add_spending(user.pk, day=day, input_tokens=12_345, output_tokens=678, cost_micro_usd=micro_usd)


def shown(client: Client) -> str:
    """Return the words of the page's own part."""
    response = client.get(PAGE)
    assert response.status_code == 200
    html = re.sub(r"<svg.*?</svg>", "", response.content.decode().partition("<main")[2], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition(">")[2].partition("</main>")[0]).split())


def test_a_stranger_has_to_sign_in(client: Client) -> None:
    response = client.get(PAGE)
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]


def test_it_changes_nothing(signed_in: Client) -> None:
    assert signed_in.post(PAGE).status_code == 405


def test_it_shows_the_days_with_a_total_and_today_against_the_budget(signed_in: Client, alice: User) -> None:
    spend(alice, 250_000)
    spend(alice, 1_500_000, days_ago=29)
    spend(alice, 9_000_000, days_ago=30)
    words = shown(signed_in)
    assert "Spent $0.25 Your budget for a day $2.00 Left $1.75 Begins anew" in words
    assert words.count("12,345 678") == 2
    assert "$0.25 12,345 678" in words
    assert "$1.50 12,345 678" in words
    assert "Together $1.75 24,690 1,356" in words
    assert "no price" not in words


def test_what_others_spent_is_not_in_it(signed_in: Client, alice: User, mallory: User) -> None:
    spend(alice, 250_000)
    spend(mallory, 1_110_000)
    spend(mallory, 1_110_000, days_ago=1)
    words = shown(signed_in)
    assert "Together $0.25 12,345 678" in words
    assert not re.search(r"1\.11|1\.36|2\.22|2\.47|24,690|37,035", words)
    assert "used up" not in words


def test_it_says_in_the_users_zone_when_the_budget_begins_anew(signed_in: Client, alice: User) -> None:
    memory.save_week_settings(alice.pk, chosen=WeekSettings((0,), "", "", "Asia/Tokyo"))
    assert "09:00 JST" in shown(signed_in)


def test_a_spent_budget_is_said(signed_in: Client, alice: User) -> None:
    spend(alice, 2_100_000)
    words = shown(signed_in)
    assert "Your budget for today is used up." in words
    assert "Left $0.00" in words


def test_the_installations_spent_budget_is_said_without_its_sum(
    signed_in: Client, mallory: User, paid: Settings
) -> None:
    paid.DAILY_BUDGET_USD_PER_USER = 0
    spend(mallory, 4_110_000)
    words = shown(signed_in)
    assert "budget for today is used up. Until it begins anew, everybody" in words
    assert "Begins anew" in words
    assert "4.1" not in words


def test_no_budget_is_said_and_nothing_is_left_of_it(signed_in: Client, alice: User, paid: Settings) -> None:
    paid.DAILY_BUDGET_USD_PER_USER = 0
    spend(alice, 1_000_000)
    words = shown(signed_in)
    assert "none is set, so there is no limit of your own" in words
    assert "Left" not in words
    assert "Begins anew" not in words


def test_without_a_price_tokens_have_no_cost_and_no_budget_is_shown(
    signed_in: Client, alice: User, paid: Settings
) -> None:
    paid.CLAUDE_MODEL = "another-model"
    spend(alice, 0)
    words = shown(signed_in)
    assert "The price of another-model is not known here" in words
    assert "Together no price 12,345 678" in words
    assert "$" not in words


def test_days_with_a_price_and_days_without_are_told_apart(signed_in: Client, alice: User) -> None:
    spend(alice, 250_000)
    spend(alice, 0, days_ago=1)
    words = shown(signed_in)
    assert "no price 12,345 678" in words
    assert "Together $0.25 24,690 1,356" in words
    assert "Where no price was known, or a stand-in wrote, tokens have no cost." in words


def test_a_stand_in_costs_nothing(signed_in: Client, alice: User, paid: Settings) -> None:
    paid.IS_MODEL_SIMULATED = True
    spend(alice, 0)
    words = shown(signed_in)
    assert "A stand-in plays Claude here." in words
    assert "Your budget" not in words


def test_without_a_model_and_an_answer_it_says_so(signed_in: Client, paid: Settings) -> None:
    paid.HAS_MODEL = False
    words = shown(signed_in)
    assert "This installation has no model" in words
    assert "Claude has answered nothing for you in the last 30 days." in words


@pytest.mark.parametrize("place", ["account-menu", "palette-list"])
def test_the_shell_leads_to_it(signed_in: Client, place: str) -> None:
    assert f'href="{PAGE}"' in signed_in.get(PAGE).content.decode().partition(place)[2]
