"""Errors of the permissions app.

NotPermittedError     the gate says no; `cause` is one of the vault's causes
"""

from vault.client import Cause


class NotPermittedError(Exception):
    """The agent may not use this service now.

    Attributes:
        provider: Provider id.
        cause: `not_connected`, `revoked`, `reconnect_required`, `policy_denied`, `session_ended` or
            `vault_unavailable`.
    """

    def __init__(self, *, provider: str, cause: Cause) -> None:
        super().__init__(f"{provider}: {cause}")
        self.provider = provider
        self.cause = cause
