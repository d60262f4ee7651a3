"""Reads `git log` and tells it as GitHub would: commits, and the pull requests that merges and squashes speak of.

Only what a history knows is told: there are no open pull requests in it, no checks, and no counts of changed lines. A
branch that is not merged is a branch: nobody knows whether there is a pull request for it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from devcontext.sandbox.types import Commit, Person, PullRequest, Repository, Review
from devcontext.sandbox.world.tidewater.pen import stable_id

_MERGE = re.compile(r"Merge pull request #(\d+) from (\S+)")
_SQUASH = re.compile(r"(.*\S)\s*\(#(\d+)\)")
# Co-authors wrote; who reviewed or signed somebody else's work off has read it.
_READER = re.compile(r"^(?:Reviewed-by|Signed-off-by):[ \t]*(.+?)[ \t]*<([^>\n]*)>", re.IGNORECASE | re.MULTILINE)
_NOREPLY = re.compile(r"(?:\d+\+)?([A-Za-z0-9-]+)@users\.noreply\.github\.com")
_FIELDS = 8
# GitHub shows 250 commits of a pull request and no more:
# https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request
_MAX_BRANCH = 250


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address as a commit carries them."""

    name: str
    email: str

    def is_same(self, other: "Mailbox") -> bool:
        """Return whether both look like one person: the same address or the same name."""
        return self.email.lower() == other.email.lower() or self.name.lower() == other.name.lower()


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """One commit of the log."""

    oid: str
    author: Mailbox
    at: datetime
    parents: tuple[str, ...]
    subject: str
    body: str
    branch: str = ""


@dataclass(slots=True)
class History:
    """One repository's log, newest commit first, as `me` sees it on GitHub."""

    repository: Repository
    commits: Sequence[LoggedCommit]
    me: Person
    my_mailbox: Mailbox
    unmerged: Sequence[LoggedCommit] = ()
    _people: dict[str, Person] = field(default_factory=dict)

    def people(self) -> tuple[Person, ...]:
        """Return everybody met so far, `me` first."""
        return (self.me, *self._people.values())

    def written(self) -> tuple[Commit, ...]:
        """Return all commits; those of branches that are not merged name theirs."""
        return tuple(self._commit(one) for one in (*self.commits, *self.unmerged))

    def pull_requests(self) -> tuple[PullRequest, ...]:
        """Return the pull requests that merges and squashes on the main line name, each number once."""
        found: dict[int, PullRequest] = {}
        for one, branch in _main_line(self.commits):
            pull = self._merged(one, branch) if len(one.parents) > 1 else self._squashed(one)
            if pull is not None:
                found[pull.number] = pull
        return tuple(found.values())

    def _merged(self, merge: LoggedCommit, branch: Sequence[LoggedCommit]) -> PullRequest | None:
        match = _MERGE.fullmatch(merge.subject)
        if match is None or not branch:
            return None
        title, _, body = merge.body.strip().partition("\n")
        return self._pull_request(
            number=int(match[1]),
            title=title or branch[-1].subject,
            body=body,
            head=match[2].partition("/")[2] or match[2],
            merge=merge,
            commits=branch,
        )

    def _squashed(self, one: LoggedCommit) -> PullRequest | None:
        match = _SQUASH.fullmatch(one.subject)
        if match is None:
            return None
        number = int(match[2])
        return self._pull_request(
            number=number, title=match[1], body=one.body, head=f"pull-{number}", merge=one, commits=(one,)
        )

    def _pull_request(
        self, *, number: int, title: str, body: str, head: str, merge: LoggedCommit, commits: Sequence[LoggedCommit]
    ) -> PullRequest:
        author = self._person(commits[0].author)
        return PullRequest(
            repository=self.repository,
            number=number,
            title=title,
            body=body.strip(),
            author=author,
            created_at=min(merge.at, *(one.at for one in commits)),
            merged_at=merge.at,
            state="MERGED",
            head_ref_name=head,
            commits=tuple(self._commit(one) for one in commits[:_MAX_BRANCH]),
            reviews=tuple(self._reviews(author, merge, commits)),
        )

    def _reviews(self, author: Person, merge: LoggedCommit, commits: Sequence[LoggedCommit]) -> Iterator[Review]:
        texts = "\n".join(one.body for one in (merge, *commits))
        readers = dict.fromkeys(self._person(Mailbox(*names)) for names in _READER.findall(texts))
        for reader in readers:
            if reader != author:
                yield Review(stable_id(merge.oid, reader.login), reader, "APPROVED", merge.at)

    def _commit(self, one: LoggedCommit) -> Commit:
        return Commit(
            one.oid,
            one.subject,
            one.at,
            one.author.name,
            self._person(one.author),
            self.repository,
            is_merge=len(one.parents) > 1,
            branch=one.branch,
        )

    def _person(self, mailbox: Mailbox) -> Person:
        if mailbox.is_same(self.my_mailbox):
            return self.me
        key = mailbox.email.lower()
        if key not in self._people:
            self._people[key] = Person(mailbox.name, login_of(mailbox), mailbox.email, stable_id(key))
        return self._people[key]


def login_of(mailbox: Mailbox) -> str:
    """Return the login in GitHub's no-reply addresses, else one made of the name."""
    match = _NOREPLY.fullmatch(mailbox.email)
    return match[1] if match else re.sub(r"[^a-z0-9]+", "-", mailbox.name.lower()).strip("-") or "ghost"


def parse_log(text: str) -> tuple[LoggedCommit, ...]:
    """Return the commits of a log with unit separators between fields and a record separator after each commit.

    The fields are object id, author's name, address and date, parents, subject, body and the branch it was found by.
    """
    records = (record.strip("\n").split("\x1f") for record in text.split("\x1e"))
    return tuple(_parse(fields) for fields in records if len(fields) == _FIELDS)


def _parse(fields: Sequence[str]) -> LoggedCommit:
    oid, name, email, at, parents, subject, body, source = fields
    branch = source.removeprefix("refs/heads/").removeprefix("refs/remotes/")
    when = datetime.fromisoformat(at)
    return LoggedCommit(oid, Mailbox(name, email), when, tuple(parents.split()), subject, body, branch)


def _main_line(commits: Sequence[LoggedCommit]) -> list[tuple[LoggedCommit, tuple[LoggedCommit, ...]]]:
    """Return the first-parent line, oldest first, each with the commits that came in by it, oldest first."""
    by_oid = {one.oid: one for one in commits}
    line: list[LoggedCommit] = []
    following = commits[0].oid if commits else ""
    while following in by_oid:
        line.append(by_oid[following])
        following = next(iter(line[-1].parents), "")
    seen = {one.oid for one in line}
    return [(one, _branch(one, by_oid, seen)) for one in reversed(line)]


def _branch(merge: LoggedCommit, by_oid: Mapping[str, LoggedCommit], seen: set[str]) -> tuple[LoggedCommit, ...]:
    """Return what the other parents of `merge` bring that was not seen before, and mark it as seen."""
    brought: list[LoggedCommit] = []
    waiting = list(merge.parents[1:])
    while waiting:
        oid = waiting.pop()
        if oid in by_oid and oid not in seen:
            seen.add(oid)
            brought.append(by_oid[oid])
            waiting += by_oid[oid].parents
    return tuple(sorted(brought, key=lambda one: one.at))
