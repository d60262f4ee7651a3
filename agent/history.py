"""Begins a conversation anew that has grown long, or that was signed under another prompt: as questions and answers.

Thinking signatures bind everything before them, so nothing is ever taken out of a conversation: the new beginning holds
no thinking and no tool call, and what follows is signed over it.
"""

import json
from typing import Any

Message = dict[str, Any]

# The share of the limit that a new beginning may have, so that many runs pass before the next.
_SHARE = 0.25
# Of one question or answer: a long briefing in whole; the middle of what is longer is left out.
_MAX_TEXT_CHARACTERS = 6_000
_GAP = "\n\n[…]\n\n"


def begin_anew(history: list[Message], *, max_characters: int, is_signed: bool = True) -> list[Message] | None:
    """Return the newest questions and answers of `history` in its place, or None where it can stay.

    It can where it is short enough and `is_signed`: under what this question begins with (`agent.prefix`).

    A question and its answer are two messages of text, as the model saw and wrote them, citations included. The answer
    stays the model's own turn: what it quotes of others must not come back as the user's words.
    """
    if is_signed and _size(history) <= max_characters:
        return None
    room = round(max_characters * _SHARE)
    kept: list[Message] = []
    for exchange in reversed(_exchanges(history)):
        room -= _size(exchange)
        # The newest is what the next question goes on from; it is bounded by its texts.
        if room < 0 and kept:
            break
        kept = exchange + kept
    return kept


def _exchanges(history: list[Message]) -> list[list[Message]]:
    """Return each question with its answer; a question is the one user message that is plain text."""
    starts = [position for position, message in enumerate(history) if isinstance(message["content"], str)]
    ends = [*starts[1:], len(history)]
    found = [(history[start]["content"], _answer(history[start:end])) for start, end in zip(starts, ends, strict=True)]
    return [
        [
            {"role": "user", "content": _shorten(question)},
            {"role": "assistant", "content": [{"type": "text", "text": _shorten(answer)}]},
        ]
        for question, answer in found
        if answer
    ]


def _answer(messages: list[Message]) -> str:
    """Return the text of the last assistant turn: what was said before it was a step on the way."""
    written = [message["content"] for message in messages if message["role"] == "assistant"]
    last: list[Message] = written[-1] if written else []
    return "\n\n".join(block["text"] for block in last if block["type"] == "text").strip()


def _shorten(text: str) -> str:
    """Return `text` without its middle; a question's line of context is its end."""
    if len(text) <= _MAX_TEXT_CHARACTERS:
        return text
    half = (_MAX_TEXT_CHARACTERS - len(_GAP)) // 2
    return f"{text[:half]}{_GAP}{text[-half:]}"


def _size(messages: list[Message]) -> int:
    return sum(len(json.dumps(message["content"], ensure_ascii=False)) for message in messages)
