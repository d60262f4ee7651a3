"""A real repository as the world: its commits and pull requests, moved days, one sentence for what is wrong."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from devcontext.sandbox.app import create_app
from devcontext.sandbox.github.activity import activity
from devcontext.sandbox.github.commit_search import search_commits
from devcontext.sandbox.github.verdicts import pushed_at
from devcontext.sandbox.types import PullRequest, Snapshot, World
from devcontext.sandbox.world import Sources, WorldError, own_world
from tests.sandbox.harness import BASE_URL

ALICE, BOB = "Alice Ng <alice@corp.example>", "Bob Roy <7+bobroy@users.noreply.github.com>"
GIT = shutil.which("git") or "git"
THURSDAY = "2026-11-19T10:00:00+01:00"
# A Monday; the newest commits below are of the Thursday before.
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def _git(path: Path, *arguments: str, author: str = ALICE, at: str = THURSDAY, sent: bytes = b"") -> str:
    """Run git there, as nobody's configuration but the repository's own."""
    name, _, email = author.removesuffix(">").partition(" <")
    values = {"NAME": name, "EMAIL": email, "DATE": at}
    who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in values.items()}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        [GIT, "-C", str(path), *arguments], check=True, capture_output=True, env=environment, input=sent
    )
    return done.stdout.decode()


def _commit(path: Path, message: str, *, author: str = ALICE, at: str = THURSDAY) -> None:
    _git(path, "commit", "--allow-empty", "-m", message, author=author, at=at)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a plain commit, a squash, a merged pull request and a merge that is none."""
    path = tmp_path / "pier"
    path.mkdir()
    _git(path, "init", "-b", "main")
    _commit(path, "Begin", at="2026-11-16T09:00:00+01:00")
    _commit(
        path,
        "Serve the tide table (#12)\n\nReviewed-by: Bob Roy <7+bobroy@users.noreply.github.com>\n"
        "Signed-off-by: Alice Ng <alice@corp.example>\nCo-authored-by: Cy Poe <cy@corp.example>",
        at="2026-11-17T09:00:00+01:00",
    )
    _git(path, "checkout", "-b", "gauge")
    _commit(path, "Read the gauge", author=BOB, at="2026-11-17T10:00:00+01:00")
    _commit(path, "Round the gauge", author=BOB, at="2026-11-17T11:00:00+01:00")
    _git(path, "checkout", "main")
    merged = "Merge pull request #15 from bobroy/gauge\n\nRead the gauge every minute"
    _git(path, "merge", "--no-ff", "gauge", "-m", merged, at="2026-11-18T12:00:00+01:00")
    _git(path, "checkout", "-b", "side")
    _commit(path, "Try something")
    _git(path, "checkout", "main")
    _git(path, "merge", "--no-ff", "side", "-m", "Merge branch 'side'")
    _commit(path, "Weigh the anchor")
    return path


def _world(path: Path, me: str = "Alice Ng", *, now: datetime = MONDAY) -> World:
    return own_world(Sources(git=path, me=me), clock=lambda: now, zone=UTC_ZONE)


def _snapshot(path: Path, me: str = "alice@corp.example", *, now: datetime = MONDAY) -> Snapshot:
    return _world(path, me, now=now).now()


def _pulls(snapshot: Snapshot) -> dict[int, PullRequest]:
    return {pull.number: pull for pull in snapshot.pull_requests}


def test_commits_are_the_real_ones(repository: Path) -> None:
    snapshot = _snapshot(repository)
    log = _git(repository, "log", "--format=%H").split()
    assert [commit.oid for commit in snapshot.commits] == log
    assert snapshot.commits[0].message_headline == "Weigh the anchor"
    assert snapshot.commits[0].authored_date == datetime(2026, 11, 19, 9, tzinfo=UTC)
    assert snapshot.commits[0].author == snapshot.me


def test_a_squash_subject_is_a_pull_request_with_its_reviewers(repository: Path) -> None:
    pull = _pulls(_snapshot(repository))[12]
    assert (pull.title, pull.author.name, pull.state) == ("Serve the tide table", "Alice Ng", "MERGED")
    assert [review.author.login for review in pull.reviews] == ["bobroy"]


def test_a_merge_is_a_pull_request_with_its_branch(repository: Path) -> None:
    pull = _pulls(_snapshot(repository))[15]
    assert (pull.title, pull.author.login, pull.head_ref_name) == ("Read the gauge every minute", "bobroy", "gauge")
    assert [commit.message_headline for commit in pull.commits] == ["Read the gauge", "Round the gauge"]
    assert pull.merged_at == datetime(2026, 11, 18, 11, tzinfo=UTC)


def test_a_real_history_is_searched_without_its_merges(repository: Path) -> None:
    found = search_commits("author:@me merge:false", snapshot=_snapshot(repository))
    headlines = [one.message_headline for one in found]
    assert {"Begin", "Serve the tide table (#12)"} <= set(headlines)
    assert not any(headline.startswith("Merge") for headline in headlines)


