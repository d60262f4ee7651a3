"""Writes the people and messages of a Slack export as the sandbox has them.

Source: https://docs.slack.dev/reference/events/message, whose objects the files of an export hold
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from devcontext.sandbox.types import Message, Person
from devcontext.sandbox.world.slack_archive import Record
from devcontext.sandbox.world.tidewater.pen import stable_id

_USER_ID = re.compile(r"[UW][A-Z0-9]{1,31}")
_TIMESTAMP = re.compile(r"\d{10}\.\d{6}")
_EMOJI = re.compile(r"[\w+'-]{1,100}(?:::[\w-]{1,50})?")
# Slack's own limit of a message: https://docs.slack.dev/changelog/2018-truncating-really-long-messages
_MAX_TEXT = 40_000
_MAX_NAME = 200
_MAX_REACTIONS = 50


class Members:
    """The people of an export by id; `met` has everybody, also who only writes and is not listed."""

    def __init__(self, records: Iterable[Record]) -> None:
        """Take the records of users.json; what has no id of a user is left out."""
        self._people: dict[str, Person] = {}
        self._names: dict[str, set[str]] = {}
        for record in records:
            if _USER_ID.fullmatch(identifier := text_of(record, "id")):
                self._people[identifier] = _person(record, identifier)
                self._names[identifier] = _names(record)

    @property
    def met(self) -> list[Person]:
        """Everybody met so far."""
        return list(self._people.values())

    @property
    def has_addresses(self) -> bool:
        """Whether the export tells e-mail addresses."""
        return any(one.email for one in self._people.values())

    def find(self, *, addresses: frozenset[str], names: frozenset[str]) -> Person | None:
        """Return the member with one of the addresses, or else the only one of one of the names."""
        for one in self._people.values():
            if one.email.lower() in addresses:
                return one
        named = [self._people[identifier] for identifier, known in self._names.items() if known & names]
        return named[0] if len(named) == 1 else None

    def person(self, identifier: str) -> Person:
        """Return the person of an id; who is not listed has no more than the id for a name."""
        if identifier not in self._people:
            is_known_form = _USER_ID.fullmatch(identifier) is not None
            unlisted = Person(identifier[:_MAX_NAME], identifier.lower(), "", stable_id(identifier), identifier)
            if not is_known_form:
                return unlisted
            self._people[identifier] = unlisted
        return self._people[identifier]


def message_of(record: Record, *, channel_id: str, members: Members) -> Message | None:
    """Return the message, or None where the record is something else, hidden, or of no time that can be read."""
    ts = text_of(record, "ts")
    if record.get("type") != "message" or record.get("hidden") is True or not _TIMESTAMP.fullmatch(ts):
        return None
    thread, edited = text_of(record, "thread_ts"), record.get("edited")
    edited_ts = text_of(edited, "ts") if isinstance(edited, dict) else ""
    return Message(
        channel_id=channel_id,
        author=_author(record, members),
        text=text_of(record, "text")[:_MAX_TEXT],
        at=_instant(ts),
        thread_at=_instant(thread) if _TIMESTAMP.fullmatch(thread) else None,
        reactions=tuple(_reactions(record.get("reactions"))),
        subtype=text_of(record, "subtype")[:_MAX_NAME],
        edited_at=_instant(edited_ts) if _TIMESTAMP.fullmatch(edited_ts) else None,
    )


def text_of(record: Record, name: str) -> str:
    """Return a text of a record, "" where it is missing or something else."""
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _person(record: Record, identifier: str) -> Person:
    profile = _profile(record)
    login = text_of(record, "name") or identifier.lower()
    name = text_of(profile, "real_name") or text_of(record, "real_name") or login
    return Person(
        name.strip()[:_MAX_NAME] or identifier,
        login[:_MAX_NAME],
        text_of(profile, "email").strip()[:_MAX_NAME],
        stable_id(identifier),
        identifier,
        text_of(profile, "title")[:_MAX_NAME],
    )


def _names(record: Record) -> set[str]:
    profile = _profile(record)
    told = [text_of(record, name) for name in ("name", "real_name")]
    told += [text_of(profile, name) for name in ("real_name", "display_name")]
    return {one.strip().lower() for one in told} - {""}


def _profile(record: Record) -> Record:
    profile = record.get("profile")
    return profile if isinstance(profile, dict) else {}


def _author(record: Record, members: Members) -> Person:
    """Return who wrote: a member, or an app, which has a name and no id of a user."""
    if user := text_of(record, "user"):
        return members.person(user)
    profile = record.get("bot_profile")
    name = text_of(record, "username") or (text_of(profile, "name") if isinstance(profile, dict) else "") or "An app"
    return Person(name[:_MAX_NAME], name[:_MAX_NAME], "", stable_id(name))


def _reactions(listed: Any) -> Iterable[tuple[str, int]]:
    for one in listed[:_MAX_REACTIONS] if isinstance(listed, list) else []:
        if isinstance(one, dict) and _EMOJI.fullmatch(text_of(one, "name")):
            count = one.get("count")
            yield text_of(one, "name"), count if isinstance(count, int) and count > 0 else 1


def _instant(ts: str) -> datetime:
    """Return the instant of a `ts` to the microsecond, which names the message."""
    seconds, _, micros = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(micros))
