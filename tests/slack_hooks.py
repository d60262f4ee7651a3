"""A stand-in for Slack's incoming webhooks on this machine: it takes what Slack documents, and refuses the rest.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/reference/block-kit/blocks. NOT VERIFIED against a real workspace: the status of `no_service`,
and that an incoming webhook takes a `markdown` block.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.serving import serve_app

# Where the message goes, as whom, and with what picture is the webhook's, and cannot be said in a message.
_FIELDS = frozenset({"text", "blocks", "attachments", "thread_ts", "mrkdwn", "unfurl_links", "unfurl_media"})
_MAX_BLOCKS = 50
_MAX_ELEMENTS = 10
_MAX_SECTION_CHARACTERS = 3000
# Of all markdown blocks of a message together.
_MAX_MARKDOWN_CHARACTERS = 12_000


@dataclass(slots=True)
class SlackHook:
    """The webhook at `path`, which is there until `is_removed`; `got` are the messages that it took."""

    path: str
    url: str = ""
    is_removed: bool = False
    asked: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, request: Request) -> PlainTextResponse:
        """Answer as Slack does: `ok`, or the name of an error in plain text."""
        self.asked += 1
        if self.is_removed or request.url.path != self.path:
            return PlainTextResponse("no_service", status_code=404)
        try:
            message = json.loads(await request.body())
        except ValueError:
            message = None
        if request.headers["content-type"] != "application/json" or not _is_message(message):
            return PlainTextResponse("invalid_payload", status_code=400)
        if not _has_sound_blocks(message.get("blocks", [])):
            return PlainTextResponse("invalid_blocks", status_code=400)
        self.got.append(message)
        return PlainTextResponse("ok")


@contextmanager
def serve_slack_hook(path: str) -> Iterator[SlackHook]:
    """Serve a webhook for the time of the block."""
    made = SlackHook(path)

    def app(url: str) -> Starlette:
        made.url = url
        return Starlette(routes=[Route("/{path:path}", made.take, methods=["POST"])])

    with serve_app(app):
        yield made


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and set(message) <= _FIELDS and _is_text(message.get("text"))


def _has_sound_blocks(blocks: Any) -> bool:
    if not isinstance(blocks, list) or len(blocks) > _MAX_BLOCKS or not all(map(_is_block, blocks)):
        return False
    written = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    return written <= _MAX_MARKDOWN_CHARACTERS


def _is_block(block: Any) -> bool:
    match block:
        case {"type": "section", "text": Mapping() as text}:
            return _is_text_object(text) and len(text["text"]) <= _MAX_SECTION_CHARACTERS
        case {"type": "context", "elements": list(elements)}:
            return 0 < len(elements) <= _MAX_ELEMENTS and all(map(_is_text_object, elements))
        case {"type": "markdown", "text": text}:
            return _is_text(text)
    return False


def _is_text_object(text: Any) -> bool:
    match text:
        case {"type": "mrkdwn" | "plain_text", "text": words}:
            return _is_text(words)
    return False


def _is_text(text: Any) -> bool:
    return isinstance(text, str) and bool(text)
