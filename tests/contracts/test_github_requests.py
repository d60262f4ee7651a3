"""What we send to GitHub is what it documents: stored documents in its schema, searches in its OpenAPI description."""

import re
from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values

from agent.api.github import DOCUMENTS
from agent.errors import ToolFailedError
from agent.tool import ReadContext
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Received, Upstream
from tests.agent.tools.github_rest_answers import tell_all
from tests.contracts.asking import READING, requests_of
from tests.contracts.specs import spec

GITHUB = [name for name in READING if TOOLS[name].provider == "github"]

_WITHOUT_GRAPHQL: dict[str, dict[str, Any]] = {
    "github_pull_request": {"owner": "octocat", "repo": "Hello-World", "number": 1347},
    "github_commits": {"repo": "octocat/Hello-World"},
    "github_pull_requests": {"repo": "octocat/Hello-World"},
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """GitHub's public schema, pruned to what documents like ours use."""
    return build_schema(spec("github/graphql-pruned.json")["sdl"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_stored_document_is_valid_against_githubs_schema(schema: GraphQLSchema, name: str) -> None:
    document = parse(DOCUMENTS[name])
    assert validate(schema, document) == []
    (operation,) = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    assert operation.name is not None
    assert operation.name.value == name


def test_every_stored_document_reads() -> None:
    assert not any("mutation" in document for document in DOCUMENTS.values())


@pytest.mark.parametrize("tool", GITHUB)
async def test_a_github_tool_sends_documented_requests(
    schema: GraphQLSchema, tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    requests = await requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
    assert requests
    for request in requests:
        if request.method == "POST":
            _require_stored_document(request, schema=schema)
        else:
            _require_documented_read(request)


@pytest.mark.parametrize("tool", GITHUB)
async def test_where_there_is_no_graphql_rest_is_asked_as_documented(
    tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    tell_all(upstream)
    with open_http("github", endpoints=TOOLS[tool].endpoints) as http:
        await TOOLS[tool].run(TOOLS[tool].arguments(**_WITHOUT_GRAPHQL.get(tool, {})), http, read_context)
    reads = [request for request in upstream.received if request.method == "GET"]
    assert reads
    for request in reads:
        _require_documented_read(request)
        if request.path == "/api/search/issues":
            _require_one_kind(request.query["q"][0])


@pytest.mark.parametrize("tool", GITHUB)
async def test_a_github_search_never_mixes_issues_and_pull_requests(
    tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    """A GitHub App's user token is refused (422) otherwise."""
    for request in await requests_of(tool, upstream=upstream, open_http=open_http, context=read_context):
        if request.method == "POST" and "q" in request.json["variables"]:
            _require_one_kind(request.json["variables"]["q"])


def _require_stored_document(request: Received, *, schema: GraphQLSchema) -> None:
    assert request.path == "/api/graphql"
    assert set(request.json) == {"query", "variables"}
    assert request.json["query"] in DOCUMENTS.values()
    (operation,) = [n for n in parse(request.json["query"]).definitions if isinstance(n, OperationDefinitionNode)]
    assert set(request.json["variables"]) == {v.variable.name.value for v in operation.variable_definitions}
    coerced = get_variable_values(schema, operation.variable_definitions, request.json["variables"])
    assert not isinstance(coerced, list), coerced


def _require_documented_read(request: Received) -> None:
    name = "search" if "/search/" in request.path else "reads"
    described = spec(f"github/openapi-{name}.json")
    (path,) = [path for path in described["paths"] if _fits(request.path.removeprefix("/api"), path)]
    parameters = [_resolve(one, described) for one in described["paths"][path]["get"]["parameters"]]
    known = {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}
    assert set(request.query) <= set(known)
    required = {one["name"] for one in parameters if one["in"] == "query" and one.get("required")}
    assert required <= set(request.query)
    for name, values in request.query.items():
        assert len(values) == 1
        assert values[0] in known[name].get("enum", values)
        assert known[name]["type"] != "integer" or 1 <= int(values[0]) <= 100


def _fits(path: str, template: str) -> bool:
    return re.fullmatch(re.sub(r"\{[a-z_]+\}", "[^/]+", template), path) is not None


def _resolve(parameter: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = described["components"]["parameters"][name] if name else parameter
    return found


def _require_one_kind(query: str) -> None:
    assert sum(query.split().count(kind) for kind in ("is:pr", "is:issue")) == 1


@pytest.mark.parametrize("tool", [name for name in GITHUB if "repo" in TOOLS[name].arguments.model_fields])
async def test_a_repository_that_is_not_the_users_is_never_asked_for(
    tool: str, upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    """What the model was talked into naming reaches GitHub only when a list of the user's holds it."""
    await requests_of(tool, upstream=upstream, open_http=open_http, context=read_context)
    upstream.received.clear()
    asked = (
        {"owner": "mallory", "repo": "trap", "number": 1} if tool == "github_pull_request" else {"repo": "mallory/trap"}
    )
    with open_http("github", endpoints=TOOLS[tool].endpoints) as http, pytest.raises(ToolFailedError) as caught:
        await TOOLS[tool].run(TOOLS[tool].arguments(**asked), http, read_context)
    assert caught.value.code == "not_found"
    assert not any(b"mallory" in request.body or "mallory" in request.target for request in upstream.received)
