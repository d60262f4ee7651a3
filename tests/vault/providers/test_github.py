"""GitHub as a GitHub App knows it, as an OAuth App does, and on an enterprise's own server."""

from dataclasses import replace

import pytest
from pytest_django import Settings

from devcontext.settings import providers
from vault.providers import registry
from vault.providers.github import GitHub, GitHubOAuthApp
from vault.providers.scopes import scope_of

GHE = {"api_url": "https://ghe.example/api/v3", "graphql_url": "https://ghe.example/api/graphql"}


@pytest.fixture
def configure(settings: Settings) -> None:
    """GitHub as the sandbox configures it, whatever stands in the environment."""
    settings.PROVIDERS = providers.load(sandbox_url="http://127.0.0.1:9", with_secrets=True)


def _change(settings: Settings, **changes: str) -> None:
    github = replace(settings.PROVIDERS["github"], **changes)
    settings.PROVIDERS = {**settings.PROVIDERS, "github": github}


@pytest.mark.usefixtures("configure")
def test_a_github_app_asks_for_no_scope() -> None:
    github = registry.load("github")
    assert scope_of(github, groups=()) == ()
    assert github.authorization_parameters(scope=()) == {"prompt": "select_account"}


@pytest.mark.usefixtures("configure")
def test_an_oauth_app_asks_for_the_smallest_scopes_that_show_private_work(settings: Settings) -> None:
    _change(settings, app_kind="oauth")
    github = registry.load("github")
    assert isinstance(github, GitHubOAuthApp)
    scope = scope_of(github, groups=())
    assert github.authorization_parameters(scope=scope)["scope"] == "repo read:org"


@pytest.mark.usefixtures("configure")
def test_the_resource_is_the_server_that_is_configured(settings: Settings) -> None:
    """RFC 8707: a client that names github.com gets no token of another server."""
    assert registry.find_by_resource("https://api.github.com") == "github"
    _change(settings, **GHE)
    assert registry.find_by_resource("https://ghe.example/api/v3/") == "github"
    assert registry.find_by_resource("https://ghe.example/api/graphql") == "github"
    assert registry.find_by_resource("https://api.github.com") == ""


def test_without_a_configuration_the_resource_is_githubs_own(settings: Settings) -> None:
    settings.PROVIDERS = {}
    assert "https://api.github.com" in GitHub().resources
