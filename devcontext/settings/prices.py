"""What Claude costs: the published list prices, and one of the operator's own for any other model.

US dollars for a million tokens. Source: https://platform.claude.com/docs/en/about-claude/pricing and the models'
overview pages, as of October 2026; a price of Amazon, Google or a contract differs.
"""

from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

from agent.prices import Price
from devcontext import env

# A write into the five-minute cache costs a quarter more than input, and a read a tenth of it, where no page says else.
_CACHE_WRITE, _CACHE_READ = 1.25, 0.1

_LIST: Mapping[str, tuple[Price, ...]] = {
    "claude-fable-5-1": (Price(10, 50, cache_write=12.5, cache_read=0.25),),
    "claude-opus-5-5": (Price(4, 20, cache_write=5, cache_read=0.2),),
    # NOT VERIFIED on the page itself: its cache read was 0.20 until 2026-10-07, and 0.10 is what others read there.
    "claude-sonnet-5-5": (Price(2, 10, cache_write=2.5, cache_read=0.1),),
    # A request with a longer input pays the higher price for all of it, output included.
    "claude-haiku-5-5": (
        Price(0.1, 0.5, cache_write=0.125, cache_read=0.01, max_input_tokens=100_000),
        Price(0.5, 2.5, cache_write=0.625, cache_read=0.05),
    ),
}


def load(model: str) -> dict[str, tuple[Price, ...]]:
    """Return the prices by model; `CLAUDE_PRICE` (`input/output`, such as `2/10`) is that of `model`.

    Raises:
        ImproperlyConfigured: `CLAUDE_PRICE` is no two numbers.
    """
    own = env.text("CLAUDE_PRICE")
    return {**_LIST, model: (_parse(own),)} if own else {**_LIST}


def _parse(text: str) -> Price:
    try:
        fresh_input, output = map(float, text.split("/"))
    except ValueError:
        raise ImproperlyConfigured("CLAUDE_PRICE must be two numbers, as in 2/10.") from None
    if not (0 <= fresh_input < float("inf") and 0 <= output < float("inf")):
        raise ImproperlyConfigured("CLAUDE_PRICE must be two numbers, as in 2/10.")
    return Price(fresh_input, output, cache_write=fresh_input * _CACHE_WRITE, cache_read=fresh_input * _CACHE_READ)
