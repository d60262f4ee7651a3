"""The closed vocabulary of audit events, `source:subject:action`, and the entry that callers fill in.

An entry holds identifiers, names, counts and times. It never holds a token, a message text or a query value.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a decision or an action ended, as the timeline filters it."""

    GRANTED = "granted"
    DENIED = "denied"
    FAILED = "failed"
    NOTED = "noted"


class Event(StrEnum):
    """Everything that can happen, kept alphabetical."""

    ACCOUNT_FACTOR_DENIED = "account:factor:denied"
    ACCOUNT_SESSION_DENIED = "account:session:denied"
    ACCOUNT_SESSION_ENDED = "account:session:ended"
    ACCOUNT_SESSION_STARTED = "account:session:started"
    ACCOUNT_TOKEN_ISSUED = "account:token:issued"  # noqa: S105  (an event's name)
    ACCOUNT_USER_DELETED = "account:user:deleted"
    AGENT_ANSWER_EXPORTED = "agent:answer:exported"
    AGENT_CALL_FAILED = "agent:call:failed"
    AGENT_CALL_SUCCEEDED = "agent:call:succeeded"
    AGENT_CHANNEL_ADDED = "agent:channel:added"
    AGENT_CHANNEL_REMOVED = "agent:channel:removed"
    AGENT_CHANNEL_TESTED = "agent:channel:tested"
    AGENT_CHAT_EXPORTED = "agent:chat:exported"
    AGENT_DELIVERY_FAILED = "agent:delivery:failed"
    AGENT_DELIVERY_STARTED = "agent:delivery:started"
    AGENT_DELIVERY_SUCCEEDED = "agent:delivery:succeeded"
    AGENT_LOOK_STARTED = "agent:look:started"
    AGENT_RUN_FAILED = "agent:run:failed"
    AGENT_RUN_FINISHED = "agent:run:finished"
    AGENT_RUN_STARTED = "agent:run:started"
    AGENT_RUN_STOPPED = "agent:run:stopped"
    AGENT_SCHEDULE_SKIPPED = "agent:schedule:skipped"
    AGENT_TOOL_REFUSED = "agent:tool:refused"
    AUDIT_AUDITOR_APPOINTED = "audit:auditor:appointed"
    AUDIT_AUDITOR_DISMISSED = "audit:auditor:dismissed"
    AUDIT_EVENTS_EXPORTED = "audit:events:exported"
    AUDIT_EVENTS_VIEWED = "audit:events:viewed"
    AUDIT_KEY_ROTATED = "audit:key:rotated"
    AUDIT_PERSONAL_ROTATED = "audit:personal:rotated"
    AUDIT_RETENTION_FAILED = "audit:retention:failed"
    AUDIT_RETENTION_STARTED = "audit:retention:started"
    AUDIT_RETENTION_SUCCEEDED = "audit:retention:succeeded"
    AUDIT_SUBJECT_ERASED = "audit:subject:erased"
    PERMISSION_ACCESS_PAUSED = "permission:access:paused"
    PERMISSION_ACCESS_RESTORED = "permission:access:restored"
    PERMISSION_ACCESS_RESUMED = "permission:access:resumed"
    PERMISSION_ACCESS_REVOKED = "permission:access:revoked"
    PERMISSION_ACCESS_WITHDRAWN = "permission:access:withdrawn"
    PERMISSION_ALLOWANCE_ENDED = "permission:allowance:ended"
    PERMISSION_AWAY_DISABLED = "permission:away:disabled"
    PERMISSION_AWAY_ENABLED = "permission:away:enabled"
    PERMISSION_CHECK_ALLOWED = "permission:check:allowed"
    PERMISSION_CHECK_DENIED = "permission:check:denied"
    PERMISSION_CHECK_FAILED = "permission:check:failed"
    PERMISSION_DEFAULT_CHANGED = "permission:default:changed"
    PERMISSION_EXCLUSIONS_CHANGED = "permission:exclusions:changed"
    PERMISSION_GRANT_CREATED = "permission:grant:created"
    PERMISSION_GRANT_ENDED = "permission:grant:ended"
    PERMISSION_GRANT_NARROWED = "permission:grant:narrowed"
    PERMISSION_GRANT_RENEWED = "permission:grant:renewed"
    PERMISSION_QUESTION_ALLOWED = "permission:question:allowed"
    PERMISSION_QUESTION_ASKED = "permission:question:asked"
    PERMISSION_QUESTION_DENIED = "permission:question:denied"
    PERMISSION_TOOL_CHANGED = "permission:tool:changed"
    VAULT_CLIENT_CREATED = "vault:client:created"
    VAULT_CLIENT_DISABLED = "vault:client:disabled"
    VAULT_CLIENT_ENABLED = "vault:client:enabled"
    VAULT_CLIENT_LIMITED = "vault:client:limited"
    VAULT_CLIENT_ROTATED = "vault:client:rotated"
    VAULT_CONNECTION_CONNECTED = "vault:connection:connected"
    VAULT_CONNECTION_DENIED = "vault:connection:denied"
    VAULT_CONNECTION_DISCONNECTED = "vault:connection:disconnected"
    VAULT_CONNECTION_FAILED = "vault:connection:failed"
    VAULT_CONNECTION_REDUCED = "vault:connection:reduced"
    VAULT_CONNECTION_STARTED = "vault:connection:started"
    VAULT_EXCHANGE_DENIED = "vault:exchange:denied"
    VAULT_EXCHANGE_FAILED = "vault:exchange:failed"
    VAULT_EXCHANGE_GRANTED = "vault:exchange:granted"
    VAULT_REFRESH_FAILED = "vault:refresh:failed"
    VAULT_REFRESH_SUCCEEDED = "vault:refresh:succeeded"
    VAULT_REVOCATION_FAILED = "vault:revocation:failed"
    VAULT_REVOCATION_SUCCEEDED = "vault:revocation:succeeded"
    VAULT_ROTATION_FAILED = "vault:rotation:failed"
    VAULT_ROTATION_STARTED = "vault:rotation:started"
    VAULT_ROTATION_SUCCEEDED = "vault:rotation:succeeded"
    VAULT_SESSION_ENDED = "vault:session:ended"
    VAULT_SUBJECT_ENDED = "vault:subject:ended"
    VAULT_TOKEN_REVOKED = "vault:token:revoked"  # noqa: S105  (an event's name)

    @property
    def outcome(self) -> Outcome:
        """The outcome that this event's action stands for."""
        return _OUTCOMES.get(self.value.rpartition(":")[2], Outcome.NOTED)


