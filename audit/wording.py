"""The user's words for audit events: one plain sentence each, from a closed table.

A sentence quotes names only, a tool's, a path template's, the account's, and an operator's reason. Templates escape
it like any text. Rows hold codes, so that a sentence is in the language of who reads it.
"""

from collections.abc import Callable, Mapping

from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop

from audit import vocabulary
from audit.events import Event, Outcome
from audit.models import AuditEvent

OUTCOME_NAMES: Mapping[Outcome, str] = {
    Outcome.GRANTED: gettext_noop("Granted"),
    Outcome.DENIED: gettext_noop("Denied"),
    Outcome.FAILED: gettext_noop("Failed"),
    Outcome.NOTED: gettext_noop("Noted"),
}

# The vault's causes and the other reason codes that a sentence can explain; any other is shown as a detail only.
_REASONS: dict[str, str] = {
    "abandoned": gettext_noop("it was not confirmed in time"),
    "access_paused": gettext_noop("you paused it"),
    "access_denied": gettext_noop("you did not allow it"),
    "answered_no": gettext_noop("you said no"),
    "ask_first": gettext_noop("you want to be asked first"),
    "away": gettext_noop("you do not let it be read while you are away"),
    "budget_spent": gettext_noop("the run's budget was spent"),
    "cancelled": gettext_noop("you cancelled"),
    "completion": gettext_noop("names were to be completed in a question"),
    "connected_again": gettext_noop("a connection came meanwhile, and this could have ended it"),
    "day_off": gettext_noop("it was not one of your working days"),
    "grant_ended": gettext_noop("its permission to read had ended"),
    "grant_expired": gettext_noop("its permission to read had expired and was not renewed"),
    "holiday": gettext_noop("it was a public holiday"),
    "invalid_state": gettext_noop("the attempt was no longer valid"),
    "excluded": gettext_noop("you left that place out"),
    "missing_scope": gettext_noop("you did not grant the permission this needs"),
    "missed": gettext_noop("it could not be made at the time, and the next due time had come or was near"),
    "never_began": gettext_noop("DevContext was stopped three times before it could begin"),
    "not_granted": gettext_noop("the schedule was not given this to read"),
    "out_of_office": gettext_noop("your calendar said that you were out of office"),
    "nobody_to_ask": gettext_noop("you want to be asked first, and nobody was there to ask"),
    "not_answered": gettext_noop("you did not answer in time"),
    "not_connected": gettext_noop("it is not connected"),
    "owner_gone": gettext_noop("its owner cannot sign in any more"),
    "paused": gettext_noop("you paused the schedule"),
    "policy_denied": gettext_noop("a policy forbids it"),
    "policy_unavailable": gettext_noop("what you allow could not be read"),
    "provider_down": gettext_noop("it did not answer"),
    "rate_limited": gettext_noop("it limits how often it can be read"),
    "reconnect_required": gettext_noop("it must be connected again"),
    "recovery_codes": gettext_noop("the code was wrong"),
    "replaced": gettext_noop("another account took its place"),
    # By its owner or by an operator, for good or for a while: `audit.turned_off` looks which.
    "revoked": gettext_noop("access to it was turned off"),
    "run_ended": gettext_noop("the run ended before you answered"),
    "schedule": gettext_noop("it was due by your schedule"),
    "session_ended": gettext_noop("the session was over"),
    "tool_blocked": gettext_noop("you blocked this tool"),
    "totp": gettext_noop("the code was wrong"),
    "undeclared_request": gettext_noop("it asked for something that its tool does not declare, and nothing was sent"),
    "upstream_unavailable": gettext_noop("it did not answer usably"),
    "vault_unavailable": gettext_noop("the token vault did not answer"),
    "webauthn": gettext_noop("the passkey did not fit"),
    "address_refused": gettext_noop("its address may not be sent to"),
    "briefing_gone": gettext_noop("the briefing was deleted"),
    "channel_gone": gettext_noop("it was switched off meanwhile"),
    "gone": gettext_noop("its receiver said that it is gone"),
    "interrupted": gettext_noop("DevContext was stopped before its end"),
    "no_address": gettext_noop("the account has no e-mail address"),
    "not_opened": gettext_noop("what is stored of it does not open"),
    "redirected": gettext_noop("its receiver pointed elsewhere, and redirects are not followed"),
    "refused": gettext_noop("its receiver refused it"),
    "unknown": gettext_noop("its receiver did not answer in time, and it may have arrived"),
    "unreachable": gettext_noop("its receiver could not be reached"),
    "unsubscribed": gettext_noop("somebody with the link in the mail unsubscribed"),
}

