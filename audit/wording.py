"""The user's words for audit events: one plain sentence each, from a closed table.

A sentence quotes names only, a tool's, a path template's, the account's, and an operator's reason. Templates escape
it like any text.
"""

from collections.abc import Callable, Mapping

from audit import vocabulary
from audit.events import Event, Outcome
from audit.models import AuditEvent

OUTCOME_NAMES: Mapping[Outcome, str] = {
    Outcome.GRANTED: "Granted",
    Outcome.DENIED: "Denied",
    Outcome.FAILED: "Failed",
    Outcome.NOTED: "Noted",
}

# The vault's causes and the other reason codes that a sentence can explain; any other is shown as a detail only.
_REASONS: Mapping[str, str] = {
    "abandoned": "it was not confirmed in time",
    "access_denied": "you did not allow it",
    "answered_no": "you said no",
    "ask_first": "you want to be asked first",
    "away": "you do not let it be read while you are away",
    "budget_spent": "the run's budget was spent",
    "cancelled": "you cancelled",
    "connected_again": "it was connected again, and they would have ended the new ones",
    "invalid_state": "the attempt was no longer valid",
    "excluded": "you left that place out",
    "missing_scope": "you did not grant the permission this needs",
    "nobody_to_ask": "you want to be asked first, and nobody was there to ask",
    "not_answered": "you did not answer in time",
    "not_connected": "it is not connected",
    "policy_denied": "a policy forbids it",
    "policy_unavailable": "what you allow could not be read",
    "provider_down": "it did not answer",
    "rate_limited": "it limits how often it can be read",
    "reconnect_required": "it must be connected again",
    "replaced": "another account took its place",
    "revoked": "you revoked it",
    "run_ended": "the run ended before you answered",
    "session_ended": "the session was over",
    "tool_blocked": "you blocked this tool",
    "undeclared_request": "it asked for something that its tool does not declare, and nothing was sent",
    "upstream_unavailable": "it did not answer usably",
    "vault_unavailable": "the token vault did not answer",
}

# How far an answer to the question whether something may be read goes.
_ANSWERS: Mapping[str, str] = {
    "always": "always",
    "conversation": "in that chat",
    "once": "once",
}

_BYTES_PER_UNIT = 1000


def sentence_of(row: AuditEvent) -> str:
    """Return what happened as one sentence; an event of a newer version is told by its code."""
    write = _SENTENCES.get(row.event)
    return write(row) if write else f"{row.event}."


def name_of(provider: str) -> str:
    """Return the user's name of `provider`, which may be unknown or empty."""
    return vocabulary.services().get(provider, "An unknown service" if provider else "The service")


def what_is_read(*, provider: str, tool: str) -> str:
    """Return what `tool` reads, as in `your activity on GitHub`; a tool of another version is told by its name."""
    return vocabulary.reads().get(tool) or name_of(provider) + (f" ({tool})" if tool else "")


def surplus_of(row: AuditEvent) -> str:
    """Return what the token of an exchange allowed beyond what was asked for, "" for nothing.

    No provider cuts a scope out of a token.
    """
    if not row.exchange:
        return ""
    more = [scope for scope in row.scope_granted.split() if scope not in row.scope_asked.split()]
    if not more:
        return ""
    asked = row.scope_asked or "no scope by name"
    return f"Asked {asked}, token allows {' '.join(more)} too: {name_of(row.provider)} cannot narrow it."


def size_of(size_bytes: int) -> str:
    """Return a size as a person reads it: `830 B`, `12.4 kB`, `1.2 MB`."""
    if size_bytes < _BYTES_PER_UNIT:
        return f"{size_bytes} B"
    if size_bytes < _BYTES_PER_UNIT**2:
        return f"{size_bytes / _BYTES_PER_UNIT:.1f} kB"
    return f"{size_bytes / _BYTES_PER_UNIT**2:.1f} MB"


def _because(text: str) -> Callable[[AuditEvent], str]:
    """Make a sentence of `text` with `{service}`, and its reason after a colon where it has one we can tell."""

    def write(row: AuditEvent) -> str:
        reason = _REASONS.get(row.reason, "")
        return text.format(service=name_of(row.provider)) + (f": {reason}." if reason else ".")

    return write


