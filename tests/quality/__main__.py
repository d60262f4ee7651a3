"""Measures briefings on the labelled days and prints the table: `./dev quality`.

With ANTHROPIC_API_KEY against Claude, which costs money and varies; without, against the stand-in, which is exact.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import django
from asgiref.sync import async_to_sync

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.web")
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="devcontext-quality-"))
django.setup()

from django.conf import settings  # noqa: E402  (the apps can be imported once Django is set up)

from agent import claude  # noqa: E402
from agent.errors import ModelError  # noqa: E402
from tests.agent import claude_server  # noqa: E402
from tests.quality.days import Day, brief, load_days  # noqa: E402
from tests.quality.measure import Score, score_citations, score_facts  # noqa: E402

HEAD = ("day", "facts P", "facts R", "cites P", "cites R", "missing", "not labelled")


@contextmanager
def _model() -> Iterator[str]:
    """Yield what answers: the model of the settings, or the stand-in where there is no key."""
    if settings.ANTHROPIC_API_KEY:
        yield settings.CLAUDE_MODEL
        return
    with claude_server.running() as url:
        settings.ANTHROPIC_BASE_URL = url
        settings.IS_MODEL_SIMULATED = settings.HAS_MODEL = True
        settings.CLAUDE_MODEL = settings.CLAUDE_MODEL or "claude-sonnet-5-5"
        yield "the stand-in, which holds no model"


async def _measure(day: Day) -> tuple[str, ...]:
    try:
        briefed = await brief(day, model=claude.Claude())
    except ModelError as error:
        return (day.name, *["-"] * 4, error.code, "")
    facts, citations = score_facts(day, briefed), score_citations(day, briefed)
    return (day.name, *_numbers(facts), *_numbers(citations), _list(citations.missing), _list(citations.extra))


def _numbers(score: Score) -> tuple[str, str]:
    return f"{score.precision:.2f}", f"{score.recall:.2f}"


def _list(names: frozenset[str]) -> str:
    return " ".join(sorted(names)) or "-"


async def _run() -> list[tuple[str, ...]]:
    try:
        return [await _measure(day) for day in load_days()]
    finally:
        await claude.close()


def main() -> None:
    """Print the table."""
    with _model() as name:
        rows = [HEAD, *async_to_sync(_run)()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    sys.stdout.write(f"Written by {name}. P is precision, R recall; facts never depend on the model.\n\n")
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(f"{line.rstrip()}\n")


if __name__ == "__main__":
    main()
