"""Reads a request of the Messages API as strictly as the API does, and words its refusals as the API words them.

Source: https://platform.claude.com/docs/en/api/messages and the migration guide of Claude Sonnet 5.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


class APIError(Exception):
    """A refusal: HTTP status, the API's error type and its message."""

    def __init__(self, status: int, error_type: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.type = error_type
        self.message = message
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the error as the API writes it."""
        return {"type": "error", "error": {"type": self.type, "message": self.message}, "request_id": "req_sandbox"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation; a text is a list of one block."""

    role: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was found valid."""

    model: str
    system: Any
    tools: tuple[dict[str, Any], ...]
    turns: tuple[Turn, ...]
    may_call_tools: bool
    max_tokens: int
    is_stream: bool
    size_characters: int


def refuse(message: str) -> APIError:
    """Return the 400 that the API gives for a request it does not accept."""
    return APIError(400, "invalid_request_error", message)


def parse(body: Any, *, size_characters: int) -> Question:
    """Return the request in `body`.

    Raises:
        APIError: 400, with the API's words for what is wrong.
    """
    if not isinstance(body, dict):
        raise refuse("The request body is not a JSON object.")
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise refuse(f"{name}: Field required")
    if not isinstance(body["max_tokens"], int) or body["max_tokens"] < 1:
        raise refuse("max_tokens: Input should be greater than or equal to 1")
    _check_thinking(body.get("thinking"))
    return Question(
        model=str(body["model"]),
        system=body.get("system", ""),
        tools=_tools(body.get("tools", [])),
        turns=_turns(body["messages"]),
        may_call_tools=_may_call_tools(body.get("tool_choice")),
        max_tokens=body["max_tokens"],
        is_stream=bool(body.get("stream")),
        size_characters=size_characters,
    )


def _check_thinking(thinking: Any) -> None:
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind in ("disabled", "enabled"):
        raise refuse(f'"thinking.type.{kind}" is not supported for this model.')


def _may_call_tools(tool_choice: Any) -> bool:
    kind = tool_choice.get("type") if isinstance(tool_choice, dict) else "auto"
    if kind in ("any", "tool"):
        raise refuse('tool_choice: type "tool" and "any" are not supported for this model.')
    if kind not in ("auto", "none"):
        raise refuse("tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'")
    return kind == "auto"


def _tools(tools: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(tools, list):
        raise refuse("tools: Input should be a valid list")
    for position, tool in enumerate(tools):
        if not isinstance(tool, dict):
            raise refuse(f"tools.{position}: Input should be a valid dictionary")
        for name in ("name", "input_schema"):
            if name not in tool:
                raise refuse(f"tools.{position}.custom.{name}: Field required")
        if not isinstance(tool["input_schema"], dict) or tool["input_schema"].get("type") != "object":
            raise refuse(f"tools.{position}.custom.input_schema.type: Input should be 'object'")
    if len({tool["name"] for tool in tools}) < len(tools):
        raise refuse("tools: Tool names must be unique.")
    return tuple(tools)


def _turns(messages: Any) -> tuple[Turn, ...]:
    """Return the conversation with neighbouring turns of one role taken together, as the API does."""
    if not isinstance(messages, list) or not messages:
        raise refuse("messages: at least one message is required")
    turns: list[Turn] = []
    for position, message in enumerate(messages):
        turn = _turn(message, position=position)
        if turns and turns[-1].role == turn.role:
            turns[-1] = Turn(turn.role, turns[-1].blocks + turn.blocks)
        else:
            turns.append(turn)
    if turns[0].role != "user":
        raise refuse('messages: first message must use the "user" role')
    if turns[-1].role != "user":
        raise refuse(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    _check_results(turns)
    return tuple(turns)


def _turn(message: Any, *, position: int) -> Turn:
    if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
        raise refuse(f"messages.{position}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list) or not blocks:
        raise refuse(f"messages.{position}: all messages must have non-empty content")
    for block in blocks:
        if not isinstance(block, dict) or "type" not in block:
            raise refuse(f"messages.{position}.content: Input should be a list of content blocks")
        if block["type"] == "text" and not str(block.get("text", "")).strip():
            raise refuse("messages: text content blocks must be non-empty")
    return Turn(message["role"], tuple(blocks))


def _check_results(turns: list[Turn]) -> None:
    """Check that each `tool_use` is answered by exactly one `tool_result`, in the user turn right after it."""
    for position, turn in enumerate(turns):
        if turn.role != "user":
            continue
        before = turns[position - 1].blocks if position else ()
        called = [block.get("id") for block in before if block["type"] == "tool_use"]
        answered = [block.get("tool_use_id") for block in turn.blocks if block["type"] == "tool_result"]
        if unknown := [one for one in answered if one not in called]:
            raise refuse(
                f"messages.{position}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {unknown[0]}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if missing := [one for one in called if one not in answered]:
            raise refuse(
                f"messages.{position - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(map(str, missing))}. Each `tool_use` block must have a corresponding `tool_result` block "
                "in the next message."
            )
        if len(answered) > len(set(answered)):
            raise refuse(f"messages.{position}.content: each tool_use must have a single result.")
