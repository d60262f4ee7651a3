"""Each search qualifier finds what it says."""

import pytest

from devcontext.sandbox.github.search import SearchError, search
from devcontext.sandbox.world import tidewater_world
from tests.sandbox.harness import Clock

SNAPSHOT = tidewater_world(clock=Clock()).now()


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("is:pr review-requested:@me is:open", [421, 229, 57]),
        ("is:pr user-review-requested:@me is:open", [421, 57]),
        ("is:pr review-requested:tomas-reyes", [229, 88]),
        ("is:pr author:@me is:merged sort:updated-desc", [412, 86]),
        ("is:pr author:@me is:draft", [231]),
        ("is:pr author:@me is:open draft:false sort:created-asc", [405, 418, 88]),
        ("is:pr author:jlindqvist is:closed", [227]),
        ("is:pr reviewed-by:@me", [227, 85]),
        ("is:pr mentions:@me is:open sort:updated-desc", [88, 57, 85]),
        ("is:issue mentions:@me sort:updated-desc", [423, 84]),
        ("is:issue assignee:@me is:open", [84, 55]),
        ("is:issue is:closed", [409]),
        ("is:pr repo:tidewater/ledger sort:created-asc", [85, 86, 88]),
        ("is:pr repo:tidewater/ledger repo:tidewater/infra", [57, 85, 86, 88]),
        ("is:pr author:@me -repo:Tidewater/Ledger", [231, 405, 412, 418]),
        ("is:pr -org:tidewater", []),
        ("is:pr author:@me is:closed is:unmerged", []),
        ("is:pr author:@me is:unmerged", [231, 405, 418, 88]),
        ("is:pr archived:true", []),
        ("is:pr archived:false author:noor-haddad", [421]),
        ("is:pr merged:>=2026-11-17 sort:created-asc", [412, 86, 227]),
        ("is:pr merged:<2026-11-17", []),
        ("is:pr created:2026-11-17 author:@me sort:created-asc", [88, 231]),
        ("is:pr created:2026-11-16..2026-11-16", [86, 229, 227]),
        ("is:pr created:*..2026-11-06", [405]),
        ("is:pr updated:>2026-11-17", [88]),
        ("is:pr updated:>=2026-11-18T08:12:00+00:00", [88]),
        ("is:pr updated:<=2026-11-11", [405]),
        ('is:pr "queue age"', [57]),
        ("is:pr invoice stream", [418]),
    ],
)
def test_a_query_finds(query: str, numbers: list[int]) -> None:
    found = [work.number for work in search(query, snapshot=SNAPSHOT)]
    assert (found if "sort:" in query else sorted(found)) == (numbers if "sort:" in query else sorted(numbers))


def test_the_newest_comes_first_unless_told_otherwise() -> None:
    created = [work.created_at for work in search("is:pr", snapshot=SNAPSHOT)]
    assert created == sorted(created, reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "author:@me",
        "is:pr is:issue",
        "is:pr is:nonsense",
        "is:pr team:x",
        "is:pr updated:yesterday",
        "is:pr sort:size",
        "is:pr draft:maybe",
        "is:pr archived:maybe",
        "is:pr created:2026-13-01",
    ],
)
def test_what_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(SearchError):
        search(query, snapshot=SNAPSHOT)
