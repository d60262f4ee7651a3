"""What GitHub answers, in the shapes of our documents and of the commit search, and a way to run a tool on it."""

import hashlib
from typing import Any

from agent.tool import ReadContext, ToolResult
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Told, Upstream, told

FRIDAY = "2026-11-20T15:00:00Z"
LAST_WEEK = "2026-11-12T15:00:00Z"


def subject(number: int, **fields: Any) -> dict[str, Any]:
    """Return what every pull request and issue has."""
    return {
        "number": number,
        "title": f"Change {number}",
        "url": f"https://github.com/acme/api/pull/{number}",
        "repository": {"nameWithOwner": "acme/api"},
        **fields,
    }


def commit(headline: str, *, login: str | None = "alice", at: str = FRIDAY) -> dict[str, Any]:
    """Return a commit of a pull request."""
    user = {"login": login} if login else None
    oid = hashlib.sha1(headline.encode(), usedforsecurity=False).hexdigest()
    address = {"oid": oid, "url": f"https://github.com/acme/api/commit/{oid}"}
    return {"commit": {**address, "messageHeadline": headline, "authoredDate": at, "author": {"user": user}}}


def worked(number: int, *commits: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a pull request with commits."""
    given = {"state": "OPEN", "createdAt": LAST_WEEK, "mergedAt": None, "author": {"login": "alice"}}
    return subject(number, commits={"nodes": list(commits)}, **(given | fields))


def open_pull(number: int, *, checks: str | None = "SUCCESS", **fields: Any) -> dict[str, Any]:
    """Return an open pull request."""
    given: dict[str, Any] = {
        "isDraft": False,
        "createdAt": FRIDAY,
        "updatedAt": FRIDAY,
        "additions": 10,
        "deletions": 2,
        "changedFiles": 3,
        "reviewDecision": None,
        "mergeable": "MERGEABLE",
        "author": {"login": "bob"},
        "reviewRequests": {"nodes": []},
        "commits": {"nodes": [{"commit": {"statusCheckRollup": {"state": checks} if checks else None}}]},
    }
    return subject(number, **(given | fields))


def found(*nodes: Any, total: int | None = None) -> dict[str, Any]:
    """Return the answer of a search."""
    search = {"issueCount": len(nodes) if total is None else total, "nodes": list(nodes)}
    return {"data": {"viewer": {"login": "alice"}, "search": search}}


def contributed(**fields: Any) -> dict[str, Any]:
    """Return the answer about contributions."""
    given: dict[str, Any] = {
        "restrictedContributionsCount": 0,
        "commitContributionsByRepository": [],
        "pullRequestReviewContributions": {"nodes": []},
        "issueContributions": {"nodes": []},
    }
    return {"data": {"viewer": {"login": "alice", "contributionsCollection": given | fields}}}


def pushed(headline: str, *, repository: str = "acme/infra", at: str = FRIDAY) -> dict[str, Any]:
    """Return a commit that the REST search found."""
    oid = hashlib.sha1(headline.encode(), usedforsecurity=False).hexdigest()
    return {
        "sha": oid,
        "html_url": f"https://github.com/{repository}/commit/{oid}",
        "commit": {"message": f"{headline}\n\nWhy it is so.", "author": {"date": at}},
        "repository": {"full_name": repository},
    }


def found_by_rest(*items: dict[str, Any], is_incomplete: bool = False, total: int | None = None) -> dict[str, Any]:
    """Return the answer of a REST search."""
    count = len(items) if total is None else total
    return {"total_count": count, "incomplete_results": is_incomplete, "items": list(items)}


def repositories(*names: str, has_next_page: bool = False, contributed_to: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the answer about the user's repositories, of which there is one more where there is a next page."""

    def node(name: str) -> dict[str, Any]:
        url = f"https://github.com/{name}"
        return {"nameWithOwner": name, "url": url, "description": None, "isPrivate": True, "pushedAt": FRIDAY}

    listed = {
        "totalCount": len(names) + has_next_page,
        "pageInfo": {"hasNextPage": has_next_page, "endCursor": "there" if has_next_page else None},
        "nodes": [node(name) for name in names],
    }
    contributed = {"nodes": [node(name) for name in contributed_to]}
    viewer = {"login": "alice", "repositories": listed, "repositoriesContributedTo": contributed}
    return {"data": {"viewer": viewer}}


def opened_page(number: int, *, checks: tuple[dict[str, Any], ...] = (), **fields: Any) -> dict[str, Any]:
    """Return an open pull request with all that is read of one."""
    contexts = {"totalCount": len(checks), "nodes": list(checks)}
    rollup = {"state": "FAILURE", "contexts": contexts} if checks else None
    given: dict[str, Any] = {
        "state": "OPEN",
        "bodyText": "Why.",
        "mergedAt": None,
        "baseRefName": "main",
        "headRefName": "topic",
        "reviews": {"nodes": []},
        "reviewThreads": {"totalCount": 0, "nodes": []},
    }
    page = open_pull(number, **(given | fields))
    return {**page, "commits": {"nodes": [{"commit": {"statusCheckRollup": rollup}}]}}


class GitHub:
    """Runs a GitHub tool against answers in order."""

    def __init__(self, upstream: Upstream, open_http: Open, context: ReadContext) -> None:
        """Keep the server, the client's opener and the moment."""
        self.upstream, self.open_http, self.context = upstream, open_http, context
        self.commits: Told = told(found_by_rest())

    @property
    def queries(self) -> list[str]:
        """The searches that were sent, in order."""
        bodies = [
            one.json["variables"] if one.method == "POST" else {name: many[0] for name, many in one.query.items()}
            for one in self.upstream.received
        ]
        return [body["q"] for body in bodies if "q" in body]

    async def run(self, tool: str, *answers: dict[str, Any], graphql_status: int = 200, **arguments: Any) -> ToolResult:
        """Run the tool on GraphQL's answers; nothing was pushed straight to a default branch unless told before."""
        answered = answers or ({"message": "no"},)
        self.upstream.tell("/api/graphql", *(told(answer, status=graphql_status) for answer in answered))
        self.upstream.tell("/api/search/commits", self.commits)
        with self.open_http("github", endpoints=TOOLS[tool].endpoints) as http:
            return await TOOLS[tool].run(TOOLS[tool].arguments(**arguments), http, self.context)