def test_a_branch_that_is_not_merged_is_where_github_shows_it_and_no_pull_request(repository: Path) -> None:
    """GitHub searches and counts default branches only; the repository's page and the commit's own name the branch."""
    _git(repository, "checkout", "-b", "tides/spring")
    _commit(repository, "Sketch the spring tide", at="2026-11-20T10:00:00+01:00")
    _git(repository, "checkout", "main")
    snapshot = _snapshot(repository)
    found = next(one for one in snapshot.commits if one.branch)
    assert (found.message_headline, found.branch) == ("Sketch the spring tide", "tides/spring")
    assert found.author == snapshot.me
    assert set(_pulls(snapshot)) == {12, 15}
    assert found not in search_commits("author:@me", snapshot=snapshot)
    counted = activity(snapshot, start=None, end=None)
    assert counted.commit_count == sum(one.author == snapshot.me for one in snapshot.commits) - 1
    assert pushed_at(snapshot.repositories[0], snapshot) == found.authored_date


def test_a_merge_without_a_number_is_no_pull_request(repository: Path) -> None:
    assert set(_pulls(_snapshot(repository))) == {12, 15}


@pytest.mark.parametrize("me", ["ALICE@corp.example", "Alice Ng"])
def test_me_is_an_address_or_a_name(repository: Path, me: str) -> None:
    assert _snapshot(repository, me).me.email == "alice@corp.example"


def test_the_invented_meetings_and_messages_are_about_me(repository: Path) -> None:
    snapshot = _snapshot(repository)
    standup = next(event for event in snapshot.events if event.series == "standup")
    assert snapshot.me in [guest.person for guest in standup.attendees]
    assert any(event.summary == "Alice / Tomás" for event in snapshot.events)
    everything = [event.summary for event in snapshot.events] + [message.text for message in snapshot.messages]
    assert [text for text in everything if "Maya" in text] == []


def test_a_fresh_history_keeps_its_days(repository: Path) -> None:
    world = _world(repository)
    assert world.label == "GitHub: your repository pier; Calendar: invented; Slack: invented"


def test_a_stale_history_is_moved_to_the_last_working_day_and_says_so(repository: Path) -> None:
    now = datetime(2027, 2, 1, 10, tzinfo=UTC)
    world = _world(repository, now=now)
    assert "dates moved by 71 days" in world.label
    assert "dates moved by 71 days" in world.code_notice
    assert world.now().commits[0].authored_date == datetime(2027, 1, 29, 9, tzinfo=UTC)


async def test_pages_say_that_the_history_is_real_and_the_rest_is_not(repository: Path) -> None:
    _git(repository, "branch", "-f", "spike", "main")
    _git(repository, "checkout", "spike")
    _commit(repository, "Try a spike")
    _git(repository, "checkout", "main")
    world = _world(repository)
    app = create_app(data=None, world=world, base_url=BASE_URL)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as http:
        oid = world.now().commits[0].oid
        for path in ("", "/pull/12", "/pull/15", f"/commit/{oid}"):
            page = await http.get(f"/github/web/local/pier{path}")
            assert page.status_code == 200, path
            assert "Your repository pier, shown by the sandbox" in page.text
        assert "Try a spike" in (await http.get("/github/web/local/pier")).text
        spike = next(one.oid for one in world.now().commits if one.branch)
        assert "<dd>spike</dd>" in (await http.get(f"/github/web/local/pier/commit/{spike}")).text
        meeting = await http.get("/google/web/event/gonogo")
        assert "Sandbox: invented data" in meeting.text
        assert "/pull/88" not in meeting.text


def test_an_unknown_author_is_told_the_most_frequent_ones(repository: Path) -> None:
    with pytest.raises(
        WorldError, match=r"nobody@x.example is the author of no commit .* Alice Ng <alice@corp"
    ) as told:
        _world(repository, "nobody@x.example")
    assert str(told.value).count("@") == 3


@pytest.mark.parametrize("name", ["missing", "file", "empty", "unborn"])
def test_what_is_no_repository_with_commits_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "file":
        path.write_text("")
    if name in ("empty", "unborn"):
        path.mkdir()
    if name == "unborn":
        _git(path, "init")
    with pytest.raises(WorldError, match=str(path)):
        _world(path)


def test_a_repository_cannot_have_its_own_programs_run(repository: Path, tmp_path: Path) -> None:
    """The repository's configuration names a program for signatures; reading the history must not start it."""
    witness = tmp_path / "ran"
    program = tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\ntouch {witness}\n")
    program.chmod(0o755)
    _git(repository, "config", "log.showSignature", "true")
    _git(repository, "config", "gpg.program", str(program))
    head, _, message = _git(repository, "cat-file", "commit", "HEAD").partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n eA==\n -----END PGP SIGNATURE-----"
    commit = f"{head}\n{signature}\n\n{message}".encode()
    oid = _git(repository, "hash-object", "-t", "commit", "-w", "--stdin", sent=commit).strip()
    _git(repository, "update-ref", "HEAD", oid)
    _git(repository, "log", "-1")
    assert witness.exists(), "the trap must be armed"
    witness.unlink()
    _snapshot(repository)
    assert not witness.exists()
