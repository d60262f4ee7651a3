"""The stand-in for Slack's incoming webhooks refuses what Slack documents as wrong."""

from typing import Any

import httpx
import pytest

from tests.slack_hooks import serve_slack_hook

PATH = "/services/T0ACME/B0ACME/abcdefgh12345678ABCDEFGH"


def section(text: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ({"text": "Standup"}, (200, "ok")),
        ({"text": "Standup", "blocks": [section("x" * 3000)]}, (200, "ok")),
        ([], (400, "invalid_payload")),
        ({"text": ""}, (400, "invalid_payload")),
        ({"text": "Standup", "channel": "#general"}, (400, "invalid_payload")),
        ({"text": "Standup", "blocks": [section("x" * 3001)]}, (400, "invalid_blocks")),
        ({"text": "Standup", "blocks": [section("")]}, (400, "invalid_blocks")),
        ({"text": "Standup", "blocks": [section("x")] * 51}, (400, "invalid_blocks")),
        ({"text": "Standup", "blocks": [{"type": "context", "elements": []}]}, (400, "invalid_blocks")),
        ({"text": "Standup", "blocks": [{"type": "markdown", "text": "x" * 6001}] * 2}, (400, "invalid_blocks")),
        ({"text": "Standup", "blocks": [{"type": "marquee"}]}, (400, "invalid_blocks")),
    ],
)
def test_it_answers_as_slack_does(message: Any, answer: tuple[int, str]) -> None:
    with serve_slack_hook(PATH) as hook:
        got = httpx.post(f"{hook.url}{PATH}", json=message, trust_env=False)
        elsewhere = httpx.post(f"{hook.url}/services/T0/B0/other", json=message, trust_env=False)
    assert (got.status_code, got.text) == answer
    assert (elsewhere.status_code, elsewhere.text) == (404, "no_service")
    assert len(hook.got) == (answer[1] == "ok")
