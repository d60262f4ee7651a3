"""The dispatcher: every call gets exactly one result, and nothing of an exception reaches the model or the page."""

import json
import logging
from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import Field

from agent.calls import Dispatched
from agent.errors import ToolFailedError
from agent.events import LoopEvent, StepFailed, StepFinished, StepPermission, StepProgress, StepStarted
from agent.tool import Arguments, Item, ReadContext, Tool, ToolResult
from permissions.exclusions import Exclusions
from tests.agent.scripted import DEFAULT_TOOLS, Kit, kit, tool

SECRET = "ghu_" + "s" * 36


async def dispatch(
    made: Kit, *, name: str = "github_activity", arguments: Any = None
) -> tuple[Dispatched, list[LoopEvent]]:
    events: list[LoopEvent] = []
    ended = await made.toolkit.dispatch(
        call_id="toolu_1", name=name, arguments={} if arguments is None else arguments, emit=events.append
    )
    return ended, events


def reading(*items: Item, warnings: tuple[str, ...] = (), is_truncated: bool = False) -> Tool:
    async def read(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        return ToolResult(items=items, warnings=warnings, is_truncated=is_truncated)

    return tool("github_activity", run=read)


def failing(error: Exception) -> Tool:
    async def fail(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        raise error

    return tool("github_activity", run=fail)


async def test_a_read_is_told_step_by_step() -> None:
    async def read(_arguments: Any, _http: Any, context: ReadContext) -> ToolResult:
        context.report_progress(12, 30)
        return ToolResult(items=())

    ended, events = await dispatch(kit(tool("github_activity", run=read)), arguments={"since": "2026-11-20"})
    assert [type(event) for event in events] == [StepStarted, StepPermission, StepProgress, StepFinished]
    assert events[0] == StepStarted(
        id="toolu_1",
        tool="github_activity",
        provider="github",
        label="Reading github_activity…",
        args={"since": "2026-11-20"},
    )
    assert events[2] == StepProgress(id="toolu_1", done=12, total=30)
    assert isinstance(events[3], StepFinished)
    assert (events[3].items, events[3].bytes) == (0, 120)
    assert (ended.is_error, ended.is_reading) == (False, True)


async def test_the_result_is_compact_json_with_evidence() -> None:
    item = Item(title="#412 Retries", url="https://example.org/412", fields={"kind": "merged", "title": "other"})
    ended, _ = await dispatch(kit(reading(item, warnings=("Two are hidden.",), is_truncated=True)))
    body = json.loads(ended.content)
    assert body == {
        "service": "github",
        "items": [{"id": ended.evidence[0].id, "title": "#412 Retries", "kind": "merged"}],
        "truncated": True,
        "warnings": ["Two are hidden."],
    }
    assert ended.evidence[0].url == "https://example.org/412"
    assert ": " not in ended.content


async def test_texts_from_outside_are_clipped_and_cleaned() -> None:
    item = Item(
        title="t\u202ex" * 300, url="https://example.org/1", fields={"text": "b\u200b" * 900, "tags": ["a\u2066"]}
    )
    ended, _ = await dispatch(kit(reading(item)))
    (entry,) = json.loads(ended.content)["items"]
    assert (len(entry["title"]), len(entry["text"]), entry["tags"]) == (200, 500, ["a"])
    assert "\u202e" not in ended.content
    assert "\u200b" not in ended.content


async def test_a_field_that_holds_nothing_costs_nothing() -> None:
    fields = {"reviewers": [], "topic": "\u200b", "closed_at": None, "labels": {}, "draft": False, "count": 0}
    ended, _ = await dispatch(kit(reading(Item(title="#1", url="", fields=fields))))
    assert json.loads(ended.content)["items"] == [{"title": "#1", "draft": False, "count": 0}]


async def test_an_item_without_address_cannot_be_cited() -> None:
    ended, _ = await dispatch(kit(reading(Item(title="3 commits", url="", fields={}))))
    assert json.loads(ended.content)["items"] == [{"title": "3 commits"}]
    assert (ended.evidence, ended.items) == ((), 1)


async def test_a_tool_without_provider_gets_no_credentials_and_reaches_nothing() -> None:
    async def reach_out(_arguments: Any, http: Any, _context: ReadContext) -> ToolResult:
        await http.get("/user")
        raise AssertionError

    made = kit(tool("connections", provider="", run=reach_out))
    ended, _ = await dispatch(made, name="connections")
    assert made.credentials.tools == []
    assert (json.loads(ended.content)["error"], ended.is_reading) == ("policy_denied", False)


async def test_an_invented_tool_is_refused_and_put_on_record() -> None:
    made = kit(*DEFAULT_TOOLS)
    ended, events = await dispatch(made, name="delete_repository")
    assert json.loads(ended.content)["error"] == "unknown_tool"
    assert made.refusals == [("delete_repository", "unknown_tool", "toolu_1")]
    assert [type(event) for event in events] == [StepFailed]
    assert (ended.is_error, ended.is_reading) == (True, False)


@pytest.mark.parametrize(
    "arguments", [{"url": "http://evil.example"}, {"since": 5}, [], "text", {"malformed_json": True}]
)
async def test_invented_arguments_are_refused_and_put_on_record(arguments: Any) -> None:
    made = kit(*DEFAULT_TOOLS)
    ended, _ = await dispatch(made, arguments=arguments)
    body = json.loads(ended.content)
    assert body["error"] == "bad_arguments"
    assert "evil" not in body["message"]
    assert made.refusals == [("github_activity", "bad_arguments", "toolu_1")]
    assert made.credentials.tools == []


async def test_a_million_characters_of_a_name_end_as_a_few() -> None:
    made = kit(*DEFAULT_TOOLS)
    ended, _ = await dispatch(made, name="x" * 1_000_000, arguments={"y" * 1_000_000: "z" * 1_000_000})
    assert len(ended.content) < 1000
    assert len(made.refusals[0][0]) == 64


async def test_a_refusal_that_cannot_be_recorded_still_refuses(caplog: pytest.LogCaptureFixture) -> None:
    made = kit(*DEFAULT_TOOLS)

    async def audit_is_down(_name: str, _reason: str, _tool_call: str) -> None:
        raise OSError

    made.toolkit._on_refused = audit_is_down
    ended, _ = await dispatch(made, name="delete_repository")
    assert json.loads(ended.content)["error"] == "internal"


async def test_a_failure_that_the_tool_knows_is_told_in_its_words() -> None:
    error = ToolFailedError("rate_limited", "GitHub is rate limiting.", retry_after_seconds=60)
    ended, events = await dispatch(kit(failing(error)))
    assert ended.content == '{"error":"rate_limited","message":"GitHub is rate limiting.","retry_after_seconds":60}'
    failed = events[-1]
    assert isinstance(failed, StepFailed)
    assert (failed.code, failed.message) == ("rate_limited", "GitHub is rate limiting.")


async def test_a_refused_service_is_no_success() -> None:
    made = kit(*DEFAULT_TOOLS, refused={"github": ToolFailedError("revoked", "GitHub is revoked.")})
    ended, events = await dispatch(made)
    assert (ended.is_error, ended.is_reading) == (True, True)
    assert [type(event) for event in events] == [StepStarted, StepPermission, StepFailed]


async def test_a_crash_tells_nobody_its_text_and_can_be_found_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="agent.toolkit"):
        ended, events = await dispatch(kit(failing(RuntimeError(f"boom {SECRET}"))))
    body = json.loads(ended.content)
    reference = body["message"].removeprefix("The tool failed. Reference ").removesuffix(".")
    assert body["error"] == "internal"
    assert "boom" not in ended.content + str(events)
    (record,) = caplog.records
    assert record.__dict__["correlation"] == reference
    assert record.exc_info is not None


def test_specs_are_strict_closed_and_always_the_same() -> None:
    made = kit(*DEFAULT_TOOLS)
    specs = made.toolkit.specs()
    assert [spec["name"] for spec in specs] == ["github_activity", "calendar_agenda", "slack_mentions"]
    assert all(spec["strict"] and spec["input_schema"]["additionalProperties"] is False for spec in specs)
    assert specs == kit(*DEFAULT_TOOLS).toolkit.specs()


def test_limits_that_strict_tools_do_not_take_are_said_in_words() -> None:
    """Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations."""

    class Limited(Arguments):
        channel: str = Field(pattern=r"^[a-z]+$", max_length=80, description="Name of a channel.")
        state: Literal["open", "merged"] = "open"
        limit: int | None = Field(default=None, ge=1)

    fake = Tool("t", "github", "T…", "things", "Reads.", Limited, "", DEFAULT_TOOLS[0].run, ())
    spec = kit(fake).toolkit.specs()[0]
    assert spec["input_schema"] == {
        "type": "object",
        "properties": {
            "channel": {
                "type": "string",
                "description": "Name of a channel. (at most 80 characters, matching ^[a-z]+$)",
            },
            "state": {"type": "string", "enum": ["open", "merged"], "description": "(default open)"},
            "limit": {"anyOf": [{"type": "integer", "description": "(at least 1)"}, {"type": "null"}]},
        },
        "required": ["channel"],
        "additionalProperties": False,
    }


async def test_a_call_opens_its_service_with_the_scopes_that_its_arguments_need() -> None:
    class KindArguments(Arguments):
        kind: str = ""

        def extra_scope(self) -> str:
            return self.kind

    made = kit(replace(tool("slack_search"), arguments=KindArguments, scope="search:read"))
    await dispatch(made, name="slack_search", arguments={"kind": "groups:read"})
    await dispatch(made, name="slack_search")
    assert made.credentials.scopes == ["search:read groups:read", "search:read"]


LEFT_OUT = Exclusions(repositories=frozenset({"acme/payroll"}), words=frozenset({"project x"}))
SECRET_ITEM = Item(
    title="#9 Raises",
    url="https://github.com/acme/payroll/pull/9",
    fields={"text": "Bob gets more"},
    places=("acme/payroll",),
)
OPEN_ITEM = Item(
    title="#4 Retries",
    url="https://github.com/acme/web/pull/4",
    fields={"repo": "acme/web"},
    places=("acme/web",),
)


async def test_what_the_user_leaves_out_reaches_nobody_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the model, nor evidence, events, readings or logs."""
    caplog.set_level(logging.DEBUG)
    worded = replace(OPEN_ITEM, title="#5 Begin Project X", url="https://github.com/acme/web/pull/5")
    made = kit(reading(SECRET_ITEM, OPEN_ITEM, worded, warnings=("Old.",)))
    made.credentials.exclusions = LEFT_OUT
    ended, events = await dispatch(made)
    body = json.loads(ended.content)
    assert [item["title"] for item in body["items"]] == ["#4 Retries"]
    assert body["warnings"] == ["Old.", "2 items left out by your exclusions."]
    assert [one.url for one in ended.evidence] == [OPEN_ITEM.url]
    assert [event.items for event in events if isinstance(event, StepFinished)] == [1]
    for told in (ended.content, repr(ended), repr(events), caplog.text):
        assert not [word for word in ("Raises", "Bob", "payroll", "Project X") if word in told]


async def test_one_item_left_out_is_told_as_one_and_none_is_not_told() -> None:
    made = kit(reading(SECRET_ITEM))
    made.credentials.exclusions = LEFT_OUT
    ended, _ = await dispatch(made)
    assert json.loads(ended.content)["warnings"] == ["1 item left out by your exclusions."]
    ended, _ = await dispatch(kit(reading(SECRET_ITEM)))
    assert "warnings" not in json.loads(ended.content)
    assert len(ended.evidence) == 1


async def test_a_tool_knows_what_to_leave_out_and_the_gate_which_places_are_named() -> None:
    known: list[bool] = []

    class PlaceArguments(Arguments):
        repo: str

        def places(self) -> tuple[str, ...]:
            return (self.repo,)

    async def read(_arguments: Any, _http: Any, context: ReadContext) -> ToolResult:
        known.append(context.exclusions.refuses("acme/payroll"))
        return ToolResult(items=())

    made = kit(replace(tool("github_activity", run=read), arguments=PlaceArguments))
    made.credentials.exclusions = LEFT_OUT
    await dispatch(made, arguments={"repo": "acme/web"})
    assert known == [True]
    assert made.credentials.places == [("acme/web",)]
