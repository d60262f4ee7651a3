"""GitHub's answer about the signed-in user, with every field its schema requires."""

from typing import Any

from devcontext.sandbox.links import Links
from devcontext.sandbox.types import Person, Snapshot
from devcontext.sandbox.world.tidewater.pen import stable_id

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


def account_body(person: Person, *, links: Links) -> dict[str, Any]:
    """Return a person as they stand in other answers. Source: the schema `simple-user`."""
    return _account(person.login, number=person.database_id, kind="User", links=links)


def organization_body(login: str, *, links: Links) -> dict[str, Any]:
    """Return an organization as the owner of a repository."""
    return _account(login, number=stable_id(login), kind="Organization", links=links)


def _account(login: str, *, number: int, kind: str, links: Links) -> dict[str, Any]:
    address = f"{links.base_url}/github/api/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"{links.github}/{login}",
        "gravatar_id": "",
        "url": address,
        "html_url": f"{links.github}/{login}",
        **{name: f"{address}/{path}" for name, path in _LISTS.items()},
        "type": kind,
        "site_admin": False,
    }


def user_body(snapshot: Snapshot, *, links: Links) -> dict[str, Any]:
    """Return the body; the counts the sandbox has no data for are 0 and the rest is null.

    Source: the schema `private-user` of GitHub's OpenAPI description.
    """
    me = snapshot.me
    return {
        **account_body(me, links=links),
        "user_view_type": "private",
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
