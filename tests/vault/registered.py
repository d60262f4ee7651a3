"""A registered client and the requests it sends, for the tests of the token endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from asgiref.sync import sync_to_async

from tests.vault.conftest import ALICE
from vault import clients, tokens, wire


@dataclass(frozen=True)
class Registered:
    """A client as its own program knows it."""

    id: str
    secret: str

    @property
    def in_body(self) -> dict[str, str]:
        """Return its credentials as `client_secret_post` sends them."""
        return {"client_id": self.id, "client_secret": self.secret}

    def subject(self, user: str = ALICE, *, may_act: str = "") -> str:
        """Return a subject token of `user` that this client may show."""
        return tokens.mint_subject(
            user=user, sid="sid-1", auth_time=1.0, purpose="exchange", client=self.id, may_act=may_act
        )

    def form(self, **changes: str) -> dict[str, str]:
        """Return the plainest request of RFC 8693, without credentials, with some parameters changed."""
        return {
            "grant_type": wire.GRANT_TYPE,
            "subject_token": self.subject(),
            "subject_token_type": tokens.TOKEN_TYPE_ACCESS,
            "requested_token_type": tokens.TOKEN_TYPE_ACCESS,
            "audience": "github",
        } | changes

    async def ask(self, http: httpx.AsyncClient, **changes: str) -> httpx.Response:
        """Send that request, authenticated."""
        return await http.post("/oauth/token", data=self.in_body | self.form(**changes))


@sync_to_async
def register(
    allowed: Mapping[str, frozenset[str] | None] | None = None, *, grant_types: tuple[str, ...] = wire.GRANT_TYPES
) -> Registered:
    """Register a client; without `allowed` it may have all that users granted."""
    everything = dict.fromkeys(("github", "google-calendar", "slack"))
    registration, secret = clients.register(
        "Reporter", allowed=allowed or everything, grant_types=frozenset(grant_types)
    )
    return Registered(registration.id, secret)


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Return status, `error` and `vault_reason` of a refusal."""
    body: dict[str, Any] = response.json()
    return response.status_code, body["error"], body.get("vault_reason", "")