_SENDING_WAS_INTERRUPTED = gettext_noop("DevContext was stopped while it was sent, and it may have arrived")

# How far an answer to the question whether something may be read goes.
_ANSWERS: dict[str, str] = {
    "always": gettext_noop("always"),
    "conversation": gettext_noop("in that conversation"),
    "once": gettext_noop("once"),
}

# How a briefing leaves, in the field that holds an upstream call's method.
_CHANNELS: Mapping[str, str] = {
    "email": gettext_noop("e-mail"),
    "slack_hook": gettext_noop("Slack"),
    "webhook": gettext_noop("webhook"),
}

_BYTES_PER_UNIT = 1000


def reasons() -> Mapping[str, str]:
    """Return what each reason code that a sentence can explain means, in the reader's language."""
    return {code: gettext(text) for code, text in (_REASONS | _ANSWERS).items()}


def sentence_of(row: AuditEvent) -> str:
    """Return what happened as one sentence; an event of a newer version is told by its code."""
    write = _SENTENCES.get(row.event)
    return write(row) if write else f"{row.event}."


def name_of(provider: str) -> str:
    """Return the user's name of `provider`, which may be unknown or empty."""
    return vocabulary.service(provider) or (gettext("An unknown service") if provider else gettext("The service"))


def what_is_read(*, provider: str, tool: str) -> str:
    """Return what `tool` reads, as in `your activity on GitHub`; a tool of another version is told by its name."""
    words = vocabulary.read_by(tool)
    return gettext(words) if words else name_of(provider) + (f" ({tool})" if tool else "")


def surplus_of(row: AuditEvent) -> str:
    """Return what the token of an exchange allowed beyond what was asked for, "" for nothing.

    No provider cuts a scope out of a token.
    """
    if not row.exchange:
        return ""
    more = [scope for scope in row.scope_granted.split() if scope not in row.scope_asked.split()]
    if not more:
        return ""
    return gettext("Asked {asked}, token allows {more} too: {service} cannot narrow it.").format(
        asked=row.scope_asked or gettext("no scope by name"), more=" ".join(more), service=name_of(row.provider)
    )


def size_of(size_bytes: int) -> str:
    """Return a size as a person reads it: `830 B`, `12.4 kB`, `1.2 MB`."""
    if size_bytes < _BYTES_PER_UNIT:
        return gettext("{size} B").format(size=size_bytes)
    if size_bytes < _BYTES_PER_UNIT**2:
        return gettext("{size} kB").format(size=number_format(round(size_bytes / _BYTES_PER_UNIT, 1), 1))
    return gettext("{size} MB").format(size=number_format(round(size_bytes / _BYTES_PER_UNIT**2, 1), 1))


def _because(text: str) -> Callable[[AuditEvent], str]:
    """Make a sentence of `text` with `{service}`, and its reason after a colon where it has one we can tell."""

    def write(row: AuditEvent) -> str:
        return _with_reason(gettext(text).format(service=name_of(row.provider)), reason=_reason_of(row))

    return write


def _reason_of(row: AuditEvent) -> str:
    """Return why, in words; "" for a reason that no sentence can explain."""
    return row.because or (gettext(_REASONS[row.reason]) if row.reason in _REASONS else "")


def _with_reason(what: str, *, reason: str) -> str:
    return gettext("{what}: {reason}.").format(what=what, reason=reason) if reason else f"{what}."


def _exchanged(row: AuditEvent) -> str:
    if not row.tool:
        return gettext("{service} token exchanged.").format(service=name_of(row.provider))
    sentence = (
        gettext("{service} token exchanged to read {what} for your schedule, while you were away.")
        if row.reason == "schedule"
        else gettext("{service} token exchanged to read {what}.")
    )
    return sentence.format(service=name_of(row.provider), what=what_is_read(provider=row.provider, tool=row.tool))


def _checked(row: AuditEvent) -> str:
    return gettext("The AI may read {what}.").format(what=what_is_read(provider=row.provider, tool=row.tool))


