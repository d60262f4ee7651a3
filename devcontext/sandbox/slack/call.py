"""One call of a Slack method: its parameters, its token's scopes, and the checks every method shares."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from devcontext.sandbox.links import Links
from devcontext.sandbox.types import Channel, Snapshot

# The largest page of conversations.*: https://docs.slack.dev/reference/methods/conversations.history
_MAX_LIMIT = 999
_SCOPE_OF_KIND = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}

Item = TypeVar("Item")


class SlackError(Exception):
    """A refusal by its code, such as `channel_not_found`, with what the answer says besides."""

    def __init__(self, code: str, **details: str) -> None:
        """Keep the code and the details."""
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call."""

    snapshot: Snapshot
    zone: ZoneInfo
    links: Links
    values: Mapping[str, str]
    scopes: frozenset[str]
    grant_id: int
    account: str

    def require_scope(self, needed: str) -> None:
        """Refuse unless the token has the scope.

        Raises:
            SlackError: `missing_scope`, with what is needed and what is there.
        """
        if needed not in self.scopes:
            raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))

    def load_channel(self, *, right: str) -> Channel:
        """Return the conversation that `channel` names, if the token may use the `right` (read, history) there.

        Raises:
            SlackError: `channel_not_found` or `missing_scope`.
        """
        for channel in self.snapshot.channels:
            if channel.id == self.values.get("channel"):
                self.require_scope(f"{_SCOPE_OF_KIND[channel.kind]}:{right}")
                return channel
        raise SlackError("channel_not_found")

    def require_kinds(self) -> frozenset[str]:
        """Return the kinds of conversation that `types` asks for; public channels when it is left out.

        Raises:
            SlackError: `invalid_types` or `missing_scope`.
        """
        kinds = [kind.strip() for kind in (self.values.get("types") or "public_channel").split(",")]
        for kind in kinds:
            if kind not in _SCOPE_OF_KIND:
                raise SlackError("invalid_types")
            self.require_scope(f"{_SCOPE_OF_KIND[kind]}:read")
        return frozenset(kinds)

    def is_set(self, name: str) -> bool:
        """Return whether a boolean parameter is on."""
        return self.values.get(name, "").lower() in ("1", "true")

    def page(self, items: Sequence[Item], *, default: int) -> tuple[list[Item], str]:
        """Return the page that `cursor` and `limit` ask for, and the cursor of the next one, "" at the end.

        Raises:
            SlackError: `invalid_limit` or `invalid_cursor`.
        """
        limit = self.values.get("limit") or str(default)
        if not limit.isdecimal() or not 1 <= int(limit) <= _MAX_LIMIT + 1:
            raise SlackError("invalid_limit")
        start = offset_of(self.values.get("cursor", ""))
        end = start + min(int(limit), _MAX_LIMIT)
        return list(items[start:end]), cursor_at(end) if end < len(items) else ""


def cursor_at(offset: int) -> str:
    """Return the cursor of the page that begins there."""
    return base64.b64encode(f"next:{offset}".encode()).decode()


def offset_of(cursor: str) -> int:
    """Return where the page of a cursor begins; "" is the beginning.

    Raises:
        SlackError: `invalid_cursor`.
    """
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (binascii.Error, ValueError):
        raise SlackError("invalid_cursor") from None