_OUTCOMES = {
    "allowed": Outcome.GRANTED,
    "granted": Outcome.GRANTED,
    "succeeded": Outcome.GRANTED,
    "denied": Outcome.DENIED,
    "limited": Outcome.DENIED,
    "refused": Outcome.DENIED,
    "failed": Outcome.FAILED,
}


# What has the id of a run begins with one of these: a run, or a single look outside of one, as for names to complete.
BEGINNINGS = (Event.AGENT_LOOK_STARTED, Event.AGENT_RUN_STARTED)
# The OAuth client that the web process is at the vault. It never asks without a run, as registered programs do.
WEB_CLIENT = "devcontext-web"
# What the agent of each schedule is called begins so at the vault; the schedule's id follows.
SCHEDULE_PREFIX = "agent:schedule:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to record; fields that do not apply stay empty.

    Attributes:
        event: What happened.
        user: The subject, `user:<id>`, whose data or permission it concerns; "" when it is not known.
        provider: Provider id, such as `google-calendar`.
        reason: Why, as a code: one of the vault's causes, or an upstream error code; an operator's reason in words.
        run: Id of the run, if one asked.
        tool: Name of the tool, if one asked.
        tool_call: The model's id of the tool call.
        client: The OAuth client that asked the vault; `agent:schedule:<id>` of what a schedule began, skipped or was
            granted.
        connection: Id of the connection.
        account: The account's name at the provider.
        scope_asked: Space-separated scopes asked for.
        scope_granted: Space-separated scopes in force.
        exchange: Id that joins an exchange with the upstream calls made under it.
        actor_jti: `jti` of the actor token, unique: a second use of one actor token cannot be recorded.
        token_fingerprint: Keyed fingerprint of the upstream token.
        method: HTTP method of the upstream call, or the operation's name for GraphQL.
        path: Host and path template of the upstream call, without values.
        status: HTTP status of the upstream answer.
        size_bytes: Bytes of the upstream answer.
        duration_ms: Milliseconds it took.
        provider_request_id: The provider's own id of the request.
    """

    event: Event
    user: str
    provider: str = ""
    reason: str = ""
    run: str = ""
    tool: str = ""
    tool_call: str = ""
    client: str = ""
    connection: str = ""
    account: str = ""
    scope_asked: str = ""
    scope_granted: str = ""
    exchange: str = ""
    actor_jti: str | None = None
    token_fingerprint: str = ""
    method: str = ""
    path: str = ""
    status: int | None = None
    size_bytes: int | None = None
    duration_ms: int | None = None
    provider_request_id: str = ""
