"""The vault in this process: verifies each subject token, then does what is asked. The HTTP endpoints end here too."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from vault import (
    absence,
    access,
    background,
    clients,
    confirm,
    connect,
    disconnect,
    forget,
    issued,
    receipts,
    sessions,
    tokens,
)
from vault.clients import Client
from vault.database import run
from vault.errors import InvalidRequestError
from vault.exchange import exchange
from vault.store import connections, fingerprints, revocations
from vault.tokens import Subject
from vault.types import (
    AccountChoice,
    Connection,
    ExchangedToken,
    ExchangeRequest,
    Grant,
    PendingConnection,
    Revocation,
)

# Twice what the longest takes: Google's may have 2,048 characters.
# Source: https://developers.google.com/identity/protocols/oauth2, "Token size".
MAX_TOKEN_CHARACTERS = 4096


class EmbeddedVault:
    """Implements `vault.client.base.VaultClient` for an authenticated `client`."""

    def __init__(self, *, client: Client = clients.WEB) -> None:
        self._client = client

    async def exchange(self, request: ExchangeRequest) -> ExchangedToken:
        """See `VaultClient.exchange`."""
        return await exchange(request, client=self._client)

    async def start_connect(
        self,
        *,
        subject_token: str,
        provider: str,
        scope_groups: Collection[str] = (),
        reconnects: str = "",
        leaves_out: Collection[str] = (),
    ) -> str:
        """See `VaultClient.start_connect`."""
        return await connect.start(
            await self._attended(subject_token),
            provider=provider,
            scope_groups=scope_groups,
            reconnects=reconnects,
            leaves_out=leaves_out,
        )

    async def confirm_connection(
        self, *, subject_token: str, connection: str, nonce: str, choice: AccountChoice = AccountChoice.ASK
    ) -> Connection:
        """See `VaultClient.confirm_connection`."""
        return await confirm.confirm(
            await self._attended(subject_token), connection=connection, nonce=nonce, choice=choice
        )

    async def load_pending(self, *, subject_token: str, connection: str, nonce: str) -> PendingConnection:
        """See `VaultClient.load_pending`."""
        return await confirm.load_pending(await self._attended(subject_token), connection=connection, nonce=nonce)

    async def discard_connection(self, *, subject_token: str, connection: str, nonce: str) -> None:
        """See `VaultClient.discard_connection`."""
        await confirm.discard(await self._attended(subject_token), connection=connection, nonce=nonce)

    async def list_connections(self, *, subject_token: str) -> tuple[Connection, ...]:
        """See `VaultClient.list_connections`."""
        return await run(connections.list_active, user=(await self._living(subject_token)).user)

    async def set_access(self, *, subject_token: str, connection: str, is_allowed: bool) -> Connection:
        """See `VaultClient.set_access`."""
        subject = await self._attended(subject_token)
        return await access.set_access(subject, connection=connection, is_allowed=is_allowed)

    async def set_default(self, *, subject_token: str, connection: str) -> Connection:
        """See `VaultClient.set_default`."""
        return await access.set_default(await self._attended(subject_token), connection=connection)

    async def disconnect(self, *, subject_token: str, connection: str) -> None:
        """See `VaultClient.disconnect`."""
        await disconnect.disconnect(await self._attended(subject_token), connection=connection)

    async def fingerprint_token(self, *, subject_token: str, token: str) -> str:
        """See `VaultClient.fingerprint_token`."""
        await self._attended(subject_token)
        if not 0 < len(token) <= MAX_TOKEN_CHARACTERS:
            raise InvalidRequestError
        return await run(fingerprints.of, token)

    async def pause_access(self, *, subject_token: str, connection: str, until: datetime | None) -> Connection:
        """See `VaultClient.pause_access`."""
        return await run(absence.pause, await self._attended(subject_token), connection=connection, until=until)

    async def set_away(self, *, subject_token: str, connection: str, is_allowed: bool) -> Connection:
        """See `VaultClient.set_away`."""
        subject = await self._attended(subject_token)
        return await run(absence.set_away, subject, connection=connection, is_allowed=is_allowed)

    async def create_grant(
        self, *, subject_token: str, agent: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime
    ) -> Grant:
        """See `VaultClient.create_grant`."""
        subject = await self._attended(subject_token)
        return await run(
            absence.create_grant, subject, agent=agent, providers=providers, tools=tools, expires_at=expires_at
        )

    async def change_grant(
        self, *, subject_token: str, grant: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime
    ) -> Grant:
        """See `VaultClient.change_grant`."""
        subject = await self._attended(subject_token)
        return await run(
            absence.change_grant, subject, grant=grant, providers=providers, tools=tools, expires_at=expires_at
        )

    async def list_grants(self, *, subject_token: str) -> tuple[Grant, ...]:
        """See `VaultClient.list_grants`."""
        return await run(absence.list_grants, await self._living(subject_token))

    async def end_grant(self, *, subject_token: str, grant: str) -> None:
        """See `VaultClient.end_grant`."""
        await run(absence.end_grant, await self._attended(subject_token), grant=grant)

    async def end_session(self, *, subject_token: str) -> None:
        """See `VaultClient.end_session`."""
        await run(sessions.end_session, await self._subject(subject_token))

    async def end_subject(self, *, subject_token: str) -> None:
        """See `VaultClient.end_subject`."""
        await run(sessions.end_subject, await self._subject(subject_token))

    async def forget_subject(self, *, subject_token: str) -> None:
        """See `VaultClient.forget_subject`."""
        await forget.forget(await self._subject(subject_token))

    async def list_revocations(self, *, subject_token: str) -> tuple[Revocation, ...]:
        """See `VaultClient.list_revocations`."""
        return await run(revocations.list_shown, user=(await self._living(subject_token)).user)

    async def revoke_token(self, token: str) -> None:
        """Refuse one of the client's own subject or actor tokens from now on; see `issued.revoke`."""
        await issued.revoke(token, client=self._client.id)

    async def introspect_token(self, token: str) -> dict[str, Any]:
        """Return what is known of one of the client's own tokens; see `issued.introspect`."""
        return await issued.introspect(token, client=self._client.id)

    async def prove_receipt(self, text: str) -> dict[str, Any]:
        """Return what became of an exchange of the client's; see `receipts.prove`."""
        return await receipts.prove(text, client=self._client.id)

    async def aclose(self) -> None:
        """Wait for the work that outlives its requests."""
        await background.settle()

    async def _living(self, subject_token: str) -> Subject:
        """Return the subject of a token whose session is living, be the user there or not."""
        subject = await self._subject(subject_token)
        await run(sessions.find_standing, subject)
        return subject

    async def _attended(self, subject_token: str) -> Subject:
        """Return the subject of a token whose session is living, with the user there."""
        subject = await self._subject(subject_token)
        await run(sessions.require_attended, subject)
        return subject

    async def _subject(self, subject_token: str) -> Subject:
        clients.require_own(self._client)
        subject = tokens.verify_subject(subject_token, purpose="connections", client=self._client.id)
        await run(issued.require_unrevoked, subject.jti)
        return subject
