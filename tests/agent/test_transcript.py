"""A run as its stored events tell it, to somebody who reads another language than the run was kept in."""

import re
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from django.utils import translation
from pytest_django.fixtures import Settings

from agent import events, transcript
from agent.errors import ToolErrorCode
from agent.event_log import encode
from tools import pseudo_locale
from tools.catalogue import Message

WORDING = Path(__file__).resolve().parents[2] / "static" / "agent" / "wording.js"
REMEDIES = re.compile(r'^  (\w+): { word: gettext\("([^"]+)"\), address: "(\w+)" },$', re.MULTILINE)
EIGHT, ONE = "8 calls of the model that are not allowed", "1 invented citation"
LABEL = "Searching Slack mentions…"


def test_what_a_call_does_is_told_in_the_language_of_its_reader(settings: Settings, tmp_path: Path) -> None:
    pseudo_locale.make(tmp_path, {"django": [Message(LABEL)], "djangojs": []})
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("en-xa", "pseudo")]
    begun = events.StepStarted(id="t1", tool="slack_mentions", provider="slack", label=LABEL, args={})
    frame = encode(begun, run=UUID(int=1), seq=1)
    assert LABEL in frame
    assert transcript.tell([frame]).calls["t1"].label == "Searching Slack mentions"
    with translation.override("en-xa"):
        told = transcript.tell([frame]).calls["t1"].label
    assert told == pseudo_locale.lengthened(LABEL).rstrip("….")
    assert told != "Searching Slack mentions"


@pytest.mark.parametrize("state", get_args(events.PermissionState))
def test_each_answer_of_the_gate_is_told_in_the_words_of_the_chat_page(state: events.PermissionState) -> None:
    begun = events.StepStarted(id="t1", tool="slack_mentions", provider="slack", label=LABEL, args={})
    said = events.StepPermission(id="t1", state=state)
    frames = [encode(one, run=UUID(int=1), seq=seq) for seq, one in enumerate((begun, said), start=1)]
    words = transcript.tell(frames).calls["t1"].permission_words
    assert f'{state}: gettext("{words}")' in WORDING.read_text(encoding="utf-8")


def ended(**said: Any) -> transcript.Transcript:
    end = events.RunFinished(elapsed_ms=1, coverage=(), **{"grounding": events.GroundingCounts(), **said})
    return transcript.tell([encode(end, run=UUID(int=1), seq=1)])


@pytest.mark.parametrize(
    ("ignored", "unknown", "words"),
    [
        (events.Ignored(), 0, ""),
        (events.Ignored(calls=1), 0, "1 call of the model that is not allowed"),
        (events.Ignored(hid=("slack",)), 2, "words that somebody hid in Slack · 2 invented citations"),
        (events.Ignored(8, ("github", "slack")), 1, f"{EIGHT} · words that somebody hid in GitHub and Slack · {ONE}"),
        (events.Ignored(hid=("a-service-of-before",)), 0, ""),
    ],
)
def test_what_was_ignored_is_told_in_numbers_and_names(ignored: events.Ignored, unknown: int, words: str) -> None:
    assert ended(ignored=ignored, grounding=events.GroundingCounts(unknown=unknown)).ignored == words


def test_a_run_of_before_ignored_nothing() -> None:
    assert transcript.tell(['{"type": "run.finished", "elapsed_ms": 1}']).ignored == ""


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (events.GroundingCounts(cited=9), ""),
        (events.GroundingCounts(ungrounded=1), "1 statement without a source"),
        (
            events.GroundingCounts(ungrounded=2, earlier=1),
            "1 item cited as read for an earlier question · 2 statements without a source",
        ),
    ],
)
def test_how_an_answer_is_backed_is_told(counts: events.GroundingCounts, words: str) -> None:
    assert ended(grounding=counts).backing == words


def test_the_way_out_of_each_refusal_is_that_of_the_chat_page() -> None:
    def remedy(code: str, *, provider: str) -> tuple[str, str]:
        begun = events.StepStarted(id="t1", tool="a_tool", provider=provider, label=LABEL, args={})
        failed = events.StepFailed(id="t1", ms=3, code=code, message="Not read.")
        frames = [encode(one, run=UUID(int=1), seq=seq) for seq, one in enumerate((begun, failed), start=1)]
        return transcript.tell(frames).calls["t1"].remedy

    remedies = {
        code: (where, word) for code, word, where in REMEDIES.findall(WORDING.with_name("lanes.js").read_text())
    }
    assert remedies["missing_scope"] == ("connect", "Reconnect")
    for code in get_args(ToolErrorCode):
        assert remedy(code, provider="slack") == remedies.get(code, ("", ""))
        assert remedy(code, provider="") == ("", "")


@pytest.mark.parametrize(
    ("micro_usd", "text"),
    [(0, "$0.00"), (400, "$0.0004"), (12_345, "$0.012"), (995_000, "$0.99"), (1_234_000, "$1.23")],
)
def test_a_cost_has_two_digits_that_count_in_the_readers_language(micro_usd: int, text: str) -> None:
    assert transcript.dollars(micro_usd) == text
    with translation.override("de"):
        assert transcript.dollars(micro_usd) == text.replace(".", ",")
