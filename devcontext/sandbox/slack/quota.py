"""Slack's tiers per method, and what it leaves a commercially distributed app outside its Marketplace.

Source: https://docs.slack.dev/apis/web-api/rate-limits; the tier of each method as in tests/specs/slack/methods.json.
"""

from collections.abc import Mapping

from starlette.requests import Request

from devcontext.sandbox.limit_gate import Quota
from devcontext.sandbox.limits import Bucket, Mode
from devcontext.sandbox.slack.oauth import PROVIDER

# A tier promises at least so many requests a minute and tolerates bursts; how long ones, Slack does not say.
PER_MINUTE = {
    "users.conversations": 20,
    "search.messages": 20,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "auth.revoke": 50,
    "users.info": 100,
}
# One request a minute and 15 messages, since 2025-05-29.
_THROTTLED = frozenset({"conversations.history", "conversations.replies"})
_THROTTLED_MESSAGES = 15


def bucket(request: Request, _: bytes, mode: Mode) -> Bucket | None:
    """Return the limit that a call counts against; `auth.test` allows "hundreds per minute" and is not counted."""
    method = request.url.path.rsplit("/", 1)[-1]
    if mode is Mode.NON_MARKETPLACE and method in _THROTTLED:
        return Bucket(method, limit=1, seconds=60)
    return Bucket(method, limit=PER_MINUTE[method], seconds=60) if method in PER_MINUTE else None


def shrunk(values: Mapping[str, str], *, method: str, mode: Mode) -> Mapping[str, str]:
    """Return a call's values with the smaller page that Slack gives a throttled app without a word."""
    limit = values.get("limit") or str(_THROTTLED_MESSAGES)
    if mode is not Mode.NON_MARKETPLACE or method not in _THROTTLED or not limit.isdecimal():
        return values
    return {**values, "limit": str(min(int(limit), _THROTTLED_MESSAGES))}


QUOTA = Quota(PROVIDER, bucket=bucket, refusal=lambda _: "api.ratelimited")
