"""Answers that come in pieces."""

from typing import Any

from asgiref.sync import async_to_sync


@async_to_sync
async def text_of(response: Any) -> str:
    """Return a streamed answer as a whole."""
    return b"".join([part async for part in response.streaming_content]).decode()
