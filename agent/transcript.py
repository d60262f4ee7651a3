"""One run as its stored events tell it, from question to receipt, for pages and files that need no script.

The chat page folds the same events in the browser (`static/agent/turn.js`), with the same words; its receipt also
counts tokens. Pure: frames in, values out.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext

from agent.events import Coverage, GroundingCounts, Ignored
from agent.ignored import ignored_words
from agent.markdown import sanitize
from permissions.services import SERVICES

_UNREAD = {
    "declined": gettext_noop("not read, you said no"),
    "not_answered": gettext_noop("not read, nobody answered whether it may be"),
    "nothing_asked": gettext_noop("not asked"),
    "revoked": gettext_noop("revoked, not read"),
    "access_paused": gettext_noop("paused, not read"),
    "not_connected": gettext_noop("not connected, not read"),
    "reconnect_required": gettext_noop("needs reconnecting, not read"),
    "away": gettext_noop("not allowed while you are away, not read"),
    "not_granted": gettext_noop("not granted to its schedule, not read"),
}
_NOT_READ = gettext_noop("could not be read")
_PERMISSIONS = {
    "allowed": gettext_noop("allowed"),
    "asked": gettext_noop("waiting for your answer"),
    "revoked": gettext_noop("refused: revoked"),
    "access_paused": gettext_noop("refused: paused by you"),
    "not_connected": gettext_noop("refused: not connected"),
    "reconnect_required": gettext_noop("refused: needs reconnecting"),
    "policy_denied": gettext_noop("refused by a policy"),
    "declined": gettext_noop("refused: you said no"),
    "not_answered": gettext_noop("refused: nobody answered"),
    "failed": gettext_noop("could not be checked, so refused"),
}
_REFUSED = gettext_noop("refused")
_ANSWERS = {
    "once": gettext_noop("you said: once"),
    "conversation": gettext_noop("you said: in this conversation"),
    "always": gettext_noop("you said: always"),
}
# The way out of a refusal, by its code, as `static/agent/lanes.js` has it: where it is, and what it is called.
_REMEDIES = {
    "revoked": ("permission", gettext_noop("Allow again")),
    "access_paused": ("permission", gettext_noop("Allow again")),
    "not_connected": ("connect", gettext_noop("Connect")),
    "reconnect_required": ("connect", gettext_noop("Reconnect")),
    "missing_scope": ("connect", gettext_noop("Reconnect")),
    "policy_denied": ("permission", gettext_noop("Permissions")),
    "away": ("permission", gettext_noop("Permissions")),
}
_NO_TEXT = gettext_noop("The text of this answer is not there any more.")


@dataclass(slots=True)
class CallTold:
    """One tool call. `outcome` is `read`, `running` or a failure's code; times are in milliseconds.

    `question` is the id of the question that it waits for, "" once that is closed, and `answer` what was said to it;
    `reads`, `asked_scopes`, `ends_at` and `is_extendable` are the question's. `standing` says what became of the
    exchange's event, where a page looks that up (`agent.receipts`).
    """

    tool: str
    provider: str
    label: str
    arguments: Mapping[str, Any]
    permission: str = ""
    answer: str = ""
    question: str = ""
    reads: str = ""
    asked_scopes: str = ""
    ends_at: datetime | None = None
    is_extendable: bool = False
    exchange: str = ""
    receipt: str = ""
    standing: str = ""
    exchange_ms: int = 0
    scopes: str = ""
    outcome: str = "running"
    ms: int = 0
    read_ms: int = 0
    items: int = 0
    bytes: int = 0
    titles: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    message: str = ""

    def take_permission(self, event: Mapping[str, Any]) -> None:
        """Take what the gate said, what it asks, or what was answered."""
        self.permission = event["state"]
        self.question = event.get("question", "")
        self.answer = event.get("answer", self.answer)
        if self.question:
            self.reads, self.asked_scopes = gettext(event["reads"]), event["scopes"]
            self.is_extendable = event.get("is_extendable", False)
            self.ends_at = datetime.fromtimestamp(event["ends_ms"] / 1000, tz=UTC)

    @property
    def permission_words(self) -> str:
        """What the gate said, in words, "" where the tool reads no service."""
        return gettext(_PERMISSIONS.get(self.permission, _REFUSED)) if self.permission else ""

    @property
    def answer_words(self) -> str:
        """What its user answered, where that says more than the gate's answer."""
        return gettext(_ANSWERS[self.answer]) if self.answer in _ANSWERS else ""

    @property
    def remedy(self) -> tuple[str, str]:
        """Where the way out of its refusal is, `connect` or `permission`, and the word for it; "" twice for none."""
        where, word = _REMEDIES.get(self.outcome, ("", "")) if self.provider in SERVICES else ("", "")
        return where, gettext(word) if word else ""

    @property
    def service(self) -> str:
        """The user's name of the service; ours for a tool that reads none."""
        service = SERVICES.get(self.provider)
        return service.name if service else "DevContext"


