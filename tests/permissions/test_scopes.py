"""Scopes in plain words."""

from agent.tools import needed_scopes
from permissions import needs, scopes
from permissions.services import SERVICES
from vault.providers.github import GitHub, GitHubOAuthApp
from vault.providers.google_calendar import GoogleCalendar
from vault.providers.slack import Slack

CALENDAR = "https://www.googleapis.com/auth/calendar.events"


def test_a_known_scope_is_told_in_words_and_a_new_one_as_it_is() -> None:
    assert scopes.words_of("search:read", provider="slack") == "Search the messages you can see"
    assert scopes.words_of("pins:read", provider="slack") == "pins:read"


def test_what_is_needed_is_what_the_agents_tools_may_ask_for() -> None:
    assert {slug: needs.needed(slug) for slug in SERVICES} == {slug: needed_scopes()[slug] for slug in SERVICES}
    assert needs.needed("slack") >= {"search:read", "channels:history", "groups:history", "im:history", "mpim:read"}
    assert needs.needed("github") == frozenset()
    assert needs.needed("a-provider-of-tomorrow") == frozenset()


def test_a_granted_scope_that_no_tool_asks_for_is_surplus() -> None:
    granted = f"openid https://www.googleapis.com/auth/userinfo.email {CALENDAR}.owned.readonly {CALENDAR}"
    assert scopes.list_surplus("google-calendar", granted_scope=granted) == (CALENDAR,)
    assert scopes.list_surplus("slack", granted_scope="users:read im:history chat:write") == ("chat:write",)
    assert scopes.list_surplus("github", granted_scope="repo read:org gist") == ("gist",)
    assert scopes.list_surplus("github", granted_scope="") == ()


def test_what_is_asked_for_unless_the_user_chooses_otherwise_is_never_surplus() -> None:
    for provider in (GitHub(), GitHubOAuthApp(), GoogleCalendar(), Slack()):
        groups = [scope for name in provider.default_scope_groups for scope in provider.scope_groups[name]]
        granted = " ".join([*provider.identity_scope, *groups])
        assert scopes.list_surplus(provider.id, granted_scope=granted) == ()


def test_each_group_that_is_offered_is_one_that_a_tool_needs() -> None:
    for service in SERVICES.values():
        for group in service.optional_groups:
            assert group.scopes <= needs.needed(service.slug)


def test_each_scope_that_a_tool_needs_is_asked_for_or_offered() -> None:
    """A tool whose scopes no group of the page holds could never be allowed to read."""
    for provider in (GitHub(), GoogleCalendar(), Slack()):
        groups = provider.scope_groups
        asked = {scope for name in provider.default_scope_groups for scope in groups[name]}
        offered = {scope for group in SERVICES[provider.id].optional_groups for scope in group.scopes}
        assert needs.needed(provider.id) <= asked | offered
        assert {group.name: group.scopes for group in SERVICES[provider.id].optional_groups}.items() <= {
            name: frozenset(scopes) for name, scopes in groups.items()
        }.items()


def test_an_oauth_apps_repo_is_called_what_it_is() -> None:
    assert scopes.list_writing("github", granted_scope="read:org repo") == ("repo",)
    assert scopes.words_of("repo", provider="github") == (
        "Read and write access to all your repositories, because GitHub's OAuth Apps know nothing smaller"
    )
    assert not any(scopes.list_writing(slug, granted_scope=" ".join(needs.needed(slug))) for slug in SERVICES)
