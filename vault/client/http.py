"""The vault in another process: the same questions over HTTP. It holds no key of the vault and keeps no token."""

import ssl
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import httpx

from vault import tokens, wire
from vault.errors import VaultUnavailableError
from vault.types import (
    AccountChoice,
    Connection,
    ExchangedToken,
    ExchangeRequest,
    Grant,
    PendingConnection,
    Revocation,
)

# The vault may wait for a provider's refresh for 22 seconds; a connection to it is made in milliseconds or not at all.
_TIMEOUT = httpx.Timeout(25, connect=2)
_OK = 200


class HTTPVault:
    """Implements `vault.client.base.VaultClient` with one HTTP client, which belongs to one event loop."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, timeout=_TIMEOUT, trust_env=False, follow_redirects=False, transport=transport, verify=_tls()
        )

    async def exchange(self, request: ExchangeRequest) -> ExchangedToken:
        """See `VaultClient.exchange`."""
        return wire.token_from_json(await self._ask("exchange", wire.exchange_to_form(request)))

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
        form = {
            "provider": provider,
            "scope_groups": " ".join(scope_groups),
            "reconnects": reconnects,
            "leaves_out": " ".join(leaves_out),
        }
        answer = await self._ask("start_connect", {"subject_token": subject_token, **form})
        url = answer.get("authorization_url")
        if not isinstance(url, str):
            raise VaultUnavailableError
        return url

    async def confirm_connection(
        self, *, subject_token: str, connection: str, nonce: str, choice: AccountChoice = AccountChoice.ASK
    ) -> Connection:
        """See `VaultClient.confirm_connection`."""
        form = {"subject_token": subject_token, "connection": connection, "nonce": nonce, "choice": choice.value}
        return wire.connection_from_json(await self._ask("confirm_connection", form))

    async def load_pending(self, *, subject_token: str, connection: str, nonce: str) -> PendingConnection:
        """See `VaultClient.load_pending`."""
        form = {"subject_token": subject_token, "connection": connection, "nonce": nonce}
        return wire.pending_from_json(await self._ask("load_pending", form))

    async def discard_connection(self, *, subject_token: str, connection: str, nonce: str) -> None:
        """See `VaultClient.discard_connection`."""
        form = {"subject_token": subject_token, "connection": connection, "nonce": nonce}
        await self._ask("discard_connection", form)

    async def list_connections(self, *, subject_token: str) -> tuple[Connection, ...]:
        """See `VaultClient.list_connections`."""
        listed = await self._list("connections", {"subject_token": subject_token})
        return tuple(wire.connection_from_json(connection) for connection in listed)

    async def set_access(self, *, subject_token: str, connection: str, is_allowed: bool) -> Connection:
        """See `VaultClient.set_access`."""
        form = {
            "subject_token": subject_token,
            "connection": connection,
            "is_allowed": "true" if is_allowed else "false",
        }
        return wire.connection_from_json(await self._ask("set_access", form))

    async def set_default(self, *, subject_token: str, connection: str) -> Connection:
        """See `VaultClient.set_default`."""
        form = {"subject_token": subject_token, "connection": connection}
        return wire.connection_from_json(await self._ask("set_default", form))

    async def disconnect(self, *, subject_token: str, connection: str) -> None:
        """See `VaultClient.disconnect`."""
        await self._ask("disconnect", {"subject_token": subject_token, "connection": connection})

    async def list_revocations(self, *, subject_token: str) -> tuple[Revocation, ...]:
        """See `VaultClient.list_revocations`."""
        listed = await self._list("revocations", {"subject_token": subject_token})
        return tuple(wire.revocation_from_json(revocation) for revocation in listed)

    async def fingerprint_token(self, *, subject_token: str, token: str) -> str:
        """See `VaultClient.fingerprint_token`."""
        answer = await self._ask("fingerprint_token", {"subject_token": subject_token, "token": token})
        fingerprint = answer.get("fingerprint")
        if not isinstance(fingerprint, str):
            raise VaultUnavailableError
        return fingerprint

    async def pause_access(self, *, subject_token: str, connection: str, until: datetime | None) -> Connection:
        """See `VaultClient.pause_access`."""
        form = {"subject_token": subject_token, "connection": connection}
        form |= {"until": until.isoformat()} if until else {}
        return wire.connection_from_json(await self._ask("pause_access", form))

    async def set_away(self, *, subject_token: str, connection: str, is_allowed: bool) -> Connection:
        """See `VaultClient.set_away`."""
        form = {"subject_token": subject_token, "connection": connection} | {
            "is_allowed": "true" if is_allowed else "false"
        }
        return wire.connection_from_json(await self._ask("set_away", form))

    async def create_grant(
        self, *, subject_token: str, agent: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime
    ) -> Grant:
        """See `VaultClient.create_grant`."""
        form = {"subject_token": subject_token, "agent": agent}
        form |= wire.grant_to_form(providers=providers, tools=tools, expires_at=expires_at)
        return wire.grant_from_json(await self._ask("create_grant", form))

    async def change_grant(
        self, *, subject_token: str, grant: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime
    ) -> Grant:
        """See `VaultClient.change_grant`."""
        form = {"subject_token": subject_token, "grant": grant}
        form |= wire.grant_to_form(providers=providers, tools=tools, expires_at=expires_at)
        return wire.grant_from_json(await self._ask("change_grant", form))

    async def list_grants(self, *, subject_token: str) -> tuple[Grant, ...]:
        """See `VaultClient.list_grants`."""
        listed = await self._list("grants", {"subject_token": subject_token})
        return tuple(wire.grant_from_json(grant) for grant in listed)

    async def end_grant(self, *, subject_token: str, grant: str) -> None:
        """See `VaultClient.end_grant`."""
        await self._ask("end_grant", {"subject_token": subject_token, "grant": grant})

    async def end_session(self, *, subject_token: str) -> None:
        """See `VaultClient.end_session`."""
        await self._ask("end_session", {"subject_token": subject_token})

    async def end_subject(self, *, subject_token: str) -> None:
        """See `VaultClient.end_subject`."""
        await self._ask("end_subject", {"subject_token": subject_token})

    async def forget_subject(self, *, subject_token: str) -> None:
        """See `VaultClient.forget_subject`."""
        await self._ask("forget_subject", {"subject_token": subject_token})

    async def aclose(self) -> None:
        """Close the connections to the vault."""
        await self._http.aclose()

    async def _list(self, what: str, form: Mapping[str, str]) -> list[Any]:
        listed = (await self._ask(f"list_{what}", form)).get(what)
        if not isinstance(listed, list):
            raise VaultUnavailableError
        return listed

    async def _ask(self, operation: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Post `form`, authenticated, and return the JSON object in the answer, or raise the error in it."""
        authentication = {"client_assertion_type": wire.ASSERTION_TYPE, "client_assertion": tokens.mint_assertion()}
        try:
            response = await self._http.post(wire.PATHS[operation], data={**form, **authentication})
            body = response.json()
        except (httpx.HTTPError, ValueError):
            raise VaultUnavailableError from None
        if not isinstance(body, dict):
            raise VaultUnavailableError
        if response.status_code != _OK:
            raise wire.error_from_json(body)
        return body


@cache
def _tls() -> ssl.SSLContext:
    """Return whom to believe, loaded once: a worker connects anew for each briefing."""
    return httpx.create_ssl_context(trust_env=False)
