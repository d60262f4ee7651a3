"""The tools that read GitHub, one module for each subject."""

from agent.tools.github.activity import GITHUB_ACTIVITY
from agent.tools.github.checks import GITHUB_FAILING_CHECKS
from agent.tools.github.commits import GITHUB_COMMITS
from agent.tools.github.issues import GITHUB_ASSIGNED_ISSUES, GITHUB_MENTIONS
from agent.tools.github.pull_request import GITHUB_PULL_REQUEST
from agent.tools.github.pull_requests import (
    GITHUB_MY_PULL_REQUESTS,
    GITHUB_PULL_REQUESTS,
    GITHUB_REVIEW_REQUESTS,
)
from agent.tools.github.repositories import GITHUB_REPOSITORIES

__all__ = [
    "GITHUB_ACTIVITY",
    "GITHUB_ASSIGNED_ISSUES",
    "GITHUB_COMMITS",
    "GITHUB_FAILING_CHECKS",
    "GITHUB_MENTIONS",
    "GITHUB_MY_PULL_REQUESTS",
    "GITHUB_PULL_REQUEST",
    "GITHUB_PULL_REQUESTS",
    "GITHUB_REPOSITORIES",
    "GITHUB_REVIEW_REQUESTS",
]
