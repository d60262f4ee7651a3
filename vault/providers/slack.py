"""Slack: user scopes, errors with status 200, and a user token in two places depending on how it was got.

PKCE stays off: using it once turns the app into a public client for ever, whose refresh tokens die after 30 days.
Source: https://docs.slack.dev/authentication/installing-with-oauth and …/using-token-rotation.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from vault.errors import UpstreamError
from vault.providers.base import Account, Answer, Blamed, Grant, call, code_of, configuration, grant_of, text_of

_PERMANENT = frozenset(
    {"invalid_refresh_token", "invalid_grant", "token_revoked", "token_expired", "account_inactive", "invalid_auth"}
)
_OK = 200


class Slack:
    """A Slack app with token rotation, or without: its tokens then do not expire."""

    id: ClassVar[str] = "slack"
    uses_pkce: ClassVar[bool] = False
    revokes_whole_account: ClassVar[bool] = False
    identity_scope: ClassVar[tuple[str, ...]] = ()
    # Source: https://docs.slack.dev/reference/scopes.
    scope_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "base": ("channels:history", "channels:read", "users:read"),
        "search": ("search:read",),
        "private-channels": ("groups:history", "groups:read"),
        "direct-messages": ("im:history", "im:read", "mpim:history", "mpim:read"),
    }
    # Mentions are found by search alone, and no briefing is worth much without them.
    default_scope_groups: ClassVar[tuple[str, ...]] = ("base", "search")
    # Source: https://docs.slack.dev/authentication/installing-with-oauth: scopes are only ever added to a token, and
    # auth.revoke is the way to fewer. NOT VERIFIED against the real Slack.
    scopes_add_up: ClassVar[bool] = True
    has_issuer: ClassVar[bool] = False
    # Of 12 hours; Slack's own SDK uses the same lead.
    refresh_lead: ClassVar[timedelta] = timedelta(minutes=120)
    old_token_survives_refresh: ClassVar[bool] = True
    auth0_connections: ClassVar[tuple[str, ...]] = ("sign-in-with-slack", "slack")
    resources: ClassVar[frozenset[str]] = frozenset({"https://slack.com/api", "https://slack.com/api/"})
    # Source: https://docs.slack.dev/reference/methods/oauth.v2.access.
    blames: ClassVar[Mapping[str, Blamed]] = {
        "invalid_client_id": "client",
        "bad_client_secret": "client",
        "bad_redirect_uri": "callback",
        "invalid_code": "code",
    }

    def authorization_parameters(self, *, scope: tuple[str, ...]) -> dict[str, str]:
        """Ask for user scopes alone, so that no bot is installed."""
        return {"scope": "", "user_scope": ",".join(scope)}

    async def redeem(self, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Exchange an authorization code; the user's token lies in `authed_user`."""
        body = await self._token({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri})
        user = body.get("authed_user")
        if not isinstance(user, dict):
            raise UpstreamError("bad_answer")
        return grant_of(user)

    async def refresh(self, *, refresh_token: str) -> Grant:
        """Exchange a refresh token; the user's token lies at the top, and the old one lives to its end."""
        body = await self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})
        return grant_of(body)

    async def load_account(self, *, access_token: str) -> Account:
        """Return the member and workspace. Source: https://docs.slack.dev/reference/methods/auth.test."""
        body = _ok(await call("POST", configuration(self.id).account_url, bearer=access_token))
        return Account(
            id=f"{text_of(body, 'team_id')}:{text_of(body, 'user_id')}",
            name=f"{text_of(body, 'user')} · {text_of(body, 'team')}",
        )

    async def revoke(self, *, access_token: str, refresh_token: str) -> None:
        """Revoke the user's token. Source: https://docs.slack.dev/reference/methods/auth.revoke."""
        try:
            _ok(await call("POST", configuration(self.id).revocation_url, bearer=access_token))
        except UpstreamError as error:
            if error.is_permanent:
                raise UpstreamError("unknown_token", is_permanent=True) from None
            raise

    async def _token(self, form: dict[str, str]) -> dict[str, Any]:
        configured = configuration(self.id)
        return _ok(
            await call("POST", configured.token_url, form=form, basic=(configured.client_id, configured.client_secret))
        )


def _ok(answer: Answer) -> dict[str, Any]:
    if answer.body.get("ok") is True and answer.status == _OK:
        return answer.body
    error = code_of(answer) or f"http_{answer.status}"
    raise UpstreamError("rate_limited" if error == "ratelimited" else error, is_permanent=error in _PERMANENT)
