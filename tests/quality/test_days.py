"""The labelled days with the stand-in for Claude: nothing that is labelled is missing, and nothing else is said."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from agent import claude
from agent.briefing import template
from tests.agent import claude_server
from tests.quality.days import Day, brief, load_days
from tests.quality.measure import score_citations, score_facts

DAYS = load_days()


@pytest.fixture(scope="module")
def stand_in_url() -> Iterator[str]:
    with claude_server.running() as url:
        yield url


@pytest.fixture
async def model(settings: Settings, monkeypatch: pytest.MonkeyPatch, stand_in_url: str) -> AsyncIterator[claude.Claude]:
    monkeypatch.setenv("SANDBOX_CLAUDE_DELAY_MS", "0")
    settings.IS_MODEL_SIMULATED = True
    settings.CLAUDE_MODEL = "claude-sonnet-5-5"
    settings.ANTHROPIC_BASE_URL = stand_in_url
    yield claude.Claude()
    await claude.close()


def test_there_are_enough_days() -> None:
    assert len(DAYS) >= 12


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.name)
async def test_a_day_is_briefed_exactly(day: Day, model: claude.Claude) -> None:
    briefed = await brief(day, model=model)
    facts, citations = score_facts(day, briefed), score_citations(day, briefed)
    assert (sorted(facts.missing), sorted(facts.extra)) == ([], [])
    assert (sorted(citations.missing), sorted(citations.extra)) == ([], [])


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.name)
async def test_without_a_model_a_day_is_told_as_well(day: Day, model: claude.Claude) -> None:
    briefed = await brief(day, model=model)
    written = template.write(briefed.facts, readings=briefed.readings, reason="Claude cannot be reached.")
    citations = score_citations(day, replace(briefed, text=written.text))
    assert (sorted(citations.missing), sorted(citations.extra)) == ([], [])


async def test_a_label_that_does_not_hold_is_found(model: claude.Claude) -> None:
    """The measure itself: a wrong label lowers both numbers."""
    quiet = next(day for day in DAYS if day.name == "quiet")
    wrong = json.loads(json.dumps(dict(quiet.data)))
    wrong["labels"] |= {"needs_you": ["nobody asked"], "since": "2026-11-20T00:00+01:00", "cited": ["needs_you"]}
    day = Day("wrong", wrong)
    briefed = await brief(day, model=model)
    facts, citations = score_facts(day, briefed), score_citations(day, briefed)
    assert "needs_you:nobody:asked" in facts.missing
    assert facts.precision < 1
    assert facts.recall < 1
    assert (citations.recall, citations.precision) == (0.0, 1.0)
