"""Which failures were ordered and are still to come, per provider and place.

Only a test or a person with this machine's loopback in reach orders them; nothing fails by chance.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from devcontext.sandbox.faults.cases import Case, Place

# A test waits for a timeout of seconds, not of minutes.
_MAX_SECONDS = 120
_MAX_TIMES = 1000


class OrderError(ValueError):
    """Something was ordered that does not exist; the text says what is wrong and is meant for the asker."""


@dataclass(frozen=True, slots=True)
class Order:
    """One failure; `seconds` is how long to wait, or how long a limit asks to wait; None leaves what was recorded."""

    case: Case
    seconds: float | None = None


class Faults:
    """The failures that are still to come."""

    def __init__(self, catalogue: Mapping[str, Mapping[str, Case]]) -> None:
        """Begin with none; `catalogue` holds what can be ordered, by provider and name."""
        self.catalogue = catalogue
        self._next: dict[tuple[str, Place], tuple[Order, int]] = {}

    def order(self, body: object) -> None:
        """Set the next failures of one provider from a JSON object.

        `{"provider": "slack", "case": "api.ratelimited", "times": 2, "seconds": 30}`; `times` is 1 when left out, and
        `times` 0 ends what was ordered before at the same place.

        Raises:
            OrderError: A part is missing or out of bounds.
        """
        values = require_provider(body, known=self.catalogue)
        provider = str(values["provider"])
        case = self._find_case(provider, name=values.get("case"))
        times = require_number(values, "times", default=1, largest=_MAX_TIMES)
        seconds = (
            require_number(values, "seconds", default=0, largest=_MAX_SECONDS)
            if values.get("seconds") is not None
            else None
        )
        self._next[provider, case.place] = (Order(case, seconds), int(times))

    def take(self, provider: str, *, place: Place, header: str = "") -> Order | None:
        """Return what the next answer of `provider` at `place` must be, and count it.

        `header` is the request's own order, such as `slack:api.ratelimited`; it goes before the others and counts none.

        Raises:
            OrderError: The header orders what does not exist.
        """
        named, _, name = header.partition(":")
        if named == provider:
            case = self._find_case(provider, name=name)
            if case.place is place:
                return Order(case)
        order, times = self._next.get((provider, place), (None, 0))
        if order is None or times < 1:
            return None
        self._next[provider, place] = (order, times - 1)
        return order

    def pending(self) -> list[tuple[str, Order, int]]:
        """Return what is still to come, as (provider, order, times)."""
        return [(provider, order, times) for (provider, _), (order, times) in self._next.items() if times]

    def clear(self) -> None:
        """Let nothing more fail."""
        self._next.clear()

    def _find_case(self, provider: str, *, name: object) -> Case:
        known = self.catalogue[provider]
        if not isinstance(name, str) or name not in known:
            raise OrderError(f"`case` must be one of {', '.join(known)}.")
        return known[name]


def require_provider(body: object, *, known: Collection[str]) -> Mapping[str, object]:
    """Return `body` as an object that names one of the `known` providers.

    Raises:
        OrderError: It does not.
    """
    if not isinstance(body, dict) or body.get("provider") not in tuple(known):
        raise OrderError(f"`provider` must be one of {', '.join(known)}.")
    return body


def require_number(body: Mapping[str, object], name: str, *, default: float, largest: float) -> float:
    """Return the number `name` of `body`, from 0 to `largest`.

    Raises:
        OrderError: It is none, or out of bounds.
    """
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        raise OrderError(f"`{name}` must be a number from 0 to {largest:g}.")
    return value
