"""GitHub's API: official queries run without errors, paging and refusals are GitHub's."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.harness import Visitor, bearer

QUERIES = json.loads((Path(__file__).parent.parent / "specs/github/graphql-pruned.json").read_text())["queries"]
SINCE = "2026-11-13"
VARIABLES: dict[str, dict[str, Any]] = {
    "activity": {
        "from": f"{SINCE}T00:00:00Z",
        "to": "2026-11-18T12:00:00Z",
        "authored": f"is:pr author:@me updated:>={SINCE}",
    },
    "reviews": {"q": "is:open is:pr review-requested:@me archived:false", "n": 20},
    "pr": {"o": "tidewater", "r": "ledger", "n": 88},
    "commits": {"q": f"is:pr author:@me updated:>={SINCE} sort:updated-desc", "n": 20, "c": 10},
    "mentions": {"q": f"mentions:@me updated:>={SINCE} is:issue", "n": 20},
    "viewer": {},
}


async def _run(visitor: Visitor, name: str, **variables: Any) -> dict[str, Any]:
    token = (await visitor.connect("github"))["access_token"]
    return await visitor.graphql(token, QUERIES[name], **{**VARIABLES[name], **variables})


def test_every_official_query_has_variables_here() -> None:
    assert set(QUERIES) == set(VARIABLES)


@pytest.mark.parametrize("name", VARIABLES)
async def test_every_official_query_runs_without_errors(visitor: Visitor, name: str) -> None:
    body = await _run(visitor, name)
    assert "errors" not in body
    assert body["data"]


async def test_the_activity_counts_what_maya_did(visitor: Visitor) -> None:
    found = (await _run(visitor, "activity"))["data"]["viewer"]["contributionsCollection"]
    counts = [one["contributions"]["totalCount"] for one in found["commitContributionsByRepository"]]
    assert sum(counts) == found["totalCommitContributions"] > 5
    reviewed = {one["pullRequest"]["number"] for one in found["pullRequestReviewContributions"]["nodes"]}
    assert reviewed == {227, 85}


async def test_the_activity_keeps_to_its_period(visitor: Visitor) -> None:
    body = await _run(visitor, "activity", to=f"{SINCE}T00:00:01Z")
    assert body["data"]["viewer"]["contributionsCollection"]["totalCommitContributions"] == 0


async def test_the_pull_request_tells_which_check_fails(visitor: Visitor) -> None:
    pull = (await _run(visitor, "pr"))["data"]["repository"]["pullRequest"]
    rollup = pull["commits"]["nodes"][0]["commit"]["statusCheckRollup"]
    assert rollup["state"] == "FAILURE"
    failing = [one["name"] for one in rollup["contexts"]["nodes"] if one.get("conclusion") == "FAILURE"]
    assert failing == ["integration"]
    assert pull["reviewDecision"] == "REVIEW_REQUIRED"
    assert pull["mergeStateStatus"] == "BLOCKED"


async def test_my_pull_requests_show_each_way_to_be_stuck(visitor: Visitor) -> None:
    body = await _run(visitor, "reviews", q="is:open is:pr author:@me")
    states = {one["number"]: one for one in body["data"]["search"]["nodes"]}
    assert set(states) == {88, 418, 405, 231}
    assert states[418]["reviewDecision"] == "CHANGES_REQUESTED"
    assert states[405]["mergeable"] == "CONFLICTING"
    assert states[231]["isDraft"] is True


async def test_search_pages_by_cursor(visitor: Visitor) -> None:
    seen, after = [], None
    while True:
        search = (await _run(visitor, "reviews", q="is:pr org:tidewater", n=4, after=after))["data"]["search"]
        seen += [node["url"] for node in search["nodes"]]
        after = search["pageInfo"]["endCursor"]
        if not search["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == search["issueCount"] == 11


@pytest.mark.parametrize("variables", [{"n": 101}, {"n": -1}, {"after": "no cursor"}, {"after": "Y3Vyc29yOng="}])
async def test_paging_out_of_bounds_is_an_error(visitor: Visitor, variables: dict[str, Any]) -> None:
    assert (await _run(visitor, "reviews", **variables))["errors"][0]["path"] == ["search"]


async def test_a_connection_without_a_size_is_an_error(visitor: Visitor) -> None:
    token = (await visitor.connect("github"))["access_token"]
    body = await visitor.graphql(token, '{search(query:"is:pr",type:ISSUE){issueCount}}')
    assert "first" in body["errors"][0]["message"]


@pytest.mark.parametrize(
    "query", ["author:@me", "is:pr is:issue author:@me", "is:pr colour:red", "is:pr updated:>=soon"]
)
async def test_a_search_that_github_or_the_sandbox_does_not_answer_is_an_error(visitor: Visitor, query: str) -> None:
    body = await _run(visitor, "reviews", q=query)
    assert body["data"] is None
    assert body["errors"]


@pytest.mark.parametrize(("repository", "number"), [("nothing", 88), ("ledger", 9999)])
async def test_what_is_not_there_is_null_with_a_not_found_error(visitor: Visitor, repository: str, number: int) -> None:
    body = await _run(visitor, "pr", r=repository, n=number)
    assert body["errors"][0]["type"] == "NOT_FOUND"
    assert not (body["data"]["repository"] or {}).get("pullRequest")


@pytest.mark.parametrize("query", ["{", "{viewer{secrets}}", "{viewer{login}} " + "# x\n" * 3 + "{" * 3000])
async def test_a_document_that_is_not_valid_is_an_error_with_status_200(visitor: Visitor, query: str) -> None:
    token = (await visitor.connect("github"))["access_token"]
    assert (await visitor.graphql(token, query))["errors"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"query": 1}'])
async def test_a_body_that_is_no_query_is_400(visitor: Visitor, body: bytes) -> None:
    token = (await visitor.connect("github"))["access_token"]
    answer = await visitor.http.post("/github/api/graphql", content=body, headers=bearer(token))
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/github/api/user", "/github/api/graphql", "/github/api/repos/tidewater/ledger"])
async def test_strangers_get_401(visitor: Visitor, path: str) -> None:
    method = "POST" if path.endswith("graphql") else "GET"
    for headers in ({}, bearer("ghu_unknown"), {"authorization": "Basic eDp5"}):
        answer = await visitor.http.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


async def test_paths_the_sandbox_does_not_have_are_404(visitor: Visitor) -> None:
    token = (await visitor.connect("github"))["access_token"]
    answer = await visitor.http.get("/github/api/notifications", headers=bearer(token))
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
    assert (await visitor.http.get("/github/api/user", headers=bearer(token))).headers["x-github-request-id"]


async def test_a_token_of_another_provider_is_unknown(visitor: Visitor) -> None:
    token = (await visitor.connect("slack"))["access_token"]
    assert (await visitor.probe("github", token)).status_code == 401