@dataclass(slots=True)
class Transcript:
    """A run. `state` is `running`, `finished`, `stopped` or `failed`, and `message` why it has no answer.

    `code` is that of the `ModelError` that kept the model from the answer, if one did.
    """

    question: str = ""
    is_simulated: bool = False
    recipe: str = ""
    replaces: str = ""
    copy_of: str = ""
    window: str = ""
    state: str = "running"
    message: str = ""
    code: str = ""
    elapsed_ms: int = 0
    written_by: str = "model"
    cost_micro_usd: int | None = None
    calls: dict[str, CallTold] = field(default_factory=dict)
    coverage: tuple[Coverage, ...] = ()
    grounding: GroundingCounts = field(default_factory=GroundingCounts)
    ignored: str = ""
    _blocks: dict[int, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[SafeString]:
        """The answer as shown, sanitized once more: what was stored is not trusted for having been ours."""
        return [sanitize(html) for _, html in sorted(self._blocks.items())]

    @property
    def covered(self) -> list[tuple[str, str, str]]:
        """`(provider, service, what became of it)` for each service."""
        return [(one.provider, SERVICES[one.provider].name, coverage_words(one)) for one in self.coverage]

    @property
    def backing(self) -> str:
        """How the answer's statements are backed, in one line, "" where each names what this run has read."""
        earlier = ngettext(
            "{number} item cited as read for an earlier question",
            "{number} items cited as read for an earlier question",
            self.grounding.earlier,
        )
        ungrounded = ngettext(
            "{number} statement without a source", "{number} statements without a source", self.grounding.ungrounded
        )
        parts = ((earlier, self.grounding.earlier), (ungrounded, self.grounding.ungrounded))
        return " · ".join(words.format(number=number) for words, number in parts if number)

    @property
    def receipt(self) -> str:
        """What was read, with how many exchanges, in which time and at which cost, in one sentence."""
        items, exchanges = sum(one.items for one in self.coverage), sum(one.exchanges for one in self.coverage)
        text = ngettext(
            "Read {items} with {number} exchange in {seconds} s",
            "Read {items} with {number} exchanges in {seconds} s",
            exchanges,
        )
        seconds = number_format(self.elapsed_ms / 1000, decimal_pos=1)
        read = text.format(items=_items(items), number=exchanges, seconds=seconds)
        if self.written_by == "template":
            read = gettext("{read} without a model").format(read=read)
        if self.cost_micro_usd is not None:
            read = gettext("{read} for {cost}").format(read=read, cost=dollars(self.cost_micro_usd))
        return f"{read}."

    def add(self, event: Mapping[str, Any]) -> None:
        """Take the next event; one of a kind that is not told here changes nothing."""
        kind = str(event["type"])
        if kind.startswith("step."):
            self._step(kind, event)
        elif kind == "block.final":
            self._blocks[event["block"]] = event["html"]
        elif kind == "run.window":
            self.window = event["text"]
        elif kind == "answer.restarted":
            self._blocks.clear()
        elif kind == "run.started":
            self.question, self.is_simulated = event["question"], event["is_simulated"]
            self.recipe = event.get("recipe", "")
            self.replaces, self.copy_of = event.get("replaces", ""), event.get("copy_of", "")
        elif kind in ("run.finished", "run.stopped", "run.failed"):
            self._end(kind, event)

    def _end(self, kind: str, event: Mapping[str, Any]) -> None:
        self.state, self.elapsed_ms = kind.removeprefix("run."), event["elapsed_ms"]
        self.message, self.code = event.get("message", ""), event.get("code", "")
        self.written_by, self.cost_micro_usd = event.get("written_by", "model"), event.get("cost_micro_usd")
        self.coverage = tuple(Coverage(**one) for one in event.get("coverage", ()) if one["provider"] in SERVICES)
        self.grounding = GroundingCounts(**event.get("grounding", {}))
        self.ignored = ignored_words(Ignored(**event.get("ignored", {})), unknown=self.grounding.unknown)
        if self.state == "finished" and not self._blocks:
            self.message = gettext(_NO_TEXT)

    def _step(self, kind: str, event: Mapping[str, Any]) -> None:
        if kind == "step.started":
            label = gettext(event["label"]).rstrip("….")
            self.calls[event["id"]] = CallTold(event["tool"], event["provider"], label, event["args"])
            return
        call = self.calls.get(event["id"])
        if call is None:
            return
        if kind == "step.permission":
            call.take_permission(event)
        elif kind == "step.exchanged":
            call.exchange, call.exchange_ms, call.scopes = event["exchange"], event["ms"], event["scopes"]
            call.receipt = event.get("receipt", "")
        elif kind == "step.finished":
            call.outcome, call.ms, call.items, call.bytes = "read", event["ms"], event["items"], event["bytes"]
            call.read_ms, call.titles = event.get("read_ms", 0), tuple(event.get("titles", ()))
            call.warnings = tuple(event.get("warnings", ()))
        elif kind == "step.failed":
            call.outcome, call.ms, call.message = event["code"], event["ms"], event["message"]


def tell(frames: Iterable[str]) -> Transcript:
    """Return the run whose stored frames these are, oldest first."""
    transcript = Transcript()
    for frame in frames:
        transcript.add(json.loads(frame))
    return transcript


def coverage_words(one: Coverage) -> str:
    """Return what became of a service in a run, in words."""
    if one.state != "read":
        return gettext(_UNREAD.get(one.state, _NOT_READ))
    if not one.is_partial:
        return _items(one.items)
    return ngettext("{number} item, read in part", "{number} items, read in part", one.items).format(number=one.items)


def dollars(micro_usd: int) -> str:
    """Return what a run cost, with two digits that count: `$1.23`, `$0.012`, `$0.0004`; the words of the chat page."""
    usd = micro_usd / 1_000_000
    if usd >= 1 or not usd:
        return f"${number_format(round(usd, 2), 2)}"
    digits = f"{float(f'{usd:.2g}'):.6f}".rstrip("0").partition(".")[2]
    return f"${number_format(Decimal(f'0.{digits}'), len(digits))}"


def _items(number: int) -> str:
    return ngettext("{number} item", "{number} items", number).format(number=number)
