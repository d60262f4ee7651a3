"""What a search of the timeline asks for. Pure: nothing is read here.

A search is words and qualifiers, `service:slack outcome:denied after:2026-11-01`, all of which have to hold. What is
not understood filters nothing and is told, with what is known instead; it stays in the field.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils.translation import gettext, gettext_lazy

from audit.events import Event, Outcome

# Long enough for every qualifier at once and some words; what is pasted beyond that is not looked for.
MAX_CHARACTERS = 400
# Each word asks for some hundred values, and SQLite before 3.32 takes no more than 999 in a statement.
MAX_WORDS = 4
# What stands for an actor; any other value is the id of a program that asks the vault, or of a schedule's agent.
ACTORS = ("you", "agent", "schedule", "operator")
DATES = ("after", "before")

# A qualifier or a word, in quotation marks where it has spaces; the history is searched in the same language.
PARTS = re.compile(r'(?:(?P<name>[a-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<word>\S+))')
# What the tokens of providers begin with.
_TOKEN = re.compile(r"(?:gh[a-z]_|github_pat_|xox[a-z]-|xapp-|xoxe|ya29\.|1//0)[\w.-]{8,}", re.ASCII)
_CODE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_FORMS: Mapping[str, re.Pattern[str]] = {
    "actor": re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII),
    "reason": _CODE,
    "run": re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII),
    # A keyed fingerprint as the vault makes it.
    "token": re.compile(r"[0-9a-f]{32}", re.ASCII),
    "tool": _CODE,
    "user": re.compile(r"[0-9]{1,18}", re.ASCII),
}
_EXPECTED = {
    "actor": gettext_lazy("it takes you, agent, schedule, operator, or the id of a program or of a schedule's agent"),
    "after": gettext_lazy("it takes a day, written as 2026-11-01"),
    "before": gettext_lazy("it takes a day, written as 2026-11-01"),
    "reason": gettext_lazy("it takes a code such as revoked"),
    "run": gettext_lazy("it takes the id of a run"),
    "tool": gettext_lazy("it takes the name of a tool"),
    "user": gettext_lazy("it takes the number of a user"),
}
# Our words for qualifiers, in the order in which they are offered. `user:` is an auditor's.
QUALIFIERS = ("service", "outcome", "actor", "event", "tool", "reason", "run", "token", *DATES)
AUDITOR_QUALIFIERS = ("user", *QUALIFIERS)
# A longer list is no help to a person.
_MAX_NAMED = 12


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a search, a word without `name`; `text` is as it is written in the field."""

    name: str
    value: str

    @property
    def text(self) -> str:
        """The part as it is typed."""
        is_plain = re.fullmatch(r"\S+", self.value) and (self.name or not re.match(r"[a-z]+:", self.value))
        value = self.value if is_plain else f'"{self.value}"'
        return f"{self.name}:{value}" if self.name else value


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked for: `parts` filter, `rest` is what was not understood, and `mistakes` say so in our sentences."""

    parts: tuple[Part, ...] = ()
    rest: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        """Return the value of a qualifier, "" where it filters nothing."""
        return next((part.value for part in self.parts if part.name == name), "")

    @property
    def words(self) -> tuple[str, ...]:
        """The free words."""
        return tuple(part.value for part in self.parts if not part.name)

    @property
    def events(self) -> tuple[str, ...]:
        """The events that `event:` stands for, none where it filters nothing."""
        return tuple(list_events(self.value("event")))

    def day(self, name: str) -> datetime | None:
        """Return the beginning of the day of `after` or `before`, UTC."""
        found = read_day(self.value(name))
        return datetime.combine(found, time.min, tzinfo=UTC) if found else None

    @property
    def text(self) -> str:
        """The search as it stands in the field."""
        return " ".join([*(part.text for part in self.parts), *self.rest])

    def without(self, dropped: Part) -> str:
        """Return the text without one part."""
        return " ".join([*(part.text for part in self.parts if part != dropped), *self.rest])

    def replacing(self, name: str, *, value: str) -> str:
        """Return the text with one value for a qualifier; "" takes it out."""
        kept = [part.text for part in self.parts if part.name != name]
        return " ".join([*([Part(name, value).text] if value else []), *kept, *self.rest])


def parse(text: str, *, services: Iterable[str], is_auditor: bool = False) -> Search:
    """Return the search in `text`. A qualifier that is given twice counts as it is given last; nothing raises."""
    names = AUDITOR_QUALIFIERS if is_auditor else QUALIFIERS
    reading = _Reading(names, {"service": tuple(services), "outcome": tuple(Outcome)})
    cut = text[:MAX_CHARACTERS]
    for found in PARTS.finditer("".join(one if one.isprintable() else " " for one in cut)):
        value = found["quoted"] if found["quoted"] is not None else found["word"]
        reading.take(found["name"] or "", value=value, text=found[0])
    if len(text) > MAX_CHARACTERS:
        reading.mistakes.append(
            gettext("Only the first {number} characters were looked at.").format(number=MAX_CHARACTERS)
        )
    return Search(tuple(reading.parts), tuple(reading.rest), tuple(reading.mistakes))


def looks_like_token(text: str) -> bool:
    """Tell whether there is something in `text` that begins as a provider's token does."""
    return _TOKEN.search(text) is not None


