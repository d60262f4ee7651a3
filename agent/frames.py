"""What a page may send over its run socket, checked before anything is done with it."""

import functools
import json
import zoneinfo
from typing import Annotated, Literal
from uuid import UUID

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from agent.briefing import recipes

MAX_FRAME_BYTES = 16 * 1024
# A long question is a page of text; what is pasted beyond that is not a question.
MAX_QUESTION_CHARACTERS = 8_000
_TOO_LARGE = _("This message is larger than 16 KiB. Shorten it and send it again.")
_MALFORMED = _("The server could not read this message.")
_BAD_TEXT = format_lazy(_("Write a question of 1 to {number} characters."), number=MAX_QUESTION_CHARACTERS)


class FrameError(Exception):
    """A frame that cannot be used, with `code` and `message` for the page, which is told it in its own language.

    `key`, `run` or `question` name what it was about, if that is known.
    """

    def __init__(self, code: str, message: Promise, *, key: str = "", run: str = "", question: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.key = key
        self.run = run
        self.question = question


# Listing the zones reads hundreds of files, which would stop every run of the process for some 20 ms per question.
_list_zones = functools.cache(zoneinfo.available_timezones)


def _known_zone(name: str) -> str:
    return name if name in _list_zones() else "UTC"


def _known_recipe(name: str) -> str:
    if name and recipes.find(name) is None:
        raise ValueError("There is no such recipe.")
    return name


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    v: Literal[1]


class Send(_Frame):
    """Ask a question, in a conversation or in a new one; `key` makes sending it twice harmless.

    `recipe` is the recipe to follow, and `since` where its window begins; without them the words decide. `replaces` is
    the conversation's last run, whose place this one takes.
    """

    type: Literal["send"]
    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARACTERS)]
    conversation: UUID | None = None
    # A zone that this server does not know is no reason to refuse a question.
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    recipe: Annotated[str, AfterValidator(_known_recipe)] = ""
    since: AwareDatetime | None = None
    replaces: UUID | None = None


class Attach(_Frame):
    """Follow a run from the event after `after`."""

    type: Literal["attach"]
    run: UUID
    after: Annotated[int, Field(ge=0)] = 0


class Stop(_Frame):
    """Stop a run."""

    type: Literal["stop"]
    run: UUID


class Reply(_Frame):
    """Answer the question of a tool call, whether it may read: once, in this conversation, always, not, or not yet."""

    type: Literal["answer"]
    run: UUID
    question: UUID
    answer: Literal["once", "conversation", "always", "no", "more_time"]


Frame = Send | Attach | Stop | Reply
ClientFrame = Annotated[Frame, Field(discriminator="type")]
_adapter: TypeAdapter[Frame] = TypeAdapter(ClientFrame)


def parse(text: str) -> Frame:
    """Return the frame in `text`.

    Raises:
        FrameError: It is too large, no JSON, or not a message of this protocol.
    """
    if len(text.encode()) > MAX_FRAME_BYTES:
        raise FrameError("too_large", _TOO_LARGE)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise FrameError("malformed", _MALFORMED) from None
    try:
        return _adapter.validate_python(data)
    except ValidationError as error:
        raise _explain(error, data) from None


def _explain(error: ValidationError, data: object) -> FrameError:
    key = data.get("key") if isinstance(data, dict) else None
    key = key if isinstance(key, str) and len(key) <= 64 else ""  # noqa: PLR2004  (the longest key there is)
    if any(problem["loc"][-1:] == ("text",) for problem in error.errors()):
        return FrameError("bad_text", _BAD_TEXT, key=key)
    return FrameError("malformed", _MALFORMED, key=key)
