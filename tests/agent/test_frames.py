"""Frames that a page may not send are refused with one sentence, whatever is in them."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from agent.frames import MAX_QUESTION_CHARACTERS, Attach, FrameError, Send, Stop, parse

RUN = "6f1c2c1e-6a43-4f5c-8f0e-0d1d6a1f2a3b"
SEND: dict[str, Any] = {"v": 1, "type": "send", "key": "a-key-of-12x", "text": "Brief me"}


def test_each_kind_of_frame_is_read() -> None:
    sent = parse(json.dumps(SEND | {"text": "  Brief me ", "time_zone": "Europe/Berlin"}))
    assert sent == Send(v=1, type="send", key="a-key-of-12x", text="Brief me", time_zone="Europe/Berlin")
    assert parse(json.dumps({"v": 1, "type": "attach", "run": RUN, "after": 7})) == Attach(
        v=1, type="attach", run=UUID(RUN), after=7
    )
    assert parse(json.dumps({"v": 1, "type": "stop", "run": RUN})) == Stop(v=1, type="stop", run=UUID(RUN))


def test_a_recipe_and_its_begin_are_read() -> None:
    sent = parse(json.dumps(SEND | {"recipe": "catch-up", "since": "2026-11-20T09:00:00+01:00"}))
    assert isinstance(sent, Send)
    assert (sent.recipe, sent.since) == ("catch-up", datetime(2026, 11, 20, 8, tzinfo=UTC))


def test_a_time_zone_that_does_not_exist_counts_as_utc() -> None:
    sent = parse(json.dumps(SEND | {"time_zone": "../../etc/passwd"}))
    assert isinstance(sent, Send)
    assert sent.time_zone == "UTC"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"send"',
        "{}",
        "[" * 8000,
        json.dumps(SEND | {"v": 2}),
        json.dumps(SEND | {"type": "delete"}),
        json.dumps(SEND | {"user": 1}),
        json.dumps(SEND | {"key": "short"}),
        json.dumps(SEND | {"key": "x" * 65}),
        json.dumps(SEND | {"key": {"$ne": ""}}),
        json.dumps(SEND | {"conversation": "1"}),
        json.dumps(SEND | {"recipe": "no-such-recipe"}),
        json.dumps(SEND | {"recipe": None}),
        json.dumps(SEND | {"since": "yesterday"}),
        json.dumps(SEND | {"since": "2026-11-20T09:00:00"}),
        json.dumps({"v": 1, "type": "attach", "run": "not-a-run"}),
        json.dumps({"v": 1, "type": "attach", "run": RUN, "after": -1}),
        json.dumps({"v": 1, "type": "attach", "run": RUN, "after": 1e400}),
        '{"v":1,"type":"stop","run":"\\ud800"}',
    ],
)
def test_a_malformed_frame_is_refused(text: str) -> None:
    with pytest.raises(FrameError) as caught:
        parse(text)
    assert caught.value.code == "malformed"
    assert caught.value.message == "The server could not read this message."


@pytest.mark.parametrize("text", ["", "   ", "x" * (MAX_QUESTION_CHARACTERS + 1), 7, None])
def test_a_question_that_is_none_is_refused_by_its_key(text: Any) -> None:
    with pytest.raises(FrameError, match="1 to 8000 characters") as caught:
        parse(json.dumps(SEND | {"text": text}))
    assert (caught.value.code, caught.value.key) == ("bad_text", SEND["key"])


def test_a_frame_over_sixteen_kibibytes_is_refused() -> None:
    with pytest.raises(FrameError, match="larger than 16 KiB"):
        parse(json.dumps(SEND | {"text": "é" * 8_200}, ensure_ascii=False))
