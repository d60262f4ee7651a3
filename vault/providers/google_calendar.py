"""Google Calendar: refresh tokens that stay, scopes the user may untick, and a revocation for the whole project.

Source: https://developers.google.com/identity/protocols/oauth2/web-server.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from vault.errors import UpstreamError
from vault.providers.base import Account, Blamed, Grant, ask_for_tokens, call, code_of, configuration, text_of

_SCOPE = "https://www.googleapis.com/auth"
_PERMANENT = frozenset({"invalid_grant", "unauthorized_client"})
_OK = 200


class GoogleCalendar:
    """A Google Cloud project's web client."""

    id: ClassVar[str] = "google-calendar"
    uses_pkce: ClassVar[bool] = True
    revokes_whole_account: ClassVar[bool] = True
    # The long name, since that is how Google tells what was granted.
    identity_scope: ClassVar[tuple[str, ...]] = ("openid", f"{_SCOPE}/userinfo.email")
    # Source: https://developers.google.com/workspace/calendar/api/auth. The base is the narrowest scope that lists the
    # events of the user's own calendars.
    scope_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "base": (f"{_SCOPE}/calendar.events.owned.readonly",),
        "shared-calendars": (f"{_SCOPE}/calendar.events.readonly", f"{_SCOPE}/calendar.calendarlist.readonly"),
        "availability": (f"{_SCOPE}/calendar.events.freebusy",),
    }
    default_scope_groups: ClassVar[tuple[str, ...]] = ("base",)
    scopes_add_up: ClassVar[bool] = False
    has_issuer: ClassVar[bool] = True
    # Of one hour.
    refresh_lead: ClassVar[timedelta] = timedelta(minutes=5)
    old_token_survives_refresh: ClassVar[bool] = True
    auth0_connections: ClassVar[tuple[str, ...]] = ("google-oauth2",)
    resources: ClassVar[frozenset[str]] = frozenset(
        {"https://www.googleapis.com/calendar/v3", "https://www.googleapis.com/calendar/v3/"}
    )
    # Source: RFC 6749 section 5.2, and https://developers.google.com/identity/protocols/oauth2/web-server#errors.
    blames: ClassVar[Mapping[str, Blamed]] = {
        "invalid_client": "client",
        "unauthorized_client": "client",
        "redirect_uri_mismatch": "callback",
        "invalid_grant": "code",
    }

    def authorization_parameters(self, *, scope: tuple[str, ...]) -> dict[str, str]:
        """Ask for a refresh token each time: without `prompt=consent` only the first consent brings one.

        `select_account` lets the user choose the account even when one alone is signed in. Without
        `include_granted_scopes` the tokens have what is asked for here, and nothing that was granted before: what a
        connection is to keep is asked for again, and what its user dropped is not.
        """
        return {"scope": " ".join(scope), "access_type": "offline", "prompt": "consent select_account"}

    async def redeem(self, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Exchange an authorization code."""
        return await ask_for_tokens(
            self.id,
            permanent=_PERMANENT,
            form={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": code_verifier,
            },
        )

    async def refresh(self, *, refresh_token: str) -> Grant:
        """Get a new access token; the answer holds no refresh token, the old one stays."""
        return await ask_for_tokens(
            self.id, permanent=_PERMANENT, form={"grant_type": "refresh_token", "refresh_token": refresh_token}
        )

    async def load_account(self, *, access_token: str) -> Account:
        """Return the user. Source: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo."""
        answer = await call("GET", configuration(self.id).account_url, bearer=access_token)
        if answer.status != _OK:
            raise UpstreamError("bad_answer")
        return Account(id=text_of(answer.body, "sub"), name=text_of(answer.body, "email"))

    async def revoke(self, *, access_token: str, refresh_token: str) -> None:
        """Revoke the grant, which Google does for all clients of the project at once.

        Source: https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke.
        """
        answer = await call(
            "POST", configuration(self.id).revocation_url, form={"token": refresh_token or access_token}
        )
        if code_of(answer) == "invalid_token":
            raise UpstreamError("unknown_token", is_permanent=True)
        if answer.status != _OK:
            raise UpstreamError(f"http_{answer.status}")
