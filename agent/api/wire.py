"""The edge where a provider's JSON becomes our values: small models, one-line titles, checked links.

What does not fit stops here, and the error repeats nothing that came from outside.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from agent.api.answers import unusable
from agent.untrusted import TITLE_CHARACTERS, clean_text

# Above what browsers and providers use for a link.
MAX_LINK_CHARACTERS = 2_000
# Anybody can date a commit or an event to the year 9999. Moved in here, no change of zone and no sum of days leaves
# what `datetime` can hold, and the other items of the answer are not lost.
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def one_line(text: str, *, max_characters: int = TITLE_CHARACTERS) -> str:
    """Return `text` as one visible line."""
    return clean_text(
        " ".join(clean_text(text, max_characters=max_characters * 2).split()), max_characters=max_characters
    )


def _require_link(url: str) -> str:
    parts = urlsplit(url)
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_LINK_CHARACTERS
    if not is_plain or parts.scheme not in {"https", "http"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not a web address")
    return url


def _bounded(at: datetime) -> datetime:
    return min(max(at, _EARLIEST), _LATEST)


def _bounded_day(day: date) -> date:
    return min(max(day, _EARLIEST.date()), _LATEST.date())


Line = Annotated[str, AfterValidator(one_line)]
Link = Annotated[str, AfterValidator(_require_link)]
Instant = Annotated[AwareDatetime, AfterValidator(_bounded)]
Day = Annotated[date, AfterValidator(_bounded_day)]


class Wire(BaseModel):
    """Base of what a provider sends: the fields we use are required and typed, all others are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class SnakeWire(BaseModel):
    """`Wire` for a provider that writes its names in snake case."""

    model_config = ConfigDict(extra="ignore", frozen=True)


_Model = TypeVar("_Model", bound=BaseModel)


def parse(model: type[_Model], *, provider: str, data: Any) -> _Model:
    """Return `data` as `model`.

    Raises:
        agent.errors.ToolFailedError: The answer lacks what we use, or has it in another shape.
    """
    try:
        return model.model_validate(data)
    except ValidationError:
        # A validation error quotes the provider's text, so it is not even chained.
        raise unusable(provider) from None
