"""The run socket: authenticates, reads frames, starts, follows and stops runs. It decides nothing else."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from agent.errors import (
    ContentClosedError,
    ConversationBusyError,
    NotLastRunError,
    RunNotFoundError,
    TooManyRunsError,
)
from agent.event_log import PROTOCOL_VERSION
from agent.frames import Attach, Frame, FrameError, Reply, Send, Stop, parse
from agent.pace import Bucket
from agent.page_socket import PageSocket
from agent.runner import Runner, current_runner
from agent.types import RunRequest
from audit.errors import AuditUnavailableError
from permissions.errors import QuestionClosedError, QuestionNotFoundError
from permissions.policy import Answer
from permissions.subjects import load_auth_time, sid_of, subject_of

logger = logging.getLogger(__name__)

# A run has up to twenty frames a second; asking for the session before each would be the larger part of the work.
_RECHECK_SECONDS = 1.0
# Far more than go on at once; those that have ended are replayed and do not count any more.
_MAX_FOLLOWED = 100
# A page that comes back attaches to each run that it follows, and says again what was not answered.
_FRAMES_AT_ONCE = _MAX_FOLLOWED + 50
# Several times what hands can do; each costs some look-ups, on the thread that all sockets of the process share.
_FRAMES_PER_SECOND = 20
# A page that has lost count hears why it is not heard; what goes on after this many does not listen.
_FRAMES_REFUSED = 50
# A close code of our own, after HTTP's 429: come back later.
_TOO_FAST = 4429
_NO_SUCH_RUN = _("There is no such conversation.")
_CLOSED = _("The text of this answer cannot be opened: its key is missing, or it was changed.")
_BUSY = _("This conversation is still answering. Wait for it, or stop it.")
_NOT_LAST = _(
    "Only the last question of a conversation can be asked anew in its place. Reload the page to see which it is."
)
_TOO_MANY_RUNS = _("Too many of your questions are being answered. Wait for one of them, or stop it.")
_NO_SUCH_QUESTION = _("There is no such question.")
_TOO_LATE = _("This was answered already, or its time is over.")
_NOT_RECORDED = _("The audit timeline cannot be written right now, so your answer does not count yet. Try again.")
_INTERNAL = _("Something went wrong on our side (reference {reference}).")
_TOO_MANY_FRAMES = _("This page sends more than the server takes. It comes back in a moment.")
_TOO_MANY_FOLLOWED = _("This page follows too many answers at once. Reload it in a moment.")


class RunConsumer(PageSocket):
    """One page's socket; it may follow several runs at once, which go on without it."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._pace = Bucket(size=_FRAMES_AT_ONCE, per_second=_FRAMES_PER_SECOND, clock=clock)

    async def connect(self) -> None:
        """Accept a page that follows nothing yet."""
        self._following: dict[UUID, asyncio.Task[None]] = {}
        self._checked_at = time.monotonic()
        self._runner: Runner = current_runner()
        await super().connect()

    async def changed(self) -> None:
        """Say that a service changed; the page asks for its state by itself."""
        if await self.is_still_signed_in():
            await self._send({"type": "services.changed"})
        else:
            await self.end()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Act on one frame, or say in one sentence why not."""
        # SECURITY: before anything is looked up or read, so that a flood costs nobody else their turn.
        if (left := self._pace.take()) < 0:
            await self._hold_back(debt=-left)
            return
        if not await self.is_still_signed_in():
            await self.end()
            return
        try:
            await self._act(parse(text_data or "" if bytes_data is None else ""))
        except FrameError as error:
            await self._refuse(error.code, error.message, key=error.key, run=error.run, question=error.question)
        except Exception:
            # The outer frame of a socket: one bad message must not take the page's other runs with it.
            reference = secrets.token_hex(4)
            logger.exception("agent.frame_failed", extra={"reference": reference})
            await self._refuse("internal", format_lazy(_INTERNAL, reference=reference))

    async def _hold_back(self, *, debt: float) -> None:
        if debt > _FRAMES_REFUSED:
            await self.end(code=_TOO_FAST)
        else:
            await self._refuse("too_fast", _TOO_MANY_FRAMES)

    async def _act(self, frame: Frame) -> None:
        match frame:
            case Send():
                await self._start(frame)
            case Attach():
                self._follow(frame.run, after=frame.after)
            case Stop():
                await self._stop(frame.run)
            case Reply():
                await self._reply(frame)

    async def _start(self, frame: Send) -> None:
        user, session = self.user, self.scope["session"]
        assert user.pk is not None
        request = RunRequest(
            user=user.pk,
            subject=subject_of(user.pk),
            sid=sid_of(session),
            auth_time=await load_auth_time(session),
            user_name=user.get_full_name() or user.email,
            key=frame.key,
            text=frame.text,
            conversation=frame.conversation,
            time_zone=frame.time_zone,
            recipe=frame.recipe,
            since=frame.since,
            replaces=frame.replaces,
            can_be_asked=True,
        )
        try:
            ticket = await self._runner.start(request)
        except RunNotFoundError:
            raise FrameError("not_found", _NO_SUCH_RUN, key=frame.key) from None
        except ConversationBusyError:
            raise FrameError("busy", _BUSY, key=frame.key) from None
        except NotLastRunError:
            raise FrameError("not_last", _NOT_LAST, key=frame.key) from None
        except TooManyRunsError:
            raise FrameError("busy", _TOO_MANY_RUNS, key=frame.key) from None
        await self._send(
            {"type": "accepted", "key": frame.key, "run": str(ticket.run), "conversation": str(ticket.conversation)}
        )
        self._follow(ticket.run, after=0)

    def _follow(self, run: UUID, *, after: int) -> None:
        if previous := self._following.pop(run, None):
            previous.cancel()
        if len(self._following) >= _MAX_FOLLOWED:
            raise FrameError("busy", _TOO_MANY_FOLLOWED, run=str(run))
        task = self._following[run] = self.begin(partial(self._forward, run, after=after))
        task.add_done_callback(lambda ended: self._forget(run, ended=ended))

    def _forget(self, run: UUID, *, ended: asyncio.Task[None]) -> None:
        if self._following.get(run) is ended:
            del self._following[run]

    async def _forward(self, run: UUID, *, after: int) -> None:
        assert self.user.pk is not None
        try:
            async for _seq, frame in self._runner.log.follow(run, user=self.user.pk, after=after):
                if not await self._may_hear():
                    return
                await self.send(text_data=frame)
        except RunNotFoundError:
            await self._refuse("not_found", _NO_SUCH_RUN, run=str(run))
        except ContentClosedError:
            await self._refuse("closed", _CLOSED, run=str(run))

    async def _may_hear(self) -> bool:
        """Tell whether the page is still signed in, asking once a second; close the socket when it is not."""
        now = time.monotonic()
        if not self.is_over and now - self._checked_at >= _RECHECK_SECONDS:
            self._checked_at = now
            if not await self.is_still_signed_in():
                await self.end()
        return not self.is_over

    async def _stop(self, run: UUID) -> None:
        assert self.user.pk is not None
        try:
            await self._runner.stop(run, user=self.user.pk)
        except RunNotFoundError:
            await self._refuse("not_found", _NO_SUCH_RUN, run=str(run))

    async def _reply(self, frame: Reply) -> None:
        assert self.user.pk is not None
        question, user = str(frame.question), subject_of(self.user.pk)
        try:
            if frame.answer == "more_time":
                await self._runner.extend(frame.question, run=frame.run, user=user)
            else:
                await self._runner.answer(frame.question, run=frame.run, user=user, answer=Answer(frame.answer))
        except QuestionNotFoundError:
            raise FrameError("not_found", _NO_SUCH_QUESTION, question=question) from None
        except QuestionClosedError:
            raise FrameError("closed", _TOO_LATE, question=question) from None
        except AuditUnavailableError:
            raise FrameError("audit_unavailable", _NOT_RECORDED, question=question) from None

    async def _refuse(self, code: str, message: Promise, **names: str) -> None:
        with override(self.scope["language"]):
            told = str(message)
        await self._send({"type": "error", "code": code, "message": told, **{k: v for k, v in names.items() if v}})

    async def _send(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"v": PROTOCOL_VERSION, **message}))
