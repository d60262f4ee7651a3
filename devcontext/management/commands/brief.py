"""`manage.py brief "Brief me for standup"`: the same run as in the browser, in a terminal.

The briefing goes to stdout in the form that was asked for; on a terminal, what happens meanwhile goes to stderr. A
failure is one sentence and exit 1.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

from agent import claude, store
from agent.briefing import recipes, renderings
from agent.briefing.document import parse
from agent.briefing.lengths import Length
from agent.briefing.recipes import RECIPES
from agent.runner import current_runner
from agent.types import RunAnswer, RunRequest
from devcontext import demo, own_data, sessions
from devcontext.lifespan import shut_down
from devcontext.sessions import Ended
from devcontext.terminal import Report, StatusLines
from devcontext.views import DEMO_EMAIL, load_demo_user
from permissions import connections
from permissions.subjects import subject_of
from vault.client import Asker, ConnectionState, VaultError

_DEFAULT_QUESTION = "Brief me for standup"


class BriefError(Exception):
    """There is no briefing; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask: `recipe` is "" where the words decide, `since` None where the recipe does."""

    text: str
    recipe: str
    since: datetime | None


class Command(BaseCommand):
    """Ask for a briefing in the terminal."""

    help = "Answer a question from the connected services, as the chat page does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("question", nargs="?", default="")
        parser.add_argument("--recipe", choices=list(RECIPES), default="", help="the kind of briefing")
        parser.add_argument("--since", metavar="TIME", default="", help="where a recipe begins, as in 2026-11-20")
        parser.add_argument("--format", choices=["text", "markdown", "slack", "speech", "json"], default="text")
        parser.add_argument("--length", choices=[length.value for length in Length], default=Length.FULL.value)
        parser.add_argument("--user", metavar="E-MAIL", help="whose services to read (default: the demo user)")
        parser.add_argument(
            "--json", action="store_const", dest="format", const="json", help="the same as --format json"
        )
        own_data.add_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            filling = own_data.sandbox_arguments(options)
            if _needs_own_sandbox(is_filled=bool(filling)):
                sys.exit(_run_with_own_sandbox(filling))
            if settings.IS_DEMO:
                call_command("migrate_all")
            user, question = _load_user(options["user"]), _question(options)
            is_live = sys.stderr.isatty() or options["verbosity"] > 1
            result = async_to_sync(self._brief)(user, question, is_live=is_live)
            self._report(result, form=options["format"], length=Length(options["length"]))
        except (BriefError, demo.DemoError, own_data.OwnDataError) as error:
            self.stderr.write(str(error))
            sys.exit(1)

    async def _brief(self, user: User, question: Question, *, is_live: bool) -> tuple[Report, RunAnswer]:
        # Importing the model's SDK takes seconds; they pass while the services are looked up.
        warming = asyncio.create_task(claude.warm_up())
        # The command is a session of its own, begun now.
        asker = Asker(user=subject_of(user.pk), sid=f"cli:{uuid4().hex}", auth_time=time.time())
        if settings.IS_DEMO and user.email == DEMO_EMAIL:
            await _connect_missing(asker)
        request = RunRequest(
            user=user.pk,
            subject=asker["user"],
            sid=asker["sid"],
            auth_time=asker["auth_time"],
            user_name=user.get_full_name() or user.email,
            key=uuid4().hex,
            text=question.text,
            conversation=None,
            time_zone=settings.TIME_ZONE,
            recipe=question.recipe,
            since=question.since,
        )
        await warming
        runner = current_runner()
        ticket = await runner.start(request)
        report, lines = Report(), StatusLines(sys.stderr, is_live=is_live)
        try:
            async for _seq, text in runner.log.follow(ticket.run, user=user.pk, after=0):
                frame = json.loads(text)
                report.add(frame)
                lines.show(frame)
        finally:
            await sessions.end(Ended(user=asker["user"], sid=asker["sid"], signed_in_at=asker["auth_time"]))
            await shut_down()
        return report, await sync_to_async(store.load_answer)(ticket.run, user=user.pk)

    def _report(self, result: tuple[Report, RunAnswer], *, form: str, length: Length) -> None:
        report, answer = result
        if report.last.get("type") != "run.finished":
            raise BriefError(report.last.get("message", "The run ended without an answer."))
        if form == "json":
            self.stdout.write(json.dumps(report.as_json(answer), indent=2, ensure_ascii=False))
        else:
            document = parse(answer.text, evidence=answer.evidence)
            self.stdout.write(renderings.render(document, form=form, length=length))


def _question(options: dict[str, Any]) -> Question:
    recipe = recipes.find(options["recipe"]) or recipes.match(options["question"] or _DEFAULT_QUESTION)
    text = options["question"] or (recipe.question if recipe else _DEFAULT_QUESTION)
    since = _instant(options["since"]) if options["since"] else None
    if since and recipe is None:
        raise BriefError("--since is where a recipe begins; a question says so in its words.")
    return Question(text=text, recipe=options["recipe"], since=since)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BriefError("--since takes a date or a time such as 2026-11-20 or 2026-11-20T09:30.") from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(settings.TIME_ZONE))


def _needs_own_sandbox(*, is_filled: bool) -> bool:
    is_used = bool(settings.SANDBOX_URL) and (settings.IS_DEMO or settings.IS_MODEL_SIMULATED)
    if is_filled and not settings.IS_DEMO:
        raise BriefError("Your own data fill the sandbox, and here services are configured: leave --me out.")
    if is_filled and not settings.IS_VAULT_EMBEDDED:
        raise BriefError("Your own data need a sandbox that a separate vault does not know; give them to ./dev up.")
    is_child = "BRIEF_SANDBOX" in os.environ
    return not is_child and is_used and (is_filled or not demo.find_world(settings.SANDBOX_URL))


def _run_with_own_sandbox(filling: Sequence[str]) -> int:
    """Start a sandbox and run this same command against it: addresses are settings, read once at the start."""
    # Without data of one's own it takes the usual place, so that the briefing's links work again with `./dev up`.
    port = demo.free_port() if filling else urlsplit(settings.SANDBOX_URL).port or 8001
    with demo.started_sandbox(port=port, arguments=filling) as url:
        world = demo.find_world(url)
        sys.stderr.write(f"Sandbox: {world.label if world else 'it ended'}.\n")
        environment = {**os.environ, "SANDBOX_URL": url, "BRIEF_SANDBOX": "1"}
        return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode  # noqa: S603


def _load_user(email: str | None) -> User:
    if not email:
        if settings.IS_DEMO:
            return load_demo_user()
        raise BriefError("Name the user whose services to read: --user E-MAIL.")
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None:
        raise BriefError("No active user has this e-mail address.")
    return user


async def _connect_missing(asker: Asker) -> None:
    try:
        statuses = await connections.list_statuses(**asker, is_fresh=True)
    except VaultError as error:
        raise BriefError(str(error)) from error
    linked = {status.service.slug for status in statuses if status.state != ConnectionState.NOT_CONNECTED}
    if len(linked) < len(statuses):
        await demo.connect_services(connected=linked)
        connections.forget(user=asker["user"])
