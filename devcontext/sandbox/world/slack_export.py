"""Reads a Slack export: who is in it, which conversations one member is in, and what was said there lately.

Source: https://slack.com/help/articles/220556107-How-to-read-Slack-data-exports
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from devcontext.sandbox.types import Channel, Message, Person, Snapshot
from devcontext.sandbox.world.errors import WorldError
from devcontext.sandbox.world.slack_archive import Archive, Record, opened
from devcontext.sandbox.world.slack_messages import Members, message_of, text_of

# Two months up to the newest day, as far back as anybody asks at a standup.
_REACH = timedelta(days=60)
# A busy person's two months; each answer of the sandbox looks through all of them.
_MAX_MESSAGES = 20_000
_FILES: Mapping[str, str] = {
    "channels.json": "public_channel",
    "groups.json": "private_channel",
    "dms.json": "im",
    "mpims.json": "mpim",
}
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{1,31}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class SlackExport:
    """What one member can see of an export."""

    name: str
    member: Person
    people: tuple[Person, ...]
    channels: tuple[Channel, ...]
    messages: tuple[Message, ...] = field(repr=False)

    @property
    def newest_at(self) -> datetime | None:
        """When the newest message was written."""
        return max((one.at for one in self.messages), default=None)

    def seen_by(self, me: Person) -> "SlackExport":
        """Return the same export with `me` in the member's place."""

        def cast(person: Person) -> Person:
            return me if person == self.member else person

        return replace(
            self,
            member=me,
            people=tuple(map(cast, self.people)),
            channels=tuple(replace(one, members=tuple(map(cast, one.members))) for one in self.channels),
            messages=tuple(replace(one, author=cast(one.author)) for one in self.messages),
        )

    def fill(self, snapshot: Snapshot) -> Snapshot:
        """Return `snapshot` with these conversations."""
        people = (*snapshot.people, *(one for one in self.people if one != self.member))
        return replace(snapshot, people=people, channels=self.channels, messages=self.messages)


def read_export(path: Path, *, addresses: frozenset[str], names: frozenset[str]) -> SlackExport:
    """Return the conversations of the member with one of these e-mail addresses, or else of one of these names.

    Both are in small letters. Only what is needed is read: the member's own conversations, newest days first.

    Raises:
        WorldError: The archive is refused or broken, or has no such member.
    """
    with opened(path) as archive:
        # The exports of a whole organisation call it differently.
        file = "org_users.json" if "org_users.json" in archive.entries else "users.json"
        members = Members(archive.records(file, is_required=True))
        member = members.find(addresses=addresses, names=names)
        if member is None:
            told = "" if members.has_addresses else " (it tells no addresses: add your name, --me you@example.com,Ann)"
            raise WorldError(f"{' or '.join(sorted(names))} is no member in {path}{told}.")
        folders = dict(_conversations(archive, members, member))
        if not folders:
            raise WorldError(f"{' or '.join(sorted(names))} is in no conversation of {path}.")
        messages = tuple(_messages(archive, folders, members))
    read_to = {one.channel_id: one.at for one in sorted(messages, key=lambda one: one.at) if one.author == member}
    oldest = min((one.at for one in messages), default=datetime.fromtimestamp(0, UTC))
    # An export does not tell what was read: one's own newest message is the best there is.
    channels = tuple(replace(one, last_read_at=read_to.get(one.id, oldest)) for one in folders.values())
    return SlackExport(path.name, member, tuple(members.met), channels, messages)


def _conversations(archive: Archive, members: Members, member: Person) -> Iterator[tuple[str, Channel]]:
    """Yield the conversations that the member is in, each with the folder of its days."""
    for file, kind in _FILES.items():
        for record in archive.records(file):
            identifier, listed = text_of(record, "id"), _ids(record)
            people = tuple(members.person(one) for one in listed)
            is_alone = kind == "im" and set(people) == {member}
            if not _CHANNEL_ID.fullmatch(identifier) or record.get("is_archived") is True or is_alone:
                continue
            # Some exports name no members; then everything in them is taken for one's own.
            if member in people or not listed:
                name = "" if kind == "im" else text_of(record, "name")
                topic = record.get("topic")
                about = text_of(topic, "value") if isinstance(topic, dict) else ""
                channel = Channel(identifier, name, kind, about, datetime.fromtimestamp(0, UTC), people or (member,))
                yield name or identifier, channel


def _ids(record: Record) -> list[str]:
    listed = record.get("members")
    return list(dict.fromkeys(one for one in listed if isinstance(one, str))) if isinstance(listed, list) else []


def _messages(archive: Archive, folders: Mapping[str, Channel], members: Members) -> Iterator[Message]:
    count = 0
    for name, channel in _days(archive.entries, folders):
        if count >= _MAX_MESSAGES:
            return
        for record in archive.records(name):
            message = message_of(record, channel_id=channel.id, members=members)
            if message is not None:
                count += 1
                yield message


def _days(names: Iterable[str], folders: Mapping[str, Channel]) -> Sequence[tuple[str, Channel]]:
    """Return the files of days up to two months before the newest one, newest first."""
    found = []
    for name in names:
        folder, _, day = name.removesuffix(".json").rpartition("/")
        if folder in folders and name.endswith(".json") and _DAY.fullmatch(day):
            found.append((day, name, folders[folder]))
    found.sort(key=lambda one: one[0], reverse=True)
    if not found:
        return []
    try:
        oldest = (date.fromisoformat(found[0][0]) - _REACH).isoformat()
    except (ValueError, OverflowError):
        raise WorldError(f"The export has a file of the day {found[0][0]}, which does not exist.") from None
    return [(name, channel) for day, name, channel in found if day >= oldest]
