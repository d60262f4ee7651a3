"""Puts one answer of the Messages API together from its stream of events, as plain JSON that can be sent back.

It knows nothing of the SDK and decides nothing: an event it does not know changes nothing.
"""

import json
from typing import Any

from agent.model import AssistantMessage

# What a tool call's arguments become when they are no JSON object: no tool accepts them, so the call is answered with
# `bad_arguments`, and the turn can still be sent back.
_MALFORMED = {"malformed_json": True}


class MessageBuilder:
    """Collects the events of one stream, given as dictionaries in the order they came.

    Order: `message_start`, for each block `content_block_start`, `content_block_delta`s and `content_block_stop`, then
    `message_delta` with stop reason and usage, and `message_stop`.
    Source: https://platform.claude.com/docs/en/build-with-claude/streaming.
    """

    def __init__(self, *, max_characters: int) -> None:
        self._left = max_characters
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}
        self._usage: dict[str, int] = {}
        self._stop_reason: str | None = None

    @property
    def is_full(self) -> bool:
        """Whether more came than an answer may have; it then ends as one that reached `max_tokens`."""
        return self._left < 0

    def add(self, event: dict[str, Any]) -> str:
        """Take one event and return the text it adds to the answer, which is mostly "".

        Raises:
            LookupError, TypeError, ValueError, AttributeError: The event is not what the API sends.
        """
        match event["type"]:
            case "message_start":
                self._count(event["message"].get("usage"))
            case "content_block_start":
                self._blocks[event["index"]] = dict(event["content_block"])
                return str(event["content_block"].get("text") or "")
            case "content_block_delta":
                return self._grow(event["index"], event["delta"])
            case "message_delta":
                self._stop_reason = event["delta"].get("stop_reason")
                self._count(event.get("usage"))
        return ""

    def finish(self) -> AssistantMessage:
        """Return the message as far as it came; `stop_reason` is None when the stream broke off.

        Raises:
            LookupError, ValueError: A tool call has no name, or no id of its own.
        """
        calls = [block for block in self._blocks.values() if block["type"] == "tool_use"]
        ids = {block["id"] for block in calls if block["name"] and block["id"]}
        if len(ids) < len(calls):
            raise ValueError("A result is joined to its call by the call's id.")
        return AssistantMessage(
            content=[self._close(index) for index in sorted(self._blocks) if not self._is_empty_text(index)],
            stop_reason="max_tokens" if self.is_full else self._stop_reason,
            input_tokens=sum(self._usage.get(name, 0) for name in _INPUT_TOKENS),
            output_tokens=self._usage.get("output_tokens", 0),
            cache_write_tokens=self._usage.get("cache_creation_input_tokens", 0),
            cache_read_tokens=self._usage.get("cache_read_input_tokens", 0),
        )

    def _grow(self, index: int, delta: dict[str, Any]) -> str:
        self._left -= sum(len(part) for part in delta.values() if isinstance(part, str))
        block = self._blocks[index]
        match delta["type"]:
            case "text_delta":
                block["text"] += delta["text"]
                return str(delta["text"])
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "input_json_delta":
                self._inputs[index] = self._inputs.get(index, "") + delta["partial_json"]
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        return ""

    def _close(self, index: int) -> dict[str, Any]:
        block = self._blocks[index]
        if block["type"] != "tool_use":
            return block
        return block | {"input": _parse(self._inputs[index]) if self._inputs.get(index) else block.get("input") or {}}

    def _is_empty_text(self, index: int) -> bool:
        # The API sends such blocks now and then, and refuses them when they come back.
        block = self._blocks[index]
        return block["type"] == "text" and not block["text"].strip()

    def _count(self, usage: dict[str, Any] | None) -> None:
        # Counts of a `message_delta` are totals, and those it leaves out keep their value.
        # Other servers that speak the protocol leave the usage out.
        self._usage |= {name: count for name, count in (usage or {}).items() if isinstance(count, int)}


_INPUT_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def _parse(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text)
    except ValueError:
        return _MALFORMED
    return arguments if isinstance(arguments, dict) else _MALFORMED
