"""A price is published, or the operator's own; what is no price stops the start."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from agent.prices import Price
from devcontext.checks import check_budget_holds
from devcontext.settings import prices


def test_the_default_models_have_their_list_price() -> None:
    assert prices.load("claude-sonnet-5-5")["claude-sonnet-5-5"][0].output == 10
    assert [price.max_input_tokens for price in prices.load("")["claude-haiku-5-5"]] == [100_000, None]


def test_the_operators_price_is_that_of_the_model_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_PRICE", "4/8")
    assert prices.load("local-model")["local-model"] == (Price(4, 8, cache_write=5, cache_read=0.4),)


@pytest.mark.parametrize("text", ["4", "4/8/2", "four/8", "-1/8", "inf/1", "nan/1", "/"])
def test_what_is_no_price_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CLAUDE_PRICE", text)
    with pytest.raises(ImproperlyConfigured, match="two numbers"):
        prices.load("a-model")


def test_a_budget_without_a_price_is_warned_of(settings: Settings) -> None:
    settings.IS_MODEL_SIMULATED = False
    settings.CLAUDE_MODEL = "claude-sonnet-5-5"
    assert check_budget_holds() == []
    settings.CLAUDE_MODEL = "a-model"
    assert [message.id for message in check_budget_holds()] == ["devcontext.W001"]
    settings.DAILY_BUDGET_USD = settings.DAILY_BUDGET_USD_PER_USER = 0
    assert check_budget_holds() == []
