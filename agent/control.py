"""Short words between processes: on runs to stop, followed or with news, on answers, changes and ended sessions.

They travel over the channel layer, Redis where there is one, and make things quick. Nothing depends on them: who does
not hear that a run is to stop or has news finds both in the database, a moment later, and the vault refuses by itself
what a user took back.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

Word = Literal["stop", "watch", "news", "answered", "change", "session"]

_GROUP = "devcontext.runs"
# A word that takes longer is of no use any more: whoever should hear it has looked by itself.
_PATIENCE_SECONDS = 2.0
# How long a process stays deaf after the layer failed it, before it listens again.
_PAUSE_SECONDS = 2.0


class Control:
    """The words that one process and event loop sends, and those of others that it hears.

    `hear` says what to do about each; it gets what the word is about, such as a run's id.
    """

    def __init__(self, hear: Mapping[Word, Callable[[str], None]]) -> None:
        self._hear = hear
        self._name = secrets.token_hex(8)
        self._listening: asyncio.Task[None] | None = None
        self._sending: dict[tuple[Word, str], asyncio.Task[None]] = {}

    def listen(self) -> None:
        """Hear what others say, from now on."""
        if self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._listen())

    def say(self, word: Word, *, about: str) -> None:
        """Tell all other processes; the same word that has not left yet is not said twice."""
        if (word, about) in self._sending:
            return
        task = asyncio.get_running_loop().create_task(self._send(word, about))
        self._sending[word, about] = task
        task.add_done_callback(lambda _task: self._sending.pop((word, about), None))

    async def _send(self, word: Word, about: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                layer: Any = get_channel_layer()
                message = {"type": "run.word", "word": word, "about": about, "from": self._name}
                await layer.group_send(_GROUP, message)
        except Exception:
            # The outer frame of a task that nobody waits for; the layers raise whatever their drivers do.
            logger.exception("agent.control_not_sent", extra={"word": word, "about": about})

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except Exception:
                # As above; a layer that is back is listened to again.
                logger.exception("agent.control_not_heard")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen_once(self) -> None:
        layer: Any = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(_GROUP, channel)
        while True:
            message = await layer.receive(channel)
            act = self._hear.get(message.get("word"))
            # Whoever says something has done it: a word of its own that comes back late could only undo what followed.
            if act and message["from"] != self._name:
                act(message["about"])

    async def aclose(self) -> None:
        """Say what is still to be said, and listen no more."""
        if self._sending:
            await asyncio.wait(set(self._sending.values()))
        if self._listening:
            self._listening.cancel()
            # Redis is told that nobody listens any more, if it is there.
            await asyncio.wait({self._listening}, timeout=_PATIENCE_SECONDS)
            self._listening = None