def _read(row: AuditEvent) -> str:
    return gettext("Read {what}: {measures}.").format(
        what=row.path or name_of(row.provider), measures=_measures(row) or gettext("done")
    )


def _not_read(row: AuditEvent) -> str:
    told = [text for text in (_measures(row), _reason_of(row)) if text]
    what = gettext("Reading {what} failed").format(what=row.path or name_of(row.provider))
    return _with_reason(what, reason=", ".join(told))


def _measures(row: AuditEvent) -> str:
    """Return `200, 12.4 kB in 180 ms`, or what of it is known."""
    status = [str(row.status)] if row.status is not None else []
    size = [size_of(row.size_bytes)] if row.size_bytes is not None else []
    told = ", ".join(status + size)
    if row.duration_ms is None:
        return told
    return gettext("{measures} in {ms} ms").format(measures=told, ms=row.duration_ms).strip()


def _connected(row: AuditEvent) -> str:
    text = gettext("{service} was connected as {account}.") if row.account else gettext("{service} was connected.")
    return text.format(service=name_of(row.provider), account=row.account)


def _client(text: str) -> Callable[[AuditEvent], str]:
    """Make a sentence of `text` with `{client}`, the id of a program that is registered at the vault."""
    return lambda row: gettext(text).format(client=row.client or gettext("A program"))


def _default_changed(row: AuditEvent) -> str:
    return gettext("You made {account} the {service} account that is read.").format(
        account=row.account or gettext("another account"), service=name_of(row.provider)
    )


def _tool_changed(row: AuditEvent) -> str:
    return gettext("You changed whether the AI may read {what}: {change}.").format(
        what=what_is_read(provider=row.provider, tool=row.tool), change=row.reason
    )


def _grant(text: str) -> Callable[[AuditEvent], str]:
    """Make a sentence of `text` with what the grant held and holds, by names of providers, counts and days."""
    return lambda row: _with_reason(gettext(text), reason=row.reason)


def _asked(text: str) -> Callable[[AuditEvent], str]:
    """Make a sentence of `text` with what `{what}` is read, and how far the answer goes or why there is none."""

    def write(row: AuditEvent) -> str:
        told = gettext(_ANSWERS[row.reason]) if row.reason in _ANSWERS else _reason_of(row)
        what = what_is_read(provider=row.provider, tool=row.tool)
        return _with_reason(gettext(text).format(what=what), reason=told)

    return write


def _exclusions_changed(row: AuditEvent) -> str:
    return gettext("You changed what is left out of every answer: {change}.").format(
        change=row.reason.replace("_", " ")
    )


def _by_channel(text: str) -> Callable[[AuditEvent], str]:
    """Make a sentence of `text` with `{channel}`, by which a briefing leaves, and its reason where it has one."""

    def write(row: AuditEvent) -> str:
        channel = gettext(_CHANNELS[row.method]) if row.method in _CHANNELS else row.method
        reason = gettext(_SENDING_WAS_INTERRUPTED) if row.reason == "interrupted" else _reason_of(row)
        return _with_reason(gettext(text).format(channel=channel), reason=reason)

    return write


def _limited(row: AuditEvent) -> str:
    text = (
        gettext("{client} failed to authenticate too often and was refused.")
        if row.reason == "invalid_client"
        else gettext("{client} asked for tokens too often and was refused.")
    )
    return text.format(client=row.client or gettext("A program"))


def _issued(row: AuditEvent) -> str:
    text = (
        gettext("An operator let {client} exchange tokens in your name for a few minutes, because “{reason}”.")
        if row.reason
        else gettext("An operator let {client} exchange tokens in your name for a few minutes.")
    )
    return text.format(client=row.client or gettext("a program"), reason=row.reason)


def _exported(row: AuditEvent) -> str:
    match row.reason:
        case "operator":
            return gettext("An operator saved your audit events as a file.")
        case "operator_all":
            return gettext("An operator saved everybody's audit events as a file.")
    return gettext("You saved audit events as a file.")


def _tool_refused(row: AuditEvent) -> str:
    unfit = gettext("it is not one of the agent's tools or its arguments do not fit")
    return _with_reason(gettext("A tool call of the model was refused"), reason=_reason_of(row) or unfit)


