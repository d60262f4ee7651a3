"""GitHub: single-use refresh tokens that take the old access token with them, and errors with status 200.

Source: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from django.conf import settings

from vault.errors import UpstreamError
from vault.providers.base import Account, Blamed, Grant, ask_for_tokens, call, configuration, text_of

# `bad_refresh_token` is GitHub's word for a dead grant; the others end in the same need to connect again.
_PERMANENT = frozenset({"bad_refresh_token", "bad_verification_code", "unauthorized_client", "unverified_user_email"})
_RESOURCES = frozenset({"https://api.github.com", "https://api.github.com/", "https://api.github.com/graphql"})
_OK = 200
_REVOKED = 204
_UNKNOWN_TOKEN = frozenset({404, 422})


class GitHub:
    """A GitHub App's user tokens. Its permissions are the app's, so none is asked for here."""

    id: ClassVar[str] = "github"
    uses_pkce: ClassVar[bool] = True
    revokes_whole_account: ClassVar[bool] = True
    identity_scope: ClassVar[tuple[str, ...]] = ()
    scope_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    default_scope_groups: ClassVar[tuple[str, ...]] = ()
    scopes_add_up: ClassVar[bool] = False
    has_issuer: ClassVar[bool] = False
    # Of 8 hours.
    refresh_lead: ClassVar[timedelta] = timedelta(minutes=10)
    old_token_survives_refresh: ClassVar[bool] = False
    auth0_connections: ClassVar[tuple[str, ...]] = ("github",)
    # Source: https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/
    # troubleshooting-oauth-app-access-token-request-errors.
    blames: ClassVar[Mapping[str, Blamed]] = {
        "incorrect_client_credentials": "client",
        "redirect_uri_mismatch": "callback",
        "bad_verification_code": "code",
    }

    @property
    def resources(self) -> frozenset[str]:
        """GitHub's API; on an Enterprise Server that server's, and no other."""
        configured = settings.PROVIDERS.get(self.id)
        if configured is None or not configured.graphql_url:
            return _RESOURCES
        return frozenset({configured.api_url, f"{configured.api_url}/", configured.graphql_url})

    def authorization_parameters(self, *, scope: tuple[str, ...]) -> dict[str, str]:
        """Let the user choose the account; a GitHub App's permissions are set where it is registered.

        Source: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/
        generating-a-user-access-token-for-a-github-app.
        """
        return {"prompt": "select_account"}

    async def redeem(self, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Exchange an authorization code."""
        return await ask_for_tokens(
            self.id,
            permanent=_PERMANENT,
            form={"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
            | ({"code_verifier": code_verifier} if code_verifier else {}),
        )

    async def refresh(self, *, refresh_token: str) -> Grant:
        """Exchange a refresh token; it and the old access token are dead from then on."""
        return await ask_for_tokens(
            self.id, permanent=_PERMANENT, form={"grant_type": "refresh_token", "refresh_token": refresh_token}
        )

    async def load_account(self, *, access_token: str) -> Account:
        """Return the user. Source: https://docs.github.com/en/rest/users/users#get-the-authenticated-user."""
        answer = await call("GET", configuration(self.id).account_url, bearer=access_token)
        if answer.status != _OK or type(answer.body.get("id")) is not int:
            raise UpstreamError("bad_answer")
        return Account(id=str(answer.body["id"]), name=text_of(answer.body, "login"))

    async def revoke(self, *, access_token: str, refresh_token: str) -> None:
        """Delete the app's grant with all its tokens.

        Source: https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-authorization.
        """
        configured = configuration(self.id)
        answer = await call(
            "DELETE",
            configured.revocation_url,
            body={"access_token": access_token},
            basic=(configured.client_id, configured.client_secret),
        )
        if answer.status in _UNKNOWN_TOKEN:
            raise UpstreamError("unknown_token", is_permanent=True)
        if answer.status != _REVOKED:
            raise UpstreamError(f"http_{answer.status}")


class GitHubOAuthApp(GitHub):
    """An OAuth App's tokens, for where no GitHub App can be installed: they may write, since no scope only reads.

    Whether they expire is the app's own setting; `offline_access` is not asked for, since not every server knows it.
    """

    # SECURITY: `repo` is read and write on every repository the user can reach. It is the smallest scope that shows
    # private pull requests and issues; `read:org` shows requests to teams. The connect page says so.
    # Source: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
    scope_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {"base": ("repo", "read:org")}
    default_scope_groups: ClassVar[tuple[str, ...]] = ("base",)

    def authorization_parameters(self, *, scope: tuple[str, ...]) -> dict[str, str]:
        """Let the user choose the account, and ask for `scope`.

        Source: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps.
        """
        return {**super().authorization_parameters(scope=scope), "scope": " ".join(scope)}
