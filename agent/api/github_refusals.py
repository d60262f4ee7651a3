"""What GitHub says besides the status: limits as 403, everything of GraphQL as 200, permissions in a header.

It never repeats GitHub's words: permissions are named from a closed table.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from agent.api.answers import Answer
from agent.errors import ToolErrorCode

# The permissions a reading app can have. Source:
# https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
_PERMISSIONS = {
    "actions": "Actions",
    "checks": "Checks",
    "contents": "Contents",
    "issues": "Issues",
    "members": "Members",
    "metadata": "Metadata",
    "pull_requests": "Pull requests",
    "statuses": "Commit statuses",
}
_GRANT = re.compile(r"([a-z_]{1,40})=(?:read|write|admin)", re.ASCII)
# Sets that each suffice are separated by semicolons, the permissions of one set by commas.
_MAX_HEADER_CHARACTERS = 500


def find_refusal(answer: Answer) -> ToolErrorCode | None:
    """Return what GitHub refuses with besides the status, or None.

    Source: https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    body = answer.json()
    if answer.status == HTTPStatus.FORBIDDEN:
        return "rate_limited" if _is_limited(answer, body=body) else None
    if answer.status != HTTPStatus.OK or not isinstance(body, dict):
        return None
    types = _error_types(body)
    if types & {"RATE_LIMITED", "RATE_LIMIT"}:
        return "rate_limited"
    # Only GraphQL answers with `data`; a search of REST has neither.
    if body.get("data") is not None or ("data" not in body and "errors" not in body):
        return None
    if types & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return "missing_scope"
    return "not_found" if "NOT_FOUND" in types else "upstream_unavailable"


def find_needed(answer: Answer) -> str:
    """Return the permissions that would have been enough, such as `Checks and Commit statuses`; "" when not told.

    Source: https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
    #resource-not-accessible
    """
    if answer.status not in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return ""
    header = answer.headers.get("x-accepted-github-permissions", "")[:_MAX_HEADER_CHARACTERS]
    sets = [_name_set(one) for one in header.split(";")]
    return " or ".join(dict.fromkeys(named for named in sets if named))


def _name_set(permissions: str) -> str:
    """Return one set in words, "" when anything in it is not known."""
    grants = [_GRANT.fullmatch(one.strip()) for one in permissions.split(",")]
    names = [_PERMISSIONS.get(grant[1], "") if grant else "" for grant in grants]
    return " and ".join(names) if all(names) else ""


def _is_limited(answer: Answer, *, body: Any) -> bool:
    # The secondary limit may come without Retry-After; its message is then the only sign of it, as octokit's
    # throttling plugin reads it too.
    message = body.get("message") if isinstance(body, dict) else None
    is_told = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return is_told or (isinstance(message, str) and "rate limit" in message.lower())


def _error_types(body: Mapping[str, Any]) -> set[str]:
    errors = body.get("errors")
    found = [error.get("type") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return {kind for kind in found if isinstance(kind, str)}
