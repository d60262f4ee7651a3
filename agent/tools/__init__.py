"""The closed registry of read-only tools; what is not in it cannot be called."""

from collections.abc import Mapping
from types import MappingProxyType

from agent.tool import Tool
from agent.tools.connections import CONNECTIONS
from agent.tools.github import (
    GITHUB_ACTIVITY,
    GITHUB_ASSIGNED_ISSUES,
    GITHUB_COMMITS,
    GITHUB_FAILING_CHECKS,
    GITHUB_MENTIONS,
    GITHUB_MY_PULL_REQUESTS,
    GITHUB_PULL_REQUEST,
    GITHUB_PULL_REQUESTS,
    GITHUB_REPOSITORIES,
    GITHUB_REVIEW_REQUESTS,
)
from agent.tools.google_calendar import CALENDAR_AGENDA
from agent.tools.google_calendar_event import CALENDAR_EVENT
from agent.tools.google_calendar_free import CALENDAR_FREE_SLOTS
from agent.tools.slack import SLACK_CHANNEL_MESSAGES, SLACK_MENTIONS
from agent.tools.slack_channels import SLACK_CHANNELS
from agent.tools.slack_direct import SLACK_DIRECT_MESSAGES
from agent.tools.slack_search import SLACK_SEARCH
from agent.tools.slack_thread import SLACK_THREAD

# The order is part of every signed conversation; those of before a change begin anew, see `agent.prefix`.
_ORDER = (
    GITHUB_ACTIVITY,
    GITHUB_REVIEW_REQUESTS,
    GITHUB_MY_PULL_REQUESTS,
    CALENDAR_AGENDA,
    SLACK_MENTIONS,
    SLACK_CHANNEL_MESSAGES,
    CONNECTIONS,
    CALENDAR_FREE_SLOTS,
    CALENDAR_EVENT,
    GITHUB_COMMITS,
    GITHUB_PULL_REQUEST,
    GITHUB_FAILING_CHECKS,
    GITHUB_MENTIONS,
    GITHUB_ASSIGNED_ISSUES,
    GITHUB_REPOSITORIES,
    GITHUB_PULL_REQUESTS,
    SLACK_CHANNELS,
    SLACK_THREAD,
    SLACK_SEARCH,
    SLACK_DIRECT_MESSAGES,
)
REGISTERED: dict[str, Tool] = {tool.name: tool for tool in _ORDER}
# What everybody else gets is a view: a run adds no tool.
TOOLS: Mapping[str, Tool] = MappingProxyType(REGISTERED)


def needed_scopes() -> Mapping[str, frozenset[str]]:
    """Return by provider id the scopes that the tools may ask for between them."""
    providers = {tool.provider for tool in TOOLS.values() if tool.provider}
    return {
        provider: frozenset().union(*(tool.scopes for tool in TOOLS.values() if tool.provider == provider))
        for provider in providers
    }


def words_by_provider() -> Mapping[str, Mapping[str, str]]:
    """Return what each tool reads, by provider id and tool."""
    found: dict[str, dict[str, str]] = {}
    for tool in TOOLS.values():
        if tool.provider:
            found.setdefault(tool.provider, {})[tool.name] = tool.reads
    return found
