"""A GitHub without GraphQL: documented examples of its REST answers, at the addresses of one repository."""

from typing import Any

from tests.agent.api.upstream import Upstream, told
from tests.agent.tools.github_answers import FRIDAY, found_by_rest
from tests.contracts.specs import spec

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
PULL = "/api/repos/octocat/Hello-World/pulls/1347"
COMMIT = f"/api/repos/octocat/Hello-World/commits/{SHA}"


def example(name: str, **fields: Any) -> Any:
    """Return a documented example, of an object with other `fields`."""
    known = spec("github/openapi-examples.json")[name]
    return {**known, **fields} if fields else known


def found_issue(number: int = 1347, *, merged_at: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return the documented found issue as a pull request of the documented repository, touched on Friday."""
    (known,) = example("issue-search-result-item-paginated")["items"]
    page = f"https://github.com/octocat/Hello-World/pull/{number}"
    return {
        **known,
        "number": number,
        "html_url": page,
        "repository_url": "https://api.github.com/repos/octocat/Hello-World",
        "created_at": "2026-11-12T15:00:00Z",
        "updated_at": FRIDAY,
        "user": {"login": "octocat"},
        "pull_request": {"html_url": page, "merged_at": merged_at},
        **fields,
    }


def repository(name: str = "octocat/Hello-World", **fields: Any) -> dict[str, Any]:
    """Return a repository of the user, with the fields that we use."""
    page = f"https://github.com/{name}"
    known = {"full_name": name, "html_url": page, "description": None, "private": True, "archived": False}
    return {**known, "pushed_at": FRIDAY, **fields}


def commit(message: str, *, at: str = FRIDAY, author: Any = None) -> dict[str, Any]:
    """Return the documented commit of a pull request, written by its author on Friday."""
    (known,) = example("commit-items")
    written = {**known["commit"], "message": message, "author": {"name": "o", "email": "o@o", "date": at}}
    return {**known, "commit": written, "author": {"login": "octocat"} if author is None else author}


def tell_all(upstream: Upstream, *, found: tuple[dict[str, Any], ...] | None = None) -> None:
    """Answer by REST alone; searches find `found`, by default one pull request."""
    upstream.tell("/api/graphql", told({"message": "Not Found"}, status=404))
    upstream.tell("/api/search/issues", told(found_by_rest(*((found_issue(),) if found is None else found))))
    upstream.tell("/api/search/commits", told(found_by_rest()))
    upstream.tell("/api/user", told({"login": "octocat", "id": 1}))
    upstream.tell("/api/user/repos", told([repository()]))
    pull = example("pull-request", merged_at=None)
    pull["head"] = {**pull["head"], "sha": SHA}
    upstream.tell(PULL, told(pull))
    upstream.tell(f"{PULL}/reviews", told(example("pull-request-review-items")))
    upstream.tell(f"{PULL}/commits", told([commit("Fix all the bugs\n\nAll of them.")]))
    upstream.tell(f"{COMMIT}/check-runs", told(example("check-run-paginated")))
    upstream.tell(f"{COMMIT}/status", told(example("combined-commit-status")))
