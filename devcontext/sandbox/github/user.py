"""GitHub's answer about the signed-in user, with every field its schema requires."""

from typing import Any

from devcontext.sandbox.links import Links
from devcontext.sandbox.types import Snapshot

_JOINED = "2021-03-01T09:00:00Z"
_LISTS = {
    "followers_url": "followers",
    "following_url": "following{/other_user}",
    "gists_url": "gists{/gist_id}",
    "starred_url": "starred{/owner}{/repo}",
    "subscriptions_url": "subscriptions",
    "organizations_url": "orgs",
    "repos_url": "repos",
    "events_url": "events{/privacy}",
    "received_events_url": "received_events",
}


def user_body(snapshot: Snapshot, *, links: Links) -> dict[str, Any]:
    """Return the body; the counts the sandbox has no data for are 0 and the rest is null.

    Source: the schema `private-user` of GitHub's OpenAPI description.
    """
    me, address = snapshot.me, f"{links.base_url}/github/api/users/{snapshot.me.login}"
    return {
        "login": me.login,
        "id": me.database_id,
        "user_view_type": "private",
        "node_id": f"U_{me.database_id}",
        "avatar_url": f"{links.github}/{me.login}",
        "gravatar_id": "",
        "url": address,
        "html_url": f"{links.github}/{me.login}",
        **{name: f"{address}/{path}" for name, path in _LISTS.items()},
        "type": "User",
        "site_admin": False,
        "name": me.name,
        "company": None,
        "blog": None,
        "location": None,
        "email": me.email,
        "hireable": None,
        "bio": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": _JOINED,
        "updated_at": _JOINED,
        "private_gists": 0,
        "total_private_repos": len(snapshot.repositories),
        "owned_private_repos": 0,
        "disk_usage": 0,
        "collaborators": 0,
        "two_factor_authentication": True,
    }
