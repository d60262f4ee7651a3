"""What happens in a run, as frozen values: the loop yields them, the runner numbers and stores them, pages show them.

Their fields are the payload of the run socket protocol, version 1. None holds a token or a raw provider answer.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

PermissionState = Literal[
    "allowed",
    "revoked",
    "access_paused",
    "not_connected",
    "reconnect_required",
    "policy_denied",
    "declined",
    "not_answered",
    "failed",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """An item a tool returned that an answer may cite. `id` is stable: the same item has the same id in every run."""

    id: str
    provider: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Base of all events; `type` is the name on the wire."""

    type: ClassVar[str] = ""

    def payload(self) -> dict[str, Any]:
        """Return the event's fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunStarted(RunEvent):
    """First event: the question, and whether the model is the local stand-in.

    `recipe` is the recipe that is followed, `since` the ISO 8601 instant where its window was asked to begin,
    `replaces` the run whose place this one takes and `copy_of` the run whose copy it is, as the audit knows it; "" for
    none.
    """

    type: ClassVar[str] = "run.started"
    question: str
    model: str
    is_simulated: bool
    recipe: str = ""
    since: str = ""
    replaces: str = ""
    copy_of: str = ""


@dataclass(frozen=True, slots=True)
class RunWindow(RunEvent):
    """What a briefing is about: ISO 8601 instants in the user's `time_zone`, and the same in words as `text`."""

    type: ClassVar[str] = "run.window"
    start: str
    end: str
    time_zone: str
    text: str


@dataclass(frozen=True, slots=True)
class StepStarted(RunEvent):
    """A tool call begins. `label` is what a person reads ("Fetching pull requests…"), in English; `id` is its id."""

    type: ClassVar[str] = "step.started"
    id: str
    tool: str
    provider: str
    label: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepPermission(RunEvent):
    """The gate answered for this tool call."""

    type: ClassVar[str] = "step.permission"
    id: str
    state: PermissionState


@dataclass(frozen=True, slots=True)
class StepAsked(RunEvent):
    """The tool call waits for its person: may it read? What it is asked with stands in its `StepStarted`.

    `question` is what an answer names; `reads` says what, in words, and `scopes` with which token. The answer is No
    from `ends_ms` on, in milliseconds since the epoch. It comes again, with a later end, when more time was asked for;
    `is_extendable` tells whether there is any.
    """

    type: ClassVar[str] = "step.permission"
    id: str
    question: str
    reads: str
    scopes: str
    ends_ms: int
    is_extendable: bool = False
    state: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True)
class StepAnswered(RunEvent):
    """The question of this tool call is closed: `once`, `conversation`, `always`, `no`, or `unanswered`.

    What the gate made of it comes next.
    """

    type: ClassVar[str] = "step.permission"
    id: str
    answer: str
    state: Literal["answered"] = "answered"


@dataclass(frozen=True, slots=True)
class StepExchanged(RunEvent):
    """The vault granted a token for this tool call. `exchange` joins it to its audit event.

    `receipt` shows later that the event is in the signed log (`audit.receipt`); older runs have none.
    """

    type: ClassVar[str] = "step.exchanged"
    id: str
    ms: int
    scopes: str
    exchange: str
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class StepProgress(RunEvent):
    """The tool read `done` of `total` parts."""

    type: ClassVar[str] = "step.progress"
    id: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StepFinished(RunEvent):
    """The tool call worked: `ms` from its start, `items` returned, `bytes` received from the provider.

    `read_ms` is the part of `ms` after the exchange, in which the provider was asked. `evidence` are the ids of what an
    answer may cite of it, and `titles` are of its first items: enough to see what kind of thing was read.
    """

    type: ClassVar[str] = "step.finished"
    id: str
    ms: int
    items: int
    bytes: int
    read_ms: int = 0
    evidence: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    is_truncated: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepFailed(RunEvent):
    """The tool call did not work; `message` is one sentence, `code` a `ToolErrorCode`."""

    type: ClassVar[str] = "step.failed"
    id: str
    ms: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class BlockTail(RunEvent):
    """The unfinished last block of the answer, rendered and sanitized; replaces the tail before it."""

    type: ClassVar[str] = "block.tail"
    block: int
    html: str


@dataclass(frozen=True, slots=True)
class BlockFinal(RunEvent):
    """A finished block of the answer, rendered and sanitized, with the evidence it cites.

    `ungrounded` is how many of its statements name no evidence; the page marks them.
    """

    type: ClassVar[str] = "block.final"
    block: int
    html: str
    evidence: tuple[Evidence, ...]
    ungrounded: int = 0


@dataclass(frozen=True, slots=True)
class AnswerRestarted(RunEvent):
    """What was shown of the answer is void: it broke off and is asked for again, or the facts are told without a model.

    `code` and `message` are those of the `ModelError`; blocks count from 0 again.
    """

    type: ClassVar[str] = "answer.restarted"
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class UsageReported(RunEvent):
    """Tokens of the model used by the run so far; `input_tokens` include those of the prompt cache."""

    type: ClassVar[str] = "usage"
    input_tokens: int
    output_tokens: int
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was read of one service: `read`, `nothing_asked`, or the code of why not.

    `is_partial` tells that something is missing: cut, warned of, or refused in part.
    """

    provider: str
    state: str
    items: int
    exchanges: int
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class GroundingCounts:
    """How an answer is backed: items cited, citations that named nothing that was read, statements without any.

    `earlier` of the items cited were read for an earlier question of the conversation, and not for this one.
    """

    cited: int = 0
    unknown: int = 0
    ungrounded: int = 0
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Ignored:
    """What a run did not follow: `calls` that are not allowed, and the providers in whose texts somebody `hid` words.

    Calls are those of tools that do not exist, or with arguments that do not fit. Citations of nothing that was read
    are in `GroundingCounts`.
    """

    calls: int = 0
    hid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFinished(RunEvent):
    """Last event of a run that answered.

    `cost_micro_usd` is what the model's tokens cost, in millionths of a US dollar; None where no price is known.
    An answer that was `written_by` the template carries the `code` of the `ModelError` that kept the model from it, or
    none where no model was asked.
    """

    type: ClassVar[str] = "run.finished"
    elapsed_ms: int
    coverage: tuple[Coverage, ...]
    grounding: GroundingCounts
    cost_micro_usd: int | None = None
    written_by: Literal["model", "template"] = "model"
    code: str = ""
    ignored: Ignored = Ignored()


@dataclass(frozen=True, slots=True)
class RunStopped(RunEvent):
    """Last event of a run that its user stopped."""

    type: ClassVar[str] = "run.stopped"
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class RunFailed(RunEvent):
    """Last event of a run that could not answer; `message` is one sentence for the user."""

    type: ClassVar[str] = "run.failed"
    elapsed_ms: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer's Markdown, for the runner only: it reaches a page as `BlockTail` and `BlockFinal`."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnAdded:
    """A message that now belongs to the conversation, exactly as sent to the Messages API, for the runner to keep."""

    role: Literal["user", "assistant"]
    content: str | list[dict[str, Any]]


LoopEvent = (
    AnswerRestarted
    | StepStarted
    | StepPermission
    | StepAsked
    | StepAnswered
    | StepExchanged
    | StepProgress
    | StepFinished
    | StepFailed
    | TextDelta
    | TurnAdded
    | UsageReported
)
