"""Tidewater's Slack: a decision, questions that wait for Maya, an incident's thread and some small talk."""

from datetime import datetime

from devcontext.sandbox.types import Channel, Message, Person
from devcontext.sandbox.world.days import Days
from devcontext.sandbox.world.tidewater.team import AIKO, JONAS, MAYA, NOOR, PEOPLE, PRIYA, SAM, TOMAS

_ENGINEERING, _INCIDENTS, _DESIGN, _GENERAL = "C07TDENG001", "C07TDINC002", "C07TDDES003", "C07TDGEN004"
_WAR_ROOM, _SAM, _LETTER = "C07TDWAR005", "D07TDSAM006", "G07TDLET007"
_TO_MAYA = f"<@{MAYA.slack_id}>"


def channels(days: Days) -> tuple[Channel, ...]:
    """Return the conversations Maya is in; she last read Slack at lunch on the last working day."""
    read_at = days.at("12:45", back=1)
    public, private = "public_channel", "private_channel"
    return (
        Channel(_ENGINEERING, "engineering", public, "What we build and how", read_at, PEOPLE),
        Channel(_INCIDENTS, "incidents", public, "One thread per incident", read_at, PEOPLE),
        Channel(_DESIGN, "design", public, "Screens, words, accessibility", read_at, (AIKO, JONAS, SAM, MAYA)),
        Channel(_GENERAL, "general", public, "Everything else", read_at, PEOPLE),
        Channel(_WAR_ROOM, "billing-war-room", private, "INC-31", read_at, (MAYA, TOMAS, PRIYA, SAM)),
        Channel(_SAM, "", "im", "", read_at, (SAM, MAYA)),
        Channel(_LETTER, "mpdm-sam--maya--aiko-1", "mpim", "Group messaging", read_at, (SAM, MAYA, AIKO)),
    )


def messages(days: Days) -> tuple[Message, ...]:
    """Return all messages of the last days, in no particular order."""
    return (*_engineering(days), *_incidents(days), *_design(days), *_elsewhere(days))


def _engineering(days: Days) -> tuple[Message, ...]:
    decision = _numbered(days.at("16:50", back=1), 104)
    return (
        _say(
            _ENGINEERING,
            NOOR,
            "{harbor-api#421} is up, small one, whoever has ten minutes.",
            at=days.at("14:45", back=1),
            number=101,
        ),
        _say(
            _ENGINEERING,
            MAYA,
            "Merged {ledger#86}. The index makes a second charge row impossible.",
            at=days.at("12:02", back=1),
            number=102,
        ),
        _say(
            _ENGINEERING,
            PRIYA,
            f"{_TO_MAYA} can you review {{infra#57}} before you take the pager? It has waited since last week's "
            "incident and the handover is at 16:00.",
            at=days.at("16:10", back=1),
            number=103,
        ),
        _say(
            _ENGINEERING,
            TOMAS,
            "Decision: ledger migrations are frozen until the backfill {ledger#88} is through. {harbor-api#412} is "
            "merged and ships tonight; {ledger#85} waits.",
            at=decision,
            number=104,
            thread_at=decision,
            reactions=(("white_check_mark", 4),),
        ),
        _say(
            _ENGINEERING,
            SAM,
            "Good. I tell the two harbours.",
            at=days.at("16:56", back=1),
            number=105,
            thread_at=decision,
        ),
        _say(
            _ENGINEERING,
            NOOR,
            "Then I rebase on the new index first.",
            at=days.at("17:04", back=1),
            number=106,
            thread_at=decision,
        ),
        _say(_ENGINEERING, JONAS, "axe complains about {harbor-web#229}, looking.", at=days.at("08:41"), number=107),
    )


def _incidents(days: Days) -> tuple[Message, ...]:
    root = _numbered(days.at("09:12", back=4), 201)
    return (
        _say(
            _INCIDENTS,
            PRIYA,
            "INC-31: some harbours were billed twice tonight. Thread.",
            at=root,
            number=201,
            thread_at=root,
            reactions=(("rotating_light", 3),),
        ),
        _say(
            _INCIDENTS,
            MAYA,
            "Retries build a new charge key. Stopping the retry worker now.",
            at=days.at("09:26", back=4),
            number=202,
            thread_at=root,
        ),
        _say(
            _INCIDENTS,
            PRIYA,
            "4,182 rows are double, filed as {ledger#84}.",
            at=days.at("12:03", back=3),
            number=203,
            thread_at=root,
        ),
        _say(
            _INCIDENTS,
            MAYA,
            "Fix is merged: {harbor-api#412}. Backfill next: {ledger#88}.",
            at=days.at("16:46", back=1),
            number=204,
            thread_at=root,
        ),
        _say(
            _INCIDENTS,
            PRIYA,
            f"{_TO_MAYA} two of the rows are refunds, please take them out of the backfill. List is on {{ledger#84}}.",
            at=days.at("17:12", back=1),
            number=205,
            thread_at=root,
        ),
    )


def _design(days: Days) -> tuple[Message, ...]:
    return (
        _say(
            _DESIGN,
            AIKO,
            f"{_TO_MAYA} can the API tell 'retrying' from 'gave up'? I need to know for the 11:00 review of "
            "{harbor-web#231}.",
            at=days.at("08:35"),
            number=301,
        ),
        _say(
            _DESIGN,
            AIKO,
            "New invoice states are in the file, three badges instead of five.",
            at=days.at("15:40", back=1),
            number=302,
            reactions=(("heart", 2),),
        ),
        _say(
            _DESIGN,
            JONAS,
            "Three is better. Keyboard order follows in {harbor-web#229}.",
            at=days.at("15:47", back=1),
            number=303,
        ),
    )


def _elsewhere(days: Days) -> tuple[Message, ...]:
    return (
        _say(
            _GENERAL,
            SAM,
            "Cake in the kitchen, Noor has been here for six months.",
            at=days.at("15:00", back=1),
            number=401,
            reactions=(("cake", 5), ("tada", 3)),
        ),
        _say(
            _GENERAL,
            TOMAS,
            "Harbor 24 goes out this week. Please keep the release notes short.",
            at=days.at("10:20", back=2),
            number=402,
        ),
        _say(
            _WAR_ROOM,
            SAM,
            f"{_TO_MAYA} legal wants the number of affected harbours before the go/no-go.",
            at=days.at("17:40", back=1),
            number=501,
        ),
        _say(
            _SAM,
            SAM,
            "Do you have two minutes after standup? It is about the customer letter.",
            at=days.at("08:05"),
            number=601,
        ),
        _say(
            _LETTER,
            AIKO,
            "Draft of the customer letter is done. Maya, are the two refunds in the count?",
            at=days.at("18:20", back=1),
            number=701,
        ),
    )


def _numbered(at: datetime, number: int) -> datetime:
    # The number rides in the microseconds of Slack's `ts`, so a permalink of last week can still be found.
    return at.replace(microsecond=number)


def _say(
    channel_id: str,
    author: Person,
    text: str,
    *,
    at: datetime,
    number: int,
    thread_at: datetime | None = None,
    reactions: tuple[tuple[str, int], ...] = (),
) -> Message:
    return Message(
        channel_id=channel_id,
        author=author,
        text=text,
        at=_numbered(at, number),
        thread_at=thread_at,
        reactions=reactions,
    )