class _Reading:
    """The parts of one search as they are read."""

    def __init__(self, names: tuple[str, ...], known: Mapping[str, tuple[str, ...]]) -> None:
        self.parts: list[Part] = []
        self.rest: list[str] = []
        self.mistakes: list[str] = []
        self._names = names
        self._known = known

    def take(self, name: str, *, value: str, text: str) -> None:
        if looks_like_token(value) or (name == "token" and not _FORMS["token"].fullmatch(value)):
            # SECURITY: what may be a token is not repeated: not on the page and in no address on it.
            self._complain(
                gettext("A token is never searched for: “token:” takes its fingerprint, 32 hexadecimal digits.")
            )
        elif not name:
            self._take_word(value)
        elif name not in self._names:
            sentence = gettext("There is no “{name}:” to search by; there is {known}.")
            self._miss(text, sentence.format(name=name, known=_listed(f"{one}:" for one in self._names)))
        elif reason := self._refusal(name, value):
            self._miss(text, gettext("“{what}” filters nothing: {reason}.").format(what=text, reason=reason))
        else:
            self._put(Part(name, value))

    def _take_word(self, value: str) -> None:
        word = Part("", value)
        if not value.strip() or word in self.parts:
            return
        if sum(not part.name for part in self.parts) >= MAX_WORDS:
            self._miss(word.text, gettext("Only the first {number} words are looked for.").format(number=MAX_WORDS))
        else:
            self.parts.append(word)

    def _put(self, part: Part) -> None:
        earlier = [one for one in self.parts if one.name == part.name and one != part]
        if earlier:
            sentence = gettext("“{name}:” was given more than once; {value} is looked for.")
            self.mistakes.append(sentence.format(name=part.name, value=part.value))
        self.parts = [*(one for one in self.parts if one.name != part.name), part]

    def _miss(self, text: str, sentence: str) -> None:
        self.rest.append(text)
        self._complain(sentence)

    def _complain(self, sentence: str) -> None:
        if sentence not in self.mistakes:
            self.mistakes.append(sentence)

    def _refusal(self, name: str, value: str) -> str:
        """Return why a value makes no sense, "" where it does."""
        if name in self._known:
            return "" if value in self._known[name] else _there_is(self._known[name])
        if name == "event":
            return "" if list_events(value) else _there_is(dict.fromkeys(event.rpartition(":")[0] for event in Event))
        fits: Callable[[str], object] = read_day if name in DATES else _FORMS[name].fullmatch
        return "" if fits(value) else str(_EXPECTED[name])


def list_events(value: str) -> list[str]:
    """Return the events that `value` names: one by its name, or several by how they begin or how they end.

    `vault:exchange` and `vault` are beginnings, `denied` is an end.
    """
    return [
        event.value
        for event in Event
        if value and (event == value or event.startswith(f"{value}:") or event.endswith(f":{value}"))
    ]


def _there_is(known: Iterable[str]) -> str:
    return gettext("there is {known}").format(known=_listed(known))


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_MAX_NAMED]) + (" …" if len(listed) > _MAX_NAMED else "")


def read_day(text: str) -> date | None:
    """Return the day that is written in ISO 8601; None for what is none, and at the ends of the calendar."""
    try:
        day = date.fromisoformat(text)
        # The first and last days there are have no midnight in some zone, and no day before or after them.
        return day if timedelta(days=2) < day - date.min < date.max - date.min - timedelta(days=2) else None
    except ValueError:
        return None
