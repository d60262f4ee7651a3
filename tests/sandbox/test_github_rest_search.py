"""The REST searches: commits on default branches, and issues or pull requests, with GitHub's paging and refusals."""

from datetime import timedelta
from typing import Any

import pytest

from devcontext.sandbox.github.commit_search import search_commits
from devcontext.sandbox.github.search import SearchError
from devcontext.sandbox.world import tidewater_world
from tests.sandbox.harness import WEDNESDAY, Clock, Visitor, bearer

SNAPSHOT = tidewater_world(clock=Clock()).now()
STRAIGHT = "Add Maya to the billing on-call rota"
MINE = {
    STRAIGHT,
    "Key every charge by invoice and attempt group",
    "Replay the stored answer on a repeated key",
    "Cover the retry storm from INC-31",
    "Build the charge key index concurrently",
}


@pytest.mark.parametrize(
    ("query", "headlines"),
    [
        ("author:@me", MINE),
        ("author:maya-okafor repo:tidewater/infra", {STRAIGHT}),
        (
            "author:@me repo:Tidewater/Infra repo:tidewater/ledger",
            {STRAIGHT, "Build the charge key index concurrently"},
        ),
        ("author:@me author-date:>=2026-11-17 rota", {STRAIGHT}),
        ("author:@me -repo:Tidewater/Ledger", MINE - {"Build the charge key index concurrently"}),
        ("author:@me -org:tidewater", set()),
        ("author:@me merge:true", set()),
        ("author:@me merge:false", MINE),
        ("author:@me author-date:<2026-01-01", set()),
    ],
)
def test_a_query_finds_commits_of_default_branches(query: str, headlines: set[str]) -> None:
    """The commits of open pull requests are on no default branch."""
    assert {commit.message_headline for commit in search_commits(query, snapshot=SNAPSHOT)} == headlines


@pytest.mark.parametrize("query", ["", "author-date:soon", "colour:red", "merge:maybe"])
def test_what_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(SearchError):
        search_commits(query, snapshot=SNAPSHOT)


async def _search(visitor: Visitor, kind: str, **params: str) -> tuple[int, dict[str, Any]]:
    token = (await visitor.connect("github"))["access_token"]
    answer = await visitor.http.get(f"/github/api/search/{kind}", params=params, headers=bearer(token))
    return answer.status_code, answer.json()


async def test_commits_come_in_pages_by_date(visitor: Visitor) -> None:
    pages = [
        (await _search(visitor, "commits", q="author:@me", per_page="2", page=page, sort="author-date"))[1]["items"]
        for page in ("1", "2", "3", "4")
    ]
    dates = [item["commit"]["author"]["date"] for page in pages for item in page]
    assert len(dates) == len(MINE)
    assert dates == sorted(dates, reverse=True)
    oldest_first = (await _search(visitor, "commits", q="author:@me", order="asc"))[1]["items"]
    assert [item["commit"]["author"]["date"] for item in oldest_first] == dates[::-1]


async def test_issues_come_in_the_order_asked_for(visitor: Visitor) -> None:
    _, body = await _search(visitor, "issues", q="is:pr author:@me is:open", sort="updated", order="desc")
    assert body["items"][0]["number"] == 88
    assert body["total_count"] == 4


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("commits", {"q": ""}),
        ("commits", {"q": "author:@me", "sort": "stars"}),
        ("commits", {"q": "author:@me", "per_page": "101"}),
        ("commits", {"q": "author:@me", "page": "0"}),
        ("issues", {"q": "author:@me"}),
        ("issues", {"q": "is:pr is:issue"}),
        ("issues", {"q": "is:pr", "order": "up"}),
        ("issues", {"q": "is:pr", "per_page": "many"}),
    ],
)
async def test_a_search_that_github_does_not_answer_is_422(visitor: Visitor, kind: str, params: dict[str, str]) -> None:
    status, body = await _search(visitor, kind, **params)
    assert (status, body["message"]) == (422, "Validation Failed")


@pytest.mark.parametrize("kind", ["commits", "issues"])
async def test_strangers_search_nothing(visitor: Visitor, kind: str) -> None:
    answer = await visitor.http.get(f"/github/api/search/{kind}", params={"q": "is:pr"}, headers=bearer("ghu_unknown"))
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_what_has_not_happened_yet_is_not_found() -> None:
    before = tidewater_world(clock=Clock(WEDNESDAY - timedelta(days=1))).now()
    assert STRAIGHT not in {
        one.message_headline for one in search_commits("author:@me author-date:>=2026-11-17", snapshot=before)
    }
