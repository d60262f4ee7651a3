"""Signs thinking blocks over all that came before them, and refuses a conversation whose past was changed.

It does for the stand-in what the API does for the 5.5 models, so that a mistake shows without the API. Source:
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking.
"""

import hashlib
import hmac
import json
from typing import Any

from devcontext.sandbox.claude.request import Block, Question, Turn, refuse

# Public on purpose, and fixed so that a stored conversation outlives a restart of the sandbox.
_KEY = b"devcontext-sandbox-thinking"
_CHANGED = (
    "The `system` prompt differs from the one this block was created with.",
    "The `tools` list differs from the one this block was created with.",
    "Content that preceded this block when it was created is missing from this request or was changed.",
)


def sign(question: Question, *, turns: tuple[Turn, ...], blocks: tuple[Block, ...] = ()) -> str:
    """Return the signature of a thinking block that comes after `turns` and, in its own turn, after `blocks`."""
    before = [[turn.role, turn.blocks] for turn in turns]
    parts = (question.model, question.system, question.tools, [before, blocks])
    return ".".join(_seal(part) for part in parts)


def verify(question: Question) -> None:
    """Check each thinking block sent back.

    Blocks of another model pass: the API drops them before the model sees them.

    Raises:
        APIError: 400, the block is forged or its past was changed.
    """
    for position, turn in enumerate(question.turns):
        for index, block in enumerate(turn.blocks):
            if block["type"] == "thinking":
                wanted = sign(question, turns=question.turns[:position], blocks=turn.blocks[:index])
                _compare(str(block.get("signature", "")), wanted, place=f"messages.{position}.content.{index}")


def _compare(signature: str, wanted: str, *, place: str) -> None:
    found, expected = signature.split("."), wanted.split(".")
    if len(found) != len(expected):
        raise refuse(f"{place}: Invalid `signature` in `thinking` block")
    if found[0] != expected[0]:
        return
    for part, wanted_part, changed in zip(found[1:], expected[1:], _CHANGED, strict=True):
        if part != wanted_part:
            raise refuse(
                f"{place}: Invalid `signature` in `thinking` block. The block is bound to a different conversation. "
                'Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block". '
                f"That setting requires the `thinking-binding-controls-2026-08-01` value in the `anthropic-beta` "
                f"header. {changed}"
            )


def _seal(part: Any) -> str:
    text = json.dumps(_without_cache_marks(part), sort_keys=True, ensure_ascii=False)
    return hmac.new(_KEY, text.encode(), hashlib.sha256).hexdigest()[:32]


def _without_cache_marks(value: Any) -> Any:
    """Return `value` without cache markers, which may move between requests."""
    if isinstance(value, dict):
        return {key: _without_cache_marks(entry) for key, entry in value.items() if key != "cache_control"}
    if isinstance(value, list | tuple):
        return [_without_cache_marks(entry) for entry in value]
    return value
