"""Tasklist's OAuth: the example's `vault/providers/tasklist.py`. A refresh token works once."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from vault.errors import UpstreamError
from vault.providers.base import Account, Blamed, Grant, ask_for_tokens, call, code_of, configuration, text_of

_PERMANENT = frozenset({"invalid_grant", "unauthorized_client"})
_OK = 200


class Tasklist:
    """A confidential client with PKCE, by RFC 6749 and RFC 7009 to the letter."""

    id: ClassVar[str] = "tasklist"
    uses_pkce: ClassVar[bool] = True
    revokes_whole_account: ClassVar[bool] = False
    identity_scope: ClassVar[tuple[str, ...]] = ()
    scope_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {"base": ("tasks:read",)}
    default_scope_groups: ClassVar[tuple[str, ...]] = ("base",)
    scopes_add_up: ClassVar[bool] = False
    has_issuer: ClassVar[bool] = False
    # Of one hour.
    refresh_lead: ClassVar[timedelta] = timedelta(minutes=5)
    old_token_survives_refresh: ClassVar[bool] = True
    auth0_connections: ClassVar[tuple[str, ...]] = ()
    resources: ClassVar[frozenset[str]] = frozenset({"https://tasklist.example/api"})
    blames: ClassVar[Mapping[str, Blamed]] = {"invalid_client": "client", "invalid_grant": "code"}

    def authorization_parameters(self, *, scope: tuple[str, ...]) -> dict[str, str]:
        """Ask for `scope`, as RFC 6749 section 3.3 writes it."""
        return {"scope": " ".join(scope)}

    async def redeem(self, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Exchange an authorization code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await ask_for_tokens(self.id, permanent=_PERMANENT, form={**form, "code_verifier": code_verifier})

    async def refresh(self, *, refresh_token: str) -> Grant:
        """Exchange a refresh token for a new pair."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await ask_for_tokens(self.id, permanent=_PERMANENT, form=form)

    async def load_account(self, *, access_token: str) -> Account:
        """Return who the token belongs to."""
        answer = await call("GET", configuration(self.id).account_url, bearer=access_token)
        if answer.status != _OK:
            raise UpstreamError("bad_answer")
        return Account(id=text_of(answer.body, "id"), name=text_of(answer.body, "email"))

    async def revoke(self, *, access_token: str, refresh_token: str) -> None:
        """Revoke the grant. Source: RFC 7009 section 2.1."""
        answer = await call(
            "POST", configuration(self.id).revocation_url, form={"token": refresh_token or access_token}
        )
        if answer.status != _OK:
            raise UpstreamError(code_of(answer) or f"http_{answer.status}")