_SENTENCES: Mapping[str, Callable[[AuditEvent], str]] = {
    Event.ACCOUNT_FACTOR_DENIED: _because(gettext_noop("Somebody failed to show that they are you")),
    Event.ACCOUNT_SESSION_DENIED: _because(gettext_noop("Somebody gave a wrong password for your account")),
    Event.ACCOUNT_SESSION_ENDED: _because(gettext_noop("You signed out")),
    Event.ACCOUNT_SESSION_STARTED: _because(gettext_noop("You signed in")),
    Event.ACCOUNT_TOKEN_ISSUED: _issued,
    Event.ACCOUNT_USER_DELETED: _because(gettext_noop("The account was deleted")),
    Event.AGENT_ANSWER_EXPORTED: _because(gettext_noop("You saved an answer as a file")),
    Event.AGENT_CALL_FAILED: _not_read,
    Event.AGENT_CALL_SUCCEEDED: _read,
    Event.AGENT_CHANNEL_ADDED: _by_channel(gettext_noop("You let the briefings of a schedule be sent by {channel}")),
    Event.AGENT_CHANNEL_REMOVED: _by_channel(gettext_noop("Briefings of a schedule are no longer sent by {channel}")),
    Event.AGENT_CHANNEL_TESTED: _by_channel(gettext_noop("You sent a test by {channel}")),
    Event.AGENT_CHAT_EXPORTED: _because(gettext_noop("You saved a chat as a file")),
    Event.AGENT_DELIVERY_FAILED: _by_channel(gettext_noop("A briefing could not be sent by {channel}")),
    Event.AGENT_DELIVERY_STARTED: _by_channel(gettext_noop("Sending a briefing by {channel} began")),
    Event.AGENT_DELIVERY_SUCCEEDED: _by_channel(gettext_noop("A briefing was sent by {channel}")),
    Event.AGENT_LOOK_STARTED: _because(gettext_noop("A look into {service} began")),
    Event.AGENT_RUN_FAILED: _because(gettext_noop("A run failed")),
    Event.AGENT_RUN_FINISHED: _because(gettext_noop("A run finished")),
    Event.AGENT_RUN_STARTED: _because(gettext_noop("A run started")),
    Event.AGENT_RUN_STOPPED: _because(gettext_noop("A run was stopped")),
    Event.AGENT_SCHEDULE_SKIPPED: _because(gettext_noop("A scheduled briefing was skipped")),
    Event.AGENT_TOOL_REFUSED: _tool_refused,
    Event.AUDIT_AUDITOR_APPOINTED: _because(gettext_noop("An operator made you an auditor")),
    Event.AUDIT_AUDITOR_DISMISSED: _because(gettext_noop("An operator removed you as an auditor")),
    Event.AUDIT_EVENTS_EXPORTED: _exported,
    Event.AUDIT_EVENTS_VIEWED: _because(gettext_noop("You looked at everybody's audit events as an auditor")),
    Event.AUDIT_KEY_ROTATED: _because(gettext_noop("The log of these events is signed with a new key")),
    Event.AUDIT_PERSONAL_ROTATED: _because(
        gettext_noop("The keys of what is personal in these events were sealed anew")
    ),
    Event.AUDIT_RETENTION_FAILED: _because(gettext_noop("Not all expired audit events could be removed")),
    Event.AUDIT_RETENTION_STARTED: _because(gettext_noop("Removal of expired audit events began")),
    Event.AUDIT_RETENTION_SUCCEEDED: _because(gettext_noop("Expired audit events were removed")),
    Event.AUDIT_SUBJECT_ERASED: _because(gettext_noop("What was personal in these events was erased")),
    Event.PERMISSION_ACCESS_PAUSED: _because(gettext_noop("You paused the AI's access to {service}")),
    Event.PERMISSION_ACCESS_RESTORED: _because(gettext_noop("You restored the AI's access to {service}")),
    Event.PERMISSION_ACCESS_REVOKED: _because(gettext_noop("You revoked the AI's access to {service}")),
    Event.PERMISSION_ACCESS_WITHDRAWN: _because(gettext_noop("An operator turned the AI's access to {service} off")),
    Event.PERMISSION_ACCESS_RESUMED: _because(gettext_noop("You ended the pause of the AI's access to {service}")),
    Event.PERMISSION_ALLOWANCE_ENDED: _asked(gettext_noop("You no longer let the AI read {what} in one conversation")),
    Event.PERMISSION_AWAY_DISABLED: _because(gettext_noop("You forbade reading {service} while you are away")),
    Event.PERMISSION_AWAY_ENABLED: _because(gettext_noop("You allowed reading {service} while you are away")),
    Event.PERMISSION_CHECK_ALLOWED: _checked,
    Event.PERMISSION_CHECK_DENIED: _because(gettext_noop("{service} was not read")),
    Event.PERMISSION_CHECK_FAILED: _because(
        gettext_noop("{service} was not read, since its permission could not be checked")
    ),
    Event.PERMISSION_DEFAULT_CHANGED: _default_changed,
    Event.PERMISSION_EXCLUSIONS_CHANGED: _exclusions_changed,
    Event.PERMISSION_GRANT_CREATED: _grant(gettext_noop("You granted reading while you are away")),
    Event.PERMISSION_GRANT_ENDED: _because(gettext_noop("You ended a grant to read while you are away")),
    Event.PERMISSION_GRANT_NARROWED: _grant(gettext_noop("You narrowed a grant to read while you are away")),
    Event.PERMISSION_GRANT_RENEWED: _grant(gettext_noop("You renewed or widened a grant to read while you are away")),
    Event.PERMISSION_QUESTION_ALLOWED: _asked(gettext_noop("You let the AI read {what}")),
    Event.PERMISSION_QUESTION_ASKED: _asked(gettext_noop("You were asked whether the AI may read {what}")),
    Event.PERMISSION_QUESTION_DENIED: _asked(gettext_noop("The AI was not allowed to read {what}")),
    Event.PERMISSION_TOOL_CHANGED: _tool_changed,
    Event.VAULT_CLIENT_CREATED: _client(gettext_noop("{client} was registered at the vault.")),
    Event.VAULT_CLIENT_DISABLED: _client(gettext_noop("{client} was shut out of the vault.")),
    Event.VAULT_CLIENT_ENABLED: _client(gettext_noop("{client} was let into the vault again.")),
    Event.VAULT_CLIENT_LIMITED: _limited,
    Event.VAULT_CLIENT_ROTATED: _client(gettext_noop("{client} got a new secret.")),
    Event.VAULT_CONNECTION_CONNECTED: _connected,
    Event.VAULT_CONNECTION_DENIED: _because(gettext_noop("{service} was not connected")),
    Event.VAULT_CONNECTION_DISCONNECTED: _because(gettext_noop("{service} was disconnected and its tokens erased")),
    Event.VAULT_CONNECTION_FAILED: _because(gettext_noop("{service} could not be connected")),
    Event.VAULT_CONNECTION_REDUCED: _because(
        gettext_noop("The tokens of {service} were erased, to connect it again with less")
    ),
    Event.VAULT_CONNECTION_STARTED: _because(gettext_noop("Connecting {service} began")),
    Event.VAULT_EXCHANGE_DENIED: _because(gettext_noop("No {service} token was given")),
    Event.VAULT_EXCHANGE_FAILED: _because(gettext_noop("No {service} token could be given")),
    Event.VAULT_EXCHANGE_GRANTED: _exchanged,
    Event.VAULT_REFRESH_FAILED: _because(gettext_noop("The {service} token could not be renewed")),
    Event.VAULT_REFRESH_SUCCEEDED: _because(gettext_noop("The {service} token was renewed")),
    Event.VAULT_REVOCATION_FAILED: _because(gettext_noop("{service} could not be told to revoke its tokens yet")),
    Event.VAULT_REVOCATION_SUCCEEDED: _because(gettext_noop("{service} revoked its tokens")),
    Event.VAULT_ROTATION_FAILED: _because(gettext_noop("Not every sealed token could be moved to the new key")),
    Event.VAULT_ROTATION_STARTED: _because(gettext_noop("Moving the sealed tokens to a new key began")),
    Event.VAULT_ROTATION_SUCCEEDED: _because(gettext_noop("The sealed tokens were moved to a new key")),
    Event.VAULT_SESSION_ENDED: _because(gettext_noop("The token vault no longer honours one of your sessions")),
    Event.VAULT_SUBJECT_ENDED: _because(gettext_noop("The token vault honours none of your earlier sessions any more")),
    Event.VAULT_TOKEN_REVOKED: _because(gettext_noop("A token that asks the vault for you was revoked before its end")),
}