def _exchanged(row: AuditEvent) -> str:
    purpose = f" to read {what_is_read(provider=row.provider, tool=row.tool)}" if row.tool else ""
    return f"{name_of(row.provider)} token exchanged{purpose}."


def _checked(row: AuditEvent) -> str:
    return f"The AI may read {what_is_read(provider=row.provider, tool=row.tool)}."


def _read(row: AuditEvent) -> str:
    return f"Read {row.path or name_of(row.provider)}: {_measures(row) or 'done'}."


def _not_read(row: AuditEvent) -> str:
    told = [text for text in (_measures(row), _REASONS.get(row.reason, "")) if text]
    return f"Reading {row.path or name_of(row.provider)} failed" + (f": {', '.join(told)}." if told else ".")


def _measures(row: AuditEvent) -> str:
    """Return `200, 12.4 kB in 180 ms`, or what of it is known."""
    status = [str(row.status)] if row.status is not None else []
    size = [size_of(row.size_bytes)] if row.size_bytes is not None else []
    duration = f" in {row.duration_ms} ms" if row.duration_ms is not None else ""
    return (", ".join(status + size) + duration).strip()


def _connected(row: AuditEvent) -> str:
    account = f" as {row.account}" if row.account else ""
    return f"{name_of(row.provider)} was connected{account}."


def _client(text: str) -> Callable[[AuditEvent], str]:
    """Make a sentence of `text` with `{client}`, the id of a program that is registered at the vault."""
    return lambda row: text.format(client=row.client or "A program")


def _default_changed(row: AuditEvent) -> str:
    return f"You made {row.account or 'another account'} the {name_of(row.provider)} account that is read."


def _tool_changed(row: AuditEvent) -> str:
    return f"You changed whether the AI may read {what_is_read(provider=row.provider, tool=row.tool)}: {row.reason}."


def _asked(text: str) -> Callable[[AuditEvent], str]:
    """Make a sentence of `text` with what `{what}` is read, and how far the answer goes or why there is none."""

    def write(row: AuditEvent) -> str:
        told = _ANSWERS.get(row.reason) or _REASONS.get(row.reason, "")
        what = what_is_read(provider=row.provider, tool=row.tool)
        return text.format(what=what) + (f": {told}." if told else ".")

    return write


def _exclusions_changed(row: AuditEvent) -> str:
    return f"You changed what is left out of every answer: {row.reason.replace('_', ' ')}."


def _limited(row: AuditEvent) -> str:
    what = "failed to authenticate" if row.reason == "invalid_client" else "asked for tokens"
    return f"{row.client or 'A program'} {what} too often and was refused."


def _issued(row: AuditEvent) -> str:
    reason = f", because “{row.reason}”" if row.reason else ""
    return f"An operator let {row.client or 'a program'} exchange tokens in your name for a few minutes{reason}."


def _tool_refused(row: AuditEvent) -> str:
    reason = _REASONS.get(row.reason, "it is not one of the agent's tools or its arguments do not fit")
    return f"A tool call of the model was refused: {reason}."


