"""What the model's tokens cost. Prices are a setting; a model without one has no cost, and is never taken for free."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from agent.model import AssistantMessage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, for requests whose whole input is at most `max_input_tokens`, or any."""

    fresh_input: float
    output: float
    cache_write: float
    cache_read: float
    max_input_tokens: int | None = None


def is_price_known(model: str) -> bool:
    """Tell whether a cost can be given for `model`."""
    return not settings.IS_MODEL_SIMULATED and model in settings.CLAUDE_PRICES


def price_state() -> Literal["known", "unknown", "simulated", "no_model"]:
    """Tell whether the model's answers have a cost here, and if not, why not; only with a known one a budget holds."""
    if not settings.HAS_MODEL:
        return "no_model"
    if settings.IS_MODEL_SIMULATED:
        return "simulated"
    return "known" if is_price_known(settings.CLAUDE_MODEL) else "unknown"


def cost_micro_usd(message: AssistantMessage, *, model: str) -> int | None:
    """Return what one answer cost, in millionths of a US dollar; None where the price is not known.

    A dollar for a million tokens is a millionth of a dollar for one.
    """
    if not is_price_known(model):
        return None
    price = _price_for(message.input_tokens, prices=settings.CLAUDE_PRICES[model])
    fresh = message.input_tokens - message.cache_write_tokens - message.cache_read_tokens
    return round(
        fresh * price.fresh_input
        + message.cache_write_tokens * price.cache_write
        + message.cache_read_tokens * price.cache_read
        + message.output_tokens * price.output
    )


def _price_for(input_tokens: int, *, prices: Sequence[Price]) -> Price:
    fitting = (price for price in prices if price.max_input_tokens is None or input_tokens <= price.max_input_tokens)
    return next(fitting, prices[-1])
