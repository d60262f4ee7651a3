"""Links of a briefing lead somewhere true: each item's page answers 200 and says whose data it is."""

import re
from collections.abc import Iterator

import pytest

from devcontext.sandbox.links import Links
from devcontext.sandbox.types import CheckRun, Snapshot
from tests.sandbox.harness import BASE_URL, Visitor

WEB = ("/github/web", "/google/web", "/slack/web")


def _addresses(snapshot: Snapshot) -> Iterator[str]:
    links = Links(BASE_URL)
    for work in (*snapshot.pull_requests, *snapshot.issues):
        yield links.work(work)
        yield from (links.comment(work, comment) for comment in work.comments)
    for pull in snapshot.pull_requests:
        yield from (links.review(pull, review) for review in pull.reviews)
    for commit in snapshot.commits:
        yield links.commit(commit.repository, commit.oid)
        yield from (links.check(commit.repository, one.id) for one in commit.checks if isinstance(one, CheckRun))
    yield from (links.repository(repository) for repository in snapshot.repositories)
    for event in snapshot.events:
        yield links.event(event)
        yield links.call(event)
    yield from (links.message(message) for message in snapshot.messages)
    yield from (f"{links.slack}/archives/{channel.id}" for channel in snapshot.channels)
    yield from (f"{links.github}/{person.login}" for person in snapshot.people)
    yield f"{links.slack}/"


async def test_every_link_leads_to_a_labelled_page(visitor: Visitor) -> None:
    addresses = list(_addresses(visitor.app.state.sandbox.world.now()))
    assert len(addresses) > 100
    for address in addresses:
        page = await visitor.http.get(address)
        assert page.status_code == 200, address
        assert "Sandbox: invented data" in page.text
        anchor = address.partition("#")[2]
        assert not anchor or f'id="{anchor}"' in page.text, address


async def test_links_on_the_pages_work_too(visitor: Visitor) -> None:
    page = await visitor.http.get("/google/web/event/gonogo")
    found = re.findall(r'href="(http[^"]+)"', page.text)
    assert f"{BASE_URL}/github/web/tidewater/ledger/pull/88" in found
    for address in found:
        assert (await visitor.http.get(address)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/github/web/nobody",
        "/github/web/tidewater/nothing",
        "/github/web/tidewater/ledger/pull/9999",
        "/github/web/tidewater/harbor-api/pull/88",
        "/github/web/tidewater/ledger/issues/88",
        "/github/web/tidewater/ledger/commit/" + "0" * 40,
        "/github/web/tidewater/ledger/runs/1",
        "/google/web/event/nothing",
        "/slack/web/archives/C0NOTHING",
        "/slack/web/archives/C07TDENG001/p1000000000999999",
        "/slack/web/archives/C07TDINC002/p1000000000000101",
    ],
)
async def test_what_is_not_there_is_404(visitor: Visitor, path: str) -> None:
    page = await visitor.http.get(path)
    assert page.status_code == 404
    assert "Sandbox" in page.text


async def test_a_permalink_of_last_week_still_shows_its_message(visitor: Visitor) -> None:
    links, snapshot = Links(BASE_URL), visitor.app.state.sandbox.world.now()
    address = next(links.message(one) for one in snapshot.messages if one.text.startswith("Decision:"))
    visitor.clock.pass_(days=7)
    page = await visitor.http.get(address)
    assert page.status_code == 200
    assert "Decision:" in page.text


async def test_the_front_page_and_the_stylesheet_answer(visitor: Visitor) -> None:
    assert "stand-ins" in (await visitor.http.get("/")).text
    sheet = await visitor.http.get("/sandbox.css")
    assert sheet.headers["content-type"].startswith("text/css")


async def test_health_says_what_this_is(visitor: Visitor) -> None:
    health = (await visitor.http.get("/health")).json()
    world = {"world": "Tidewater, an invented team", "is_own": False, "me": "Maya Okafor"}
    assert health == {"sandbox": True, **world, "base_url": BASE_URL}


async def test_a_foreign_host_name_does_not_get_in(visitor: Visitor) -> None:
    """DNS rebinding: a page elsewhere points its own name at this machine."""
    answer = await visitor.http.get("/health", headers={"host": "evil.example:8001"})
    assert answer.status_code == 400


async def test_the_claude_stand_in_is_mounted(visitor: Visitor) -> None:
    assert (await visitor.http.get("/claude/v1/models")).status_code == 401
