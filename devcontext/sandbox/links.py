"""Where each item of the sandbox can be looked at: every link of a briefing leads to a page of the sandbox itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from devcontext.sandbox.types import Comment, Event, Issue, Message, PullRequest, Repository, Review, Snapshot

_REFERENCE = re.compile(r"\{([\w.-]+)#(\d+)\}")


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses below one base address, which has no trailing slash."""

    base_url: str

    @property
    def github(self) -> str:
        """Where GitHub's pages are."""
        return f"{self.base_url}/github/web"

    @property
    def google(self) -> str:
        """Where Google Calendar's pages are."""
        return f"{self.base_url}/google/web"

    @property
    def slack(self) -> str:
        """Where Slack's pages are."""
        return f"{self.base_url}/slack/web"

    def repository(self, repository: Repository) -> str:
        """Return the address of a repository."""
        return f"{self.github}/{repository.name_with_owner}"

    def work(self, work: PullRequest | Issue) -> str:
        """Return the address of a pull request or an issue."""
        kind = "pull" if isinstance(work, PullRequest) else "issues"
        return f"{self.repository(work.repository)}/{kind}/{work.number}"

    def comment(self, work: PullRequest | Issue, comment: Comment) -> str:
        """Return the address of a comment on its page."""
        return f"{self.work(work)}#issuecomment-{comment.id}"

    def review(self, pull: PullRequest, review: Review) -> str:
        """Return the address of a review on its page."""
        return f"{self.work(pull)}#pullrequestreview-{review.id}"

    def line_comment(self, pull: PullRequest, comment: Comment) -> str:
        """Return the address of a comment on a line of a pull request's diff."""
        return f"{self.work(pull)}#discussion_r{comment.id}"

    def commit(self, repository: Repository, oid: str) -> str:
        """Return the address of a commit."""
        return f"{self.repository(repository)}/commit/{oid}"

    def check(self, repository: Repository, check_id: int) -> str:
        """Return the address of a check run."""
        return f"{self.repository(repository)}/runs/{check_id}"

    def event(self, event: Event) -> str:
        """Return the address of a calendar event."""
        return f"{self.google}/event/{quote(event.id)}"

    def call(self, event: Event) -> str:
        """Return the address of an event's video call."""
        return f"{self.google}/meet/{quote(event.id)}"

    def message(self, message: Message) -> str:
        """Return a message's permalink, as Slack builds it from the channel and `ts`."""
        return f"{self.slack}/archives/{message.channel_id}/p{slack_ts(message.at).replace('.', '')}"

    def spell_out(self, text: str, *, snapshot: Snapshot, link: Callable[[str, str], str]) -> str:
        """Return `text` with its `{ledger#88}` as `link(url, words)`, or as plain words where there is no such item."""

        def replaced(match: re.Match[str]) -> str:
            words = f"{match[1]}#{match[2]}"
            works: tuple[PullRequest | Issue, ...] = (*snapshot.pull_requests, *snapshot.issues)
            for work in works:
                if work.repository.name == match[1] and work.number == int(match[2]):
                    return link(self.work(work), words)
            return words

        return _REFERENCE.sub(replaced, text)


def slack_ts(at: datetime) -> str:
    """Return the `ts` of a message: epoch seconds with exactly six decimals.

    Source: https://docs.slack.dev/messaging/retrieving-messages
    """
    return f"{int(at.timestamp())}.{at.microsecond:06d}"
