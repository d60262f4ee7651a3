"""Where GitHub is: github.com, or an enterprise's own server."""

import ssl
from typing import Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from devcontext import env
from devcontext.providers.types import Place, ProviderSettings, StandInPaths

_WEB = "https://github.com"


def configure(client_id: str, client_secret: str) -> ProviderSettings:
    """Return the real GitHub's settings, or those of an enterprise's own.

    Source: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app.

    Raises:
        ImproperlyConfigured: One of its variables makes no sense.
    """
    web = env.url("GITHUB_URL", _WEB)
    api, graphql = _api(web)
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
        ca_file=_ca_file(),
        app_kind=_app_kind(),
    )


def _api(web: str) -> tuple[str, str]:
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
    if web == _WEB:
        return "https://api.github.com", ""
    if parts.hostname.endswith(".ghe.com"):
        return f"https://api.{parts.netloc}", f"https://api.{parts.netloc}/graphql"
    return f"{web}/api/v3", f"{web}/api/graphql"


def _ca_file() -> str:
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


def _app_kind() -> Literal["app", "oauth"]:
    match env.text("GITHUB_APP_KIND", "app"):
        case "app":
            return "app"
        case "oauth":
            return "oauth"
        case _:
            raise ImproperlyConfigured("GITHUB_APP_KIND must be app or oauth.")


GITHUB = Place(
    id="github",
    variable_prefix="GITHUB",
    configure=configure,
    stand_in=StandInPaths(
        root="/github",
        authorization="/login/oauth/authorize",
        token="/login/oauth/access_token",  # noqa: S106  (a path)
        revocation="/api/applications/{client_id}/grant",
        account="/api/user",
        api="/api",
    ),
    # Source: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats.
    token_pattern=r"gh[opusr]_\w+|github_pat_\w+",  # noqa: S106  (a pattern)
)
