"""Which providers there are; of these, the vault serves the ones that have settings."""

from django.conf import settings

from vault.errors import NotConnectedError
from vault.providers.base import Provider
from vault.providers.github import GitHub, GitHubOAuthApp
from vault.providers.google_calendar import GoogleCalendar
from vault.providers.slack import Slack

# By provider id.
PROVIDERS: dict[str, Provider] = {
    provider.id: provider
    for provider in (
        GitHub(),
        GoogleCalendar(),
        Slack(),
    )
}

_GITHUB_OAUTH_APP = GitHubOAuthApp()


def names() -> tuple[str, ...]:
    """Return the ids of all providers, configured here or not."""
    return tuple(PROVIDERS)


def find_by_resource(resource: str) -> str:
    """Return the id of the provider whose API `resource` names, or ""; nothing is normalized, each spelling is listed.

    Source: RFC 8707 section 2: an absolute URI without a fragment.
    """
    return next((provider.id for provider in PROVIDERS.values() if resource in provider.resources), "")


def find_by_auth0_connection(connection: str) -> str:
    """Return the id of the provider that Auth0's Token Vault calls `connection`, or ""."""
    return next((provider.id for provider in PROVIDERS.values() if connection in provider.auth0_connections), "")


def load(provider: str) -> Provider:
    """Return the provider with this id.

    Raises:
        NotConnectedError: There is none, or it is not configured here.
    """
    if provider not in settings.PROVIDERS or provider not in PROVIDERS:
        raise NotConnectedError
    is_oauth_app = provider == GitHub.id and settings.PROVIDERS[provider].app_kind == "oauth"
    return _GITHUB_OAUTH_APP if is_oauth_app else PROVIDERS[provider]
