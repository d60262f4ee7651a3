"""Waits for what announces itself to nobody."""

import asyncio
from collections.abc import Callable


async def until(is_true: Callable[[], object]) -> None:
    """Wait until `is_true` says so; a minute is more than anything here takes."""
    async with asyncio.timeout(60):
        while not is_true():  # noqa: ASYNC110  (see above)
            await asyncio.sleep(0.01)