_SENTENCES: Mapping[str, Callable[[AuditEvent], str]] = {
    Event.ACCOUNT_SESSION_ENDED: _because("You signed out"),
    Event.ACCOUNT_SESSION_STARTED: _because("You signed in"),
    Event.ACCOUNT_TOKEN_ISSUED: _issued,
    Event.AGENT_CALL_FAILED: _not_read,
    Event.AGENT_CALL_SUCCEEDED: _read,
    Event.AGENT_RUN_FAILED: _because("A run failed"),
    Event.AGENT_RUN_FINISHED: _because("A run finished"),
    Event.AGENT_RUN_STARTED: _because("A run started"),
    Event.AGENT_RUN_STOPPED: _because("A run was stopped"),
    Event.AGENT_TOOL_REFUSED: _tool_refused,
    Event.AUDIT_KEY_ROTATED: _because("The log of these events is signed with a new key"),
    Event.PERMISSION_ACCESS_PAUSED: _because("You paused the AI's access to {service}"),
    Event.PERMISSION_ACCESS_RESTORED: _because("You restored the AI's access to {service}"),
    Event.PERMISSION_ACCESS_REVOKED: _because("You revoked the AI's access to {service}"),
    Event.PERMISSION_ACCESS_WITHDRAWN: _because("An operator turned the AI's access to {service} off"),
    Event.PERMISSION_ACCESS_RESUMED: _because("You ended the pause of the AI's access to {service}"),
    Event.PERMISSION_ALLOWANCE_ENDED: _asked("You no longer let the AI read {what} in one chat"),
    Event.PERMISSION_AWAY_DISABLED: _because("You forbade reading {service} while you are away"),
    Event.PERMISSION_AWAY_ENABLED: _because("You allowed reading {service} while you are away"),
    Event.PERMISSION_CHECK_ALLOWED: _checked,
    Event.PERMISSION_CHECK_DENIED: _because("{service} was not read"),
    Event.PERMISSION_CHECK_FAILED: _because("{service} was not read, since its permission could not be checked"),
    Event.PERMISSION_DEFAULT_CHANGED: _default_changed,
    Event.PERMISSION_EXCLUSIONS_CHANGED: _exclusions_changed,
    Event.PERMISSION_GRANT_CREATED: _because("You granted reading while you are away"),
    Event.PERMISSION_GRANT_ENDED: _because("You ended a grant to read while you are away"),
    Event.PERMISSION_QUESTION_ALLOWED: _asked("You let the AI read {what}"),
    Event.PERMISSION_QUESTION_ASKED: _asked("You were asked whether the AI may read {what}"),
    Event.PERMISSION_QUESTION_DENIED: _asked("The AI was not let read {what}"),
    Event.PERMISSION_TOOL_CHANGED: _tool_changed,
    Event.VAULT_CLIENT_CREATED: _client("{client} was registered at the vault."),
    Event.VAULT_CLIENT_DISABLED: _client("{client} was shut out of the vault."),
    Event.VAULT_CLIENT_ENABLED: _client("{client} was let into the vault again."),
    Event.VAULT_CLIENT_LIMITED: _limited,
    Event.VAULT_CLIENT_ROTATED: _client("{client} got a new secret."),
    Event.VAULT_CONNECTION_CONNECTED: _connected,
    Event.VAULT_CONNECTION_DENIED: _because("{service} was not connected"),
    Event.VAULT_CONNECTION_DISCONNECTED: _because("{service} was disconnected and its tokens erased"),
    Event.VAULT_CONNECTION_FAILED: _because("{service} could not be connected"),
    Event.VAULT_CONNECTION_STARTED: _because("Connecting {service} began"),
    Event.VAULT_EXCHANGE_DENIED: _because("No {service} token was given"),
    Event.VAULT_EXCHANGE_FAILED: _because("No {service} token could be given"),
    Event.VAULT_EXCHANGE_GRANTED: _exchanged,
    Event.VAULT_REFRESH_FAILED: _because("The {service} token could not be renewed"),
    Event.VAULT_REFRESH_SUCCEEDED: _because("The {service} token was renewed"),
    Event.VAULT_REVOCATION_FAILED: _because("{service} could not be told to revoke its tokens yet"),
    Event.VAULT_REVOCATION_SUCCEEDED: _because("{service} revoked its tokens"),
    Event.VAULT_ROTATION_FAILED: _because("Not every sealed token could be moved to the new key"),
    Event.VAULT_ROTATION_STARTED: _because("Moving the sealed tokens to a new key began"),
    Event.VAULT_ROTATION_SUCCEEDED: _because("The sealed tokens were moved to a new key"),
    Event.VAULT_SESSION_ENDED: _because("The token vault honours a session of yours no more"),
    Event.VAULT_SUBJECT_ENDED: _because("The token vault honours none of your earlier sessions any more"),
    Event.VAULT_TOKEN_REVOKED: _because("A token that asks the vault for you was revoked before its end"),
}
