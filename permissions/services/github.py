"""GitHub in the user's words."""

from django.utils.translation import gettext_noop as _

from permissions.exclusions import ExclusionKind
from permissions.types import Service

GITHUB = Service(
    slug="github",
    name="GitHub",
    can_read=(
        _("Pull requests, reviews and issues you can see"),
        _("Titles, states, checks and sizes"),
        _("Your commit activity"),
    ),
    cannot=(_("Push, merge, comment or change anything"), _("Read your keys or settings")),
    # Source: https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-authorization.
    revocation=_(
        "GitHub ends every token that DevContext has of this account, also one that somebody else connected "
        "here. The app stays installed: remove it at GitHub under Settings, Applications."
    ),
    # Source: https://docs.github.com/en/apps/maintaining-github-apps/modifying-a-github-app-registration.
    reducing=_(
        "What a GitHub App may read belongs to the app and cannot be made less here: its owner changes it at GitHub "
        "under Settings, Developer settings, GitHub Apps, Permissions. Which repositories it reaches, you choose there "
        "under Settings, Applications, Installed GitHub Apps."
    ),
    # Source: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps.
    scope_words={
        "repo": _("Read and write access to all your repositories, because GitHub's OAuth Apps know nothing smaller"),
        "read:org": _("See your organizations and teams"),
    },
    # A GitHub App's token carries no scope, so no tool names one; an OAuth App cannot show private pull requests
    # without the first, nor requests to a team without the second.
    base_scopes=frozenset({"repo", "read:org"}),
    writing_scopes=frozenset({"repo"}),
    exclusion_kinds=frozenset({ExclusionKind.REPOSITORY, ExclusionKind.ORGANISATION, ExclusionKind.WORD}),
)
