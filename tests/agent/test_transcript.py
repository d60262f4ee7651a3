"""A run as its stored events tell it, to somebody who reads another language than the run was kept in."""

from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest
from django.utils import translation
from pytest_django.fixtures import Settings

from agent import events, transcript
from agent.event_log import encode
from tools import pseudo_locale
from tools.catalogue import Message

WORDING = Path(__file__).resolve().parents[2] / "static" / "agent" / "wording.js"
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
