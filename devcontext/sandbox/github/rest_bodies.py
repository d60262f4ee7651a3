"""What GitHub's REST search answers with, each with every field that its schema requires.

Source: the schemas `commit-search-result-item` and `issue-search-result-item` of GitHub's OpenAPI description.
"""

from typing import Any

from devcontext.sandbox.github.graphql import github_time
from devcontext.sandbox.github.search import Work, updated_at
from devcontext.sandbox.github.user import account_body, organization_body
from devcontext.sandbox.links import Links
from devcontext.sandbox.types import Commit, Issue, PullRequest, Repository
from devcontext.sandbox.world.tidewater.pen import stable_id

# The addresses of a repository's parts, as they follow its own.
_PARTS = {
    "archive_url": "{archive_format}{/ref}",
    "assignees_url": "assignees{/user}",
    "blobs_url": "git/blobs{/sha}",
    "branches_url": "branches{/branch}",
    "collaborators_url": "collaborators{/collaborator}",
    "comments_url": "comments{/number}",
    "commits_url": "commits{/sha}",
    "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}",
    "contributors_url": "contributors",
    "deployments_url": "deployments",
    "downloads_url": "downloads",
    "events_url": "events",
    "forks_url": "forks",
    "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "hooks_url": "hooks",
    "issue_comment_url": "issues/comments{/number}",
    "issue_events_url": "issues/events{/number}",
    "issues_url": "issues{/number}",
    "keys_url": "keys{/key_id}",
    "labels_url": "labels{/name}",
    "languages_url": "languages",
    "merges_url": "merges",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "pulls_url": "pulls{/number}",
    "releases_url": "releases{/id}",
    "stargazers_url": "stargazers",
    "statuses_url": "statuses/{sha}",
    "subscribers_url": "subscribers",
    "subscription_url": "subscription",
    "tags_url": "tags",
    "teams_url": "teams",
    "trees_url": "git/trees{/sha}",
}


def commit_body(commit: Commit, *, links: Links) -> dict[str, Any]:
    """Return one found commit; the sandbox knows no committer and no tree."""
    address = f"{_address(commit.repository, links)}/commits/{commit.oid}"
    email = commit.author.email if commit.author else "unknown@sandbox.example"
    author = {"name": commit.author_name, "email": email, "date": github_time(commit.authored_date)}
    return {
        "sha": commit.oid,
        "node_id": f"C_{commit.oid[:12]}",
        "url": address,
        "html_url": links.commit(commit.repository, commit.oid),
        "comments_url": f"{address}/comments",
        "commit": {
            "url": address,
            "author": author,
            "committer": author,
            "message": commit.message_headline,
            "tree": {"sha": commit.oid, "url": address},
            "comment_count": 0,
        },
        "author": account_body(commit.author, links=links) if commit.author else None,
        "committer": None,
        "parents": [],
        "repository": _repository(commit.repository, links=links),
        "score": 1,
    }


def work_body(work: Work, *, links: Links) -> dict[str, Any]:
    """Return one found issue or pull request."""
    repository = _address(work.repository, links)
    address = f"{repository}/issues/{work.number}"
    people = [account_body(person, links=links) for person in work.assignees] if isinstance(work, Issue) else []
    closed_at = work.closed_at if isinstance(work, Issue) else work.merged_at
    body = {
        "url": address,
        "repository_url": repository,
        "labels_url": f"{address}/labels{{/name}}",
        "comments_url": f"{address}/comments",
        "events_url": f"{address}/events",
        "html_url": links.work(work),
        "id": stable_id(links.work(work)),
        "node_id": f"I_{stable_id(links.work(work))}",
        "number": work.number,
        "title": work.title,
        "user": account_body(work.author, links=links),
        "labels": [{"name": name} for name in work.labels],
        "state": "open" if work.state == "OPEN" else "closed",
        "locked": False,
        "assignee": people[0] if people else None,
        "assignees": people,
        "milestone": None,
        "comments": len(work.comments),
        "created_at": github_time(work.created_at),
        "updated_at": github_time(updated_at(work)),
        "closed_at": github_time(closed_at) if closed_at else None,
        "author_association": "MEMBER",
        "body": work.body,
        "score": 1,
    }
    return body | (_pull_request_part(work, links=links) if isinstance(work, PullRequest) else {})


def _pull_request_part(pull: PullRequest, *, links: Links) -> dict[str, Any]:
    page, address = links.work(pull), f"{_address(pull.repository, links)}/pulls/{pull.number}"
    part = {
        "url": address,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "merged_at": github_time(pull.merged_at) if pull.merged_at else None,
    }
    return {"draft": pull.is_draft, "pull_request": part}


def _repository(repository: Repository, *, links: Links) -> dict[str, Any]:
    address = _address(repository, links)
    return {
        "id": stable_id(repository.name_with_owner),
        "node_id": f"R_{stable_id(repository.name_with_owner)}",
        "name": repository.name,
        "full_name": repository.name_with_owner,
        "owner": organization_body(repository.owner, links=links),
        "private": repository.is_private,
        "html_url": links.repository(repository),
        "description": repository.description or None,
        "fork": False,
        "url": address,
        **{name: f"{address}/{part}" for name, part in _PARTS.items()},
    }


def _address(repository: Repository, links: Links) -> str:
    return f"{links.base_url}/github/api/repos/{repository.name_with_owner}"
