"""Misbehaviour on demand: each of these model ids makes the stand-in do what a model or the API does on a bad day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from devcontext.sandbox.claude import brain, replies
from devcontext.sandbox.claude.reading import read_exchange
from devcontext.sandbox.claude.replies import Reply
from devcontext.sandbox.claude.request import APIError, Question


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the stand-in behaves: what it says, whether the API refuses first, and how its stream ends.

    `ending` is `whole`; `cut_short`, where the stream stops in the middle without an error; or `error`, where an error
    event stands in for the rest, under a status of 200.
    """

    reply: Callable[[Question], Reply] = brain.reply
    refusal: Callable[[], APIError] | None = None
    ending: Literal["whole", "cut_short", "error"] = "whole"


def _without_reading(question: Question) -> Reply:
    if read_exchange(question).readings:
        return brain.reply(question)
    return replies.text("Yesterday you fixed the login bug and everything is on track.")


def _invented_tools(question: Question) -> Reply:
    if read_exchange(question).readings or not question.may_call_tools:
        return brain.reply(question)
    return replies.calls(
        [("delete_repository", {"name": "harbor-api"}), ("github_activity", {"since": "yesterday", "url": "http://x"})]
    )


def _invented_citations(question: Question) -> Reply:
    reply = brain.reply(question)
    if reply.stop_reason == "tool_use":
        return reply
    invented = "\n\n- [#999 Nobody wrote this](evidence:gh-00000000)"
    return replies.text(reply.blocks[0]["text"] + invented)


def _endless_reading(question: Question) -> Reply:
    if not question.may_call_tools:
        return brain.reply(question)
    since = read_exchange(question).since.isoformat()
    return replies.calls([("github_activity", {"since": since}), ("slack_mentions", {"since": since})])


def _refusing(_question: Question) -> Reply:
    return replies.text("I cannot help with that.", stop_reason="refusal")


# Reads, then writes.
_USUAL = Behaviour()
BEHAVIOURS: Mapping[str, Behaviour] = {
    # Makes up an answer before any tool was called.
    "sandbox-answers-without-reading": Behaviour(_without_reading),
    # Calls a tool and arguments that do not exist.
    "sandbox-invents-tools": Behaviour(_invented_tools),
    # Cites evidence that no tool returned.
    "sandbox-invents-citations": Behaviour(_invented_citations),
    # Calls tools for as long as it may.
    "sandbox-loops": Behaviour(_endless_reading),
    # Stops with `refusal`.
    "sandbox-refuses": Behaviour(_refusing),
    # The stream ends in the middle, without an error.
    "sandbox-cut-short": Behaviour(ending="cut_short"),
    # The stream ends in the middle, with an error event.
    "sandbox-breaks": Behaviour(ending="error"),
    # Answers 529.
    "sandbox-overloaded": Behaviour(refusal=lambda: APIError(529, "overloaded_error", "Overloaded")),
    # Answers 429 and asks to wait a minute.
    "sandbox-rate-limited": Behaviour(
        refusal=lambda: APIError(
            429, "rate_limit_error", "Number of requests exceeded.", headers={"retry-after": "60"}
        ),
    ),
    # Answers 500.
    "sandbox-down": Behaviour(refusal=lambda: APIError(500, "api_error", "Internal server error")),
}


def behaviour_of(model: str) -> Behaviour:
    """Return how the stand-in behaves under the model id `model`: every other id is the usual one."""
    return BEHAVIOURS.get(model, _USUAL)
