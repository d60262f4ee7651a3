"""Slack's message markup as plain text: names for ids, words for links. It never resolves an id by itself.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Mapping

# Slack's longest message is 40,000 characters; a briefing keeps 500, so what lies far behind is not looked at.
MAX_CHARACTERS = 4_000

_USER = re.compile(r"<@([UW][A-Z0-9]{1,32})(?:\|([^<>|]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]{1,32}(?:\|([^<>|]*))?>")
_GROUP = re.compile(r"<!(?:subteam\^[A-Z0-9]{1,32}\|@?([^<>|]*)|(here|channel|everyone)(?:\|[^<>|]*)?)>")
_LINK = re.compile(r"<((?:https?|mailto):[^<>|\s]+)(?:\|([^<>|]*))?>")


def mentioned(text: str) -> tuple[str, ...]:
    """Return the ids of the users that `text` mentions, in order."""
    return tuple(match[1] for match in _USER.finditer(text[:MAX_CHARACTERS]))


def plain(text: str, *, names: Mapping[str, str]) -> str:
    """Return `text` as a person reads it; a user whose name is not in `names` becomes "@someone"."""
    read = _USER.sub(lambda match: f"@{names.get(match[1]) or match[2] or 'someone'}", text[:MAX_CHARACTERS])
    read = _CHANNEL.sub(lambda match: f"#{match[1] or 'a channel'}", read)
    read = _GROUP.sub(lambda match: f"@{match[1] or match[2] or 'group'}", read)
    # An answer links to evidence and never to an address from a text, so a label says enough.
    read = _LINK.sub(lambda match: match[2] or match[1], read)
    # Slack escapes these three only; they come last, and "&" after the others, so that no text turns into markup.
    return read.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
