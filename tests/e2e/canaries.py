"""Texts that must lie nowhere in the open: what the invented team wrote, and how to find a text among bytes."""

import json
import re
from urllib.parse import quote, quote_plus

from devcontext.sandbox.types import Snapshot

# A shorter text, such as a heading, may be a word of ours.
MIN_CHARACTERS = 16
_NAMES = re.compile(r"<[^>]*>|\{[^}]*\}|[`*_\n]")


def canaries(world: Snapshot) -> set[str]:
    """Return titles, meeting names, and messages between the names that tools write out."""
    titles = [item.title for item in (*world.pull_requests, *world.issues)]
    messages = [part.strip() for message in world.messages for part in _NAMES.split(message.text)]
    texts = [*titles, *(event.summary for event in world.events), *messages]
    return {text for text in texts if len(text) >= MIN_CHARACTERS}


def holds(written: bytes, text: str) -> bool:
    """Tell whether `text` is in `written`: as it is, or as JSON, an address or a form would write it."""
    spellings = {text, json.dumps(text)[1:-1], quote(text), quote_plus(text)}
    return any(spelling.encode() in written for spelling in spellings)
