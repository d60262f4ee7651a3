"""A request that the tool does not declare never leaves: the server that would get it sees none."""

from typing import Any

import pytest

from agent.api import github, github_rest, google_calendar, slack
from agent.endpoints import Endpoint, is_declared
from agent.errors import ToolFailedError
from tests.agent.api.fixtures import Calls, Open
from tests.agent.api.upstream import Upstream, told

OTHER = {"query": github.DOCUMENTS["mentions"], "variables": {}}


async def test_a_declared_request_leaves(upstream: Upstream, open_http: Open) -> None:
    upstream.tell("/api/search/commits", told({"items": []}))
    with open_http(endpoints=(github_rest.SEARCH_COMMITS,)) as http:
        assert await http.get("/search/commits") == {"items": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/search/issues"),
        ("post", "/search/commits"),
        ("get", "/search/commits/"),
        ("get", "/search/commits?q=x"),
        ("get", "/SEARCH/commits"),
        ("get", "//search/commits"),
        ("get", "/search/../search/commits"),
        ("get", "@evil.example/search/commits"),
        ("post", "/graphql"),
        ("post", "/graphql#activity"),
    ],
)
async def test_another_method_or_path_is_refused_before_the_wire(
    upstream: Upstream, open_http: Open, calls: Calls, method: str, path: str
) -> None:
    with open_http(endpoints=(github_rest.SEARCH_COMMITS,)) as http, pytest.raises(ToolFailedError) as caught:
        await getattr(http, method)(path)
    assert caught.value.code == "undeclared_request"
    assert caught.value.message == (
        "This tool asked GitHub for something that it does not declare, so nothing was sent."
    )
    (call,) = calls.seen
    assert (call.method, call.status, call.size_bytes, call.error) == (method.upper(), None, 0, "undeclared_request")
    assert call.path.endswith(path)
    assert upstream.received == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/graphql#mentions", OTHER),
        # The name is the declared one, the document is not.
        ("/graphql#activity", OTHER),
        ("/graphql#activity", {"query": "mutation { deleteRef }"}),
        ("/graphql#activity", {"query": f"{github.DOCUMENTS['activity']} "}),
        ("/graphql#activity", {"query": [github.DOCUMENTS["activity"]]}),
        ("/graphql#activity", [{"query": github.DOCUMENTS["activity"]}]),
        ("/graphql#activity", {}),
        ("/graphql", {"query": github.DOCUMENTS["activity"]}),
    ],
)
async def test_a_graphql_document_that_is_not_declared_is_refused(
    upstream: Upstream, open_http: Open, path: str, body: Any
) -> None:
    with open_http(endpoints=(github.ACTIVITY,)) as http, pytest.raises(ToolFailedError) as caught:
        await http.post(path, json=body)
    assert caught.value.code == "undeclared_request"
    assert upstream.received == []


async def test_what_is_declared_for_another_provider_is_not_declared(upstream: Upstream, open_http: Open) -> None:
    elsewhere = Endpoint("slack", "GET", "/search/commits")
    with open_http(endpoints=(elsewhere,)) as http, pytest.raises(ToolFailedError) as caught:
        await http.get("/search/commits")
    assert caught.value.code == "undeclared_request"
    assert upstream.received == []


async def test_a_value_cannot_turn_one_endpoint_into_another(upstream: Upstream, open_http: Open) -> None:
    upstream.tell("/api/calendars/primary%2Fevents%2Fsecret/events", told({"items": []}))
    listing = (google_calendar.LIST_EVENTS,)
    with open_http("google-calendar", endpoints=listing) as http:
        await http.get("/calendars/{calendar}/events", path_values={"calendar": "primary/events/secret"})
        with pytest.raises(ToolFailedError):
            await http.get("/calendars/primary/events")
    assert [request.path for request in upstream.received] == ["/api/calendars/primary%2Fevents%2Fsecret/events"]


async def test_where_the_refusal_cannot_be_put_on_record_nothing_leaves_either(
    upstream: Upstream, open_http: Open, calls: Calls
) -> None:
    calls.error = RuntimeError("no audit")
    with open_http(endpoints=()) as http, pytest.raises(RuntimeError, match="no audit"):
        await http.get("/search/commits")
    assert upstream.received == []


def test_a_declaration_names_something_to_ask_and_of_one_provider() -> None:
    assert is_declared((slack.AUTH_TEST,), provider="slack")
    assert not is_declared((), provider="slack")
    assert not is_declared((slack.AUTH_TEST,), provider="github")
    assert not is_declared((slack.AUTH_TEST, github.ACTIVITY), provider="slack")
