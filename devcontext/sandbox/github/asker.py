"""What the resolvers of GitHub's schema hand to each other."""

from dataclasses import dataclass
from typing import Any

from devcontext.sandbox.links import Links
from devcontext.sandbox.types import Issue, PullRequest, Snapshot


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, of which world; the context of every resolver."""

    snapshot: Snapshot
    links: Links


@dataclass(frozen=True, slots=True)
class Owned:
    """A comment or review together with what it is part of, whose page it links to."""

    item: Any
    work: PullRequest | Issue
