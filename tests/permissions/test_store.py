"""What a user set is kept, theirs alone, and audited; what cannot be audited is not kept."""

import pytest
from django.contrib.auth.models import User

from audit.errors import AuditUnavailableError
from audit.models import AuditEvent
from permissions import store
from permissions.exclusions import ExclusionKind, Exclusions
from permissions.policy import Mode
from permissions.subjects import subject_of
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit"], transaction=True)

GITHUB = (ExclusionKind.REPOSITORY, ExclusionKind.ORGANISATION, ExclusionKind.WORD)
CHOSEN = {
    ExclusionKind.REPOSITORY: ("Acme/Payroll", "acme/web"),
    ExclusionKind.CHANNEL: ("#HR",),
    ExclusionKind.WORD: ("Project X",),
    ExclusionKind.PRIVATE_EVENTS: ("",),
}


@pytest.fixture
def alice() -> str:
    return subject_of(User.objects.create(username="alice").pk)


@pytest.fixture
def bob() -> str:
    return subject_of(User.objects.create(username="bob").pk)


def recorded() -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.order_by("id")
    return [(row.event, row.tool, row.reason) for row in rows]


def test_a_tool_may_read_until_its_user_says_otherwise(alice: str, bob: str) -> None:
    assert store.set_modes(
        alice, provider="github", modes={"github_commits": Mode.BLOCK, "github_activity": Mode.ALLOW}
    )
    assert store.load_mode(alice, tool="github_commits") is Mode.BLOCK
    assert store.load_mode(alice, tool="github_activity") is Mode.ALLOW
    assert store.load_mode(bob, tool="github_commits") is Mode.ALLOW
    assert store.list_modes(alice) == {"github_commits": Mode.BLOCK}


def test_each_change_is_recorded_from_old_to_new_and_no_change_is_not(alice: str) -> None:
    store.set_modes(alice, provider="github", modes={"github_commits": Mode.BLOCK})
    assert not store.set_modes(alice, provider="github", modes={"github_commits": Mode.BLOCK})
    store.set_modes(alice, provider="github", modes={"github_commits": Mode.ALLOW})
    changed = "permission:tool:changed"
    assert recorded() == [
        (changed, "github_commits", "allow → block"),
        (changed, "github_commits", "block → allow"),
    ]


def test_exclusions_are_kept_as_written_and_compared_without_case(alice: str, bob: str) -> None:
    assert store.set_exclusions(alice, exclusions=CHOSEN)
    assert store.list_exclusions(alice)[ExclusionKind.REPOSITORY] == ("Acme/Payroll", "acme/web")
    assert store.load_exclusions(alice, kinds=GITHUB) == Exclusions(
        repositories=frozenset({"acme/payroll", "acme/web"}), words=frozenset({"project x"})
    )
    assert store.load_exclusions(alice, kinds=[ExclusionKind.CHANNEL]) == Exclusions(channels=frozenset({"hr"}))
    assert store.load_exclusions(alice, kinds=[ExclusionKind.PRIVATE_EVENTS]).hides_private_events
    assert store.load_exclusions(bob, kinds=list(ExclusionKind)) == Exclusions()


def test_the_audit_gets_counts_of_exclusions_and_none_of_their_words(alice: str) -> None:
    store.set_exclusions(alice, exclusions=CHOSEN)
    assert not store.set_exclusions(alice, exclusions=CHOSEN)
    store.set_exclusions(alice, exclusions={**CHOSEN, ExclusionKind.REPOSITORY: ("acme/web",)})
    assert [reason for _, _, reason in recorded()] == [
        "repository: 0 → 2",
        "channel: 0 → 1",
        "private_events: 0 → 1",
        "word: 0 → 1",
        "repository: 2 → 1",
    ]


def test_a_change_that_cannot_be_recorded_is_not_made(alice: str) -> None:
    """No audit row, no action; the gate permits nothing meanwhile either."""
    with table_away("audit", table="audit_event"):
        with pytest.raises(AuditUnavailableError):
            store.set_modes(alice, provider="github", modes={"github_commits": Mode.BLOCK})
        with pytest.raises(AuditUnavailableError):
            store.set_exclusions(alice, exclusions=CHOSEN)
    assert store.list_modes(alice) == {}
    assert not any(store.list_exclusions(alice).values())
