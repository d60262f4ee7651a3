"""Where each provider is and how this installation is known there: the real one, or the local sandbox.

Only addresses and credentials differ between the two; no code elsewhere asks which it is, except to label it.
"""

import ssl
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from devcontext import env

# Sandbox credentials are public on purpose: they open only a process on this machine that holds invented data.
SANDBOX_CLIENT_ID = "devcontext-sandbox"
SANDBOX_CLIENT_SECRET = "sandbox-secret"  # noqa: S105

_GITHUB = "https://github.com"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider as configured; addresses carry no trailing slash.

    `graphql_url` is that of an enterprise's own GitHub; "" where GraphQL lies below the API or there is none.
    `ca_file` holds the certificates of the authorities that vouch for this provider's hosts, in PEM, and then no others
    do; "" for the public ones. `app_kind` says how GitHub knows this installation: as a GitHub App, or as an OAuth App,
    whose scopes cannot be read-only.
    """

    client_id: str
    client_secret: str = field(repr=False)
    authorization_url: str
    token_url: str
    revocation_url: str
    account_url: str
    api_url: str
    web_url: str
    graphql_url: str = ""
    ca_file: str = ""
    app_kind: Literal["app", "oauth"] = "app"
    is_sandbox: bool = False


def load(*, sandbox_url: str, with_secrets: bool) -> dict[str, ProviderSettings]:
    """Return the configured providers by id; without `sandbox_url` only those with credentials are there.

    Args:
        sandbox_url: Address of the sandbox for providers that have no credentials, or "" for none.
        with_secrets: False in a web process whose vault is elsewhere: it has no business with client secrets.
    """
    real = {"github": _github, "google-calendar": _google_calendar, "slack": _slack}
    prefixes = {"github": "GITHUB", "google-calendar": "GOOGLE", "slack": "SLACK"}
    providers = {}
    for provider, make in real.items():
        client_id = env.text(f"{prefixes[provider]}_CLIENT_ID")
        if client_id:
            secret = env.secret(f"{prefixes[provider]}_CLIENT_SECRET") if with_secrets else ""
            providers[provider] = make(client_id, secret)
        elif sandbox_url:
            providers[provider] = _sandbox(provider, sandbox_url)
    return providers


def _github(client_id: str, client_secret: str) -> ProviderSettings:
    """Source: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app."""
    web = env.url("GITHUB_URL", _GITHUB)
    api, graphql = _github_api(web)
    return ProviderSettings(
        client_id=client_id,
        client_secret=client_secret,
        authorization_url=f"{web}/login/oauth/authorize",
        token_url=f"{web}/login/oauth/access_token",
        revocation_url=f"{api}/applications/{client_id}/grant",
        account_url=f"{api}/user",
        api_url=api,
        web_url=web,
        graphql_url=graphql,
        ca_file=_github_ca_file(),
        app_kind=_github_app_kind(),
    )


def _github_api(web: str) -> tuple[str, str]:
    """Return the addresses of REST and, for an enterprise's own GitHub, of GraphQL.

    Sources: https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api
    and https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency.

    Raises:
        ImproperlyConfigured: The address is not that of a GitHub.
    """
    parts = urlsplit(web)
    # SECURITY: tokens go there, so nothing but https and a plain host is an address.
    if (
        parts.scheme != "https"
        or not parts.hostname
        or "@" in parts.netloc
        or parts.path
        or parts.query
        or parts.fragment
    ):
        raise ImproperlyConfigured("GITHUB_URL must be https:// and a host, such as https://ghe.example.")
    if web == _GITHUB:
        return "https://api.github.com", ""
    if parts.hostname.endswith(".ghe.com"):
        return f"https://api.{parts.netloc}", f"https://api.{parts.netloc}/graphql"
    return f"{web}/api/v3", f"{web}/api/graphql"


def _github_ca_file() -> str:
    """Return the file with the private authorities of an enterprise's own GitHub, "" for none.

    Raises:
        ImproperlyConfigured: There is no certificate in it.
    """
    path = env.text("GITHUB_CA_FILE")
    try:
        has_authorities = not path or bool(ssl.create_default_context(cafile=path).get_ca_certs())
    except OSError:  # `ssl.SSLError` is one as well.
        has_authorities = False
    if not has_authorities:
        raise ImproperlyConfigured("The file named by GITHUB_CA_FILE holds no certificate of an authority in PEM.")
    return path


def _github_app_kind() -> Literal["app", "oauth"]:
    match env.text("GITHUB_APP_KIND", "app"):
        case "app":
            return "app"
        case "oauth":
            return "oauth"
        case _:
            raise ImproperlyConfigured("GITHUB_APP_KIND must be app or oauth.")


def _google_calendar(client_id: str, client_secret: str) -> ProviderSettings:
    """Source: https://developers.google.com/identity/protocols/oauth2/web-server."""
    return ProviderSettings(
        client_id=client_id,
        client_secret=client_secret,
        authorization_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106
        revocation_url="https://oauth2.googleapis.com/revoke",
        account_url="https://openidconnect.googleapis.com/v1/userinfo",
        api_url="https://www.googleapis.com/calendar/v3",
        web_url="https://calendar.google.com",
    )


def _slack(client_id: str, client_secret: str) -> ProviderSettings:
    """Source: https://docs.slack.dev/authentication/installing-with-oauth."""
    return ProviderSettings(
        client_id=client_id,
        client_secret=client_secret,
        authorization_url="https://slack.com/oauth/v2/authorize",
        token_url="https://slack.com/api/oauth.v2.access",  # noqa: S106
        revocation_url="https://slack.com/api/auth.revoke",
        account_url="https://slack.com/api/auth.test",
        api_url="https://slack.com/api",
        web_url="https://slack.com",
    )


def _sandbox(provider: str, sandbox_url: str) -> ProviderSettings:
    client_id = SANDBOX_CLIENT_ID
    root = {
        "github": f"{sandbox_url}/github",
        "google-calendar": f"{sandbox_url}/google",
        "slack": f"{sandbox_url}/slack",
    }[provider]
    paths = {
        "github": (
            "/login/oauth/authorize",
            "/login/oauth/access_token",
            f"/api/applications/{client_id}/grant",
            "/api/user",
            "/api",
        ),
        "google-calendar": ("/o/oauth2/v2/auth", "/token", "/revoke", "/v1/userinfo", "/calendar/v3"),
        "slack": ("/oauth/v2/authorize", "/api/oauth.v2.access", "/api/auth.revoke", "/api/auth.test", "/api"),
    }[provider]
    authorization, token, revocation, account, api = (root + path for path in paths)
    return ProviderSettings(
        client_id=client_id,
        client_secret=SANDBOX_CLIENT_SECRET,
        authorization_url=authorization,
        token_url=token,
        revocation_url=revocation,
        account_url=account,
        api_url=api,
        web_url=f"{root}/web",
        is_sandbox=True,
    )
