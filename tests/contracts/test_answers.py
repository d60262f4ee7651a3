"""What Slack documented and recorded is read by our client; refusals of all providers are in `test_fault_cases`."""

from typing import Any

import pytest

from agent.api import slack
from agent.errors import ToolFailedError
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Upstream, told
from tests.contracts.specs import spec

METHODS = {
    "auth.test": slack.read_identity,
    "search.messages": lambda http: slack.search_messages(http, query="x"),
    "users.conversations": lambda http: slack.list_channels(http, kind="direct"),
    "conversations.info": lambda http: slack.read_last_read(http, channel="C012AB3CD"),
    "conversations.replies": lambda http: slack.read_replies(
        http, channel="C012AB3CD", ts="1482960137.003543", limit=20
    ),
    "conversations.history": lambda http: slack.read_history(http, channel="C012AB3CD", oldest=0, limit=20),
    "users.info": lambda http: slack.read_user_name(http, user="W012A3CDE"),
}
EXAMPLES = [
    (method, example)
    for method in METHODS
    for example in spec("slack/methods.json")[method]["examples"]
    if example["ok"]
]
RECORDED = [case for case in spec("slack/recorded-slack-ruby-client.trimmed.json") if case["method"] in METHODS]


@pytest.mark.parametrize(("method", "example"), EXAMPLES)
async def test_slacks_documented_examples_are_read(
    upstream: Upstream, open_http: Open, method: str, example: dict[str, Any]
) -> None:
    upstream.tell(f"/api/{method}", told(example))
    with open_http("slack") as http:
        # The documented channel tells no `last_read`; everything else tells something.
        assert await METHODS[method](http) is not None or "last_read" not in example["channel"]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["cassette"])
async def test_slacks_recorded_answers_are_read_or_understood(
    upstream: Upstream, open_http: Open, case: dict[str, Any]
) -> None:
    upstream.tell(f"/api/{case['method']}", told(case["body"], status=case["status"]))
    with open_http("slack") as http:
        if case["body"]["ok"]:
            assert await METHODS[case["method"]](http) is not None
        else:
            with pytest.raises(ToolFailedError) as caught:
                await METHODS[case["method"]](http)
            assert caught.value.code == "reconnect_required"
