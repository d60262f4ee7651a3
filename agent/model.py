"""What the loop needs of a model, whichever it is and whoever pays for it; it knows no SDK."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

# Whether the answer has to call tools, may, or must not.
ToolChoice = Literal["any", "auto", "none"]


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """One whole answer of the model: `content` is a list of blocks, exactly as it has to be sent back.

    `stop_reason` is the API's, or None for a stream that broke off. `input_tokens` include those that were written to
    the prompt cache and those that were read from it, which have prices of their own.
    """

    content: list[dict[str, Any]]
    stop_reason: str | None
    input_tokens: int
    output_tokens: int
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0


class Model(Protocol):
    """What the loop needs of a model: one question, answered by pieces of text and then the whole message."""

    def ask(
        self,
        *,
        system: str,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        tool_choice: ToolChoice,
        max_tokens: int,
        max_seconds: float,
    ) -> AsyncGenerator[str | AssistantMessage, None]:
        """Yield the text as it comes, and the message last.

        `tool_choice` is `any` where the answer has to call a tool, which not every model can be made to: the caller
        looks. The caller gives up after `max_seconds`; a wait that would last longer is not begun.

        Raises:
            agent.errors.ModelError: The model could not be asked, or its answer broke off.
        """
        ...
