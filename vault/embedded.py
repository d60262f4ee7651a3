"""The vault in this process: verifies each subject token, then does what is asked. The HTTP endpoints end here too."""

from typing import Any

from vault import access, background, clients, connect, disconnect, issued, tokens
from vault.clients import Client
from vault.database import run
from vault.exchange import exchange
from vault.store import connections
from vault.tokens import Subject
from vault.types import Connection, ExchangedToken, ExchangeRequest


class EmbeddedVault:
    """Implements `vault.client.base.VaultClient` for an authenticated `client`."""

    def __init__(self, *, client: Client = clients.WEB) -> None:
        self._client = client

    async def exchange(self, request: ExchangeRequest) -> ExchangedToken:
        """See `VaultClient.exchange`."""
        return await exchange(request, client=self._client)

    async def start_connect(self, *, subject_token: str, provider: str) -> str:
        """See `VaultClient.start_connect`."""
        return await connect.start(await self._subject(subject_token), provider=provider)

    async def confirm_connection(self, *, subject_token: str, connection: str, nonce: str) -> Connection:
        """See `VaultClient.confirm_connection`."""
        return await connect.confirm(await self._subject(subject_token), connection=connection, nonce=nonce)

    async def list_connections(self, *, subject_token: str) -> tuple[Connection, ...]:
        """See `VaultClient.list_connections`."""
        return await run(connections.list_active, user=(await self._subject(subject_token)).user)

    async def set_access(self, *, subject_token: str, connection: str, is_allowed: bool) -> Connection:
        """See `VaultClient.set_access`."""
        return await access.set_access(await self._subject(subject_token), connection=connection, is_allowed=is_allowed)

    async def set_default(self, *, subject_token: str, connection: str) -> Connection:
        """See `VaultClient.set_default`."""
        return await access.set_default(await self._subject(subject_token), connection=connection)

    async def disconnect(self, *, subject_token: str, connection: str) -> None:
        """See `VaultClient.disconnect`."""
        await disconnect.disconnect(await self._subject(subject_token), connection=connection)

    async def revoke_token(self, token: str) -> None:
        """Refuse one of the client's own subject or actor tokens from now on; see `issued.revoke`."""
        await issued.revoke(token, client=self._client.id)

    async def introspect_token(self, token: str) -> dict[str, Any]:
        """Return what is known of one of the client's own tokens; see `issued.introspect`."""
        return await issued.introspect(token, client=self._client.id)

    async def aclose(self) -> None:
        """Wait for the work that outlives its requests."""
        await background.settle()

    async def _subject(self, subject_token: str) -> Subject:
        clients.require_own(self._client)
        subject = tokens.verify_subject(subject_token, purpose="connections", client=self._client.id)
        await run(issued.require_unrevoked, subject.jti)
        return subject
