"""GitHub in the user's words."""

from permissions.exclusions import ExclusionKind
from permissions.types import Service

GITHUB = Service(
    slug="github",
    name="GitHub",
    can_read=(
        "Pull requests, reviews and issues you can see",
        "Titles, states, checks and sizes",
        "Your commit activity",
    ),
    cannot=("Push, merge, comment or change anything", "Read your keys or settings"),
    # Source: https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-authorization.
    revocation="GitHub ends every token that DevContext has of this account, also one that somebody else connected "
    "here. The app stays installed: remove it at GitHub under Settings, Applications.",
    # Source: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps.
    scope_words={
        "repo": "Read and write access to all your repositories, because GitHub's OAuth Apps know nothing smaller",
        "read:org": "See your organizations and teams",
    },
    # A GitHub App's token carries no scope, so no tool names one; an OAuth App cannot show private pull requests
    # without the first, nor requests to a team without the second.
    base_scopes=frozenset({"repo", "read:org"}),
    writing_scopes=frozenset({"repo"}),
    exclusion_kinds=frozenset({ExclusionKind.REPOSITORY, ExclusionKind.ORGANISATION, ExclusionKind.WORD}),
)
