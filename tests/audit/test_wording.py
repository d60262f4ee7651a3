"""Every event has a plain sentence."""

import pytest
from django.utils import translation

from agent.providers import PROVIDERS
from agent.tools import TOOLS
from audit import vocabulary
from audit.events import Event, Outcome
from audit.models import AuditEvent
from audit.wording import _SENTENCES, OUTCOME_NAMES, sentence_of, size_of
from permissions.services import SERVICES

SENTENCES = [
    (
        {"event": Event.PERMISSION_CHECK_DENIED, "provider": "slack", "reason": "revoked"},
        "Slack was not read: access to it was turned off.",
    ),
    (
        {"event": Event.VAULT_EXCHANGE_GRANTED, "provider": "github", "tool": "github_activity"},
        "GitHub token exchanged to read your activity on GitHub.",
    ),
    ({"event": Event.VAULT_EXCHANGE_GRANTED, "provider": "github"}, "GitHub token exchanged."),
    (
        {"event": Event.PERMISSION_CHECK_ALLOWED, "provider": "slack", "tool": "slack_mentions"},
        "The AI may read your mentions in Slack.",
    ),
    (
        {"event": Event.PERMISSION_CHECK_ALLOWED, "provider": "slack", "tool": "slack_stars"},
        "The AI may read Slack (slack_stars).",
    ),
    (
        {
            "event": Event.AGENT_CALL_SUCCEEDED,
            "provider": "github",
            "path": "api.github.com/graphql#activity",
            "status": 200,
            "size_bytes": 12_400,
            "duration_ms": 180,
        },
        "Read api.github.com/graphql#activity: 200, 12.4 kB in 180 ms.",
    ),
    ({"event": Event.AGENT_CALL_SUCCEEDED, "provider": "github"}, "Read GitHub: done."),
    (
        {
            "event": Event.AGENT_CALL_FAILED,
            "provider": "slack",
            "path": "slack.com/api/search.messages",
            "status": 429,
            "duration_ms": 90,
            "reason": "rate_limited",
        },
        "Reading slack.com/api/search.messages failed: 429 in 90 ms, it limits how often it can be read.",
    ),
    ({"event": Event.AGENT_CALL_FAILED, "provider": "slack"}, "Reading Slack failed."),
    (
        {"event": Event.VAULT_CONNECTION_CONNECTED, "provider": "github", "account": "octocat"},
        "GitHub was connected as octocat.",
    ),
    ({"event": Event.PERMISSION_ACCESS_REVOKED, "provider": "slack"}, "You revoked the AI's access to Slack."),
    (
        {"event": Event.PERMISSION_CHECK_DENIED, "provider": "myspace", "reason": "policy_denied"},
        "An unknown service was not read: a policy forbids it.",
    ),
    ({"event": Event.VAULT_EXCHANGE_DENIED, "provider": "slack", "reason": "<b>new</b>"}, "No Slack token was given."),
    (
        {"event": Event.VAULT_CLIENT_LIMITED, "client": "cli_1", "reason": "rate_limited"},
        "cli_1 asked for tokens too often and was refused.",
    ),
    (
        {"event": Event.VAULT_CLIENT_LIMITED, "reason": "invalid_client"},
        "A program failed to authenticate too often and was refused.",
    ),
    ({"event": Event.VAULT_CLIENT_ROTATED, "client": "cli_1"}, "cli_1 got a new secret."),
    (
        {"event": Event.AGENT_RUN_FAILED, "reason": "interrupted"},
        "A run failed: DevContext was stopped before its end.",
    ),
    (
        {"event": Event.AGENT_DELIVERY_FAILED, "reason": "interrupted", "method": "webhook"},
        "A briefing could not be sent by webhook: DevContext was stopped while it was sent, and it may have arrived.",
    ),
    ({"event": Event.AUDIT_EVENTS_EXPORTED, "reason": "csv"}, "You saved audit events as a file."),
    (
        {"event": Event.AUDIT_EVENTS_EXPORTED, "reason": "operator"},
        "An operator saved your audit events as a file.",
    ),
    (
        {"event": Event.AUDIT_EVENTS_EXPORTED, "reason": "operator_all"},
        "An operator saved everybody's audit events as a file.",
    ),
    (
        {"event": Event.AGENT_LOOK_STARTED, "provider": "github", "reason": "completion"},
        "A look into GitHub began: names were to be completed in a question.",
    ),
    (
        {"event": Event.PERMISSION_CHECK_DENIED, "provider": "slack", "reason": "access_paused"},
        "Slack was not read: you paused it.",
    ),
    ({"event": "vault:moon:phase"}, "vault:moon:phase."),
]


@pytest.mark.parametrize(("fields", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_an_event_is_told_in_one_sentence(fields: dict[str, object], sentence: str) -> None:
    assert sentence_of(AuditEvent(**fields)) == sentence


def test_every_event_of_the_vocabulary_has_a_sentence() -> None:
    assert set(_SENTENCES) == set(Event)


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("provider", ["", "github"])
def test_a_sentence_needs_nothing_but_the_event(event: Event, provider: str) -> None:
    sentence = sentence_of(AuditEvent(event=event, provider=provider))
    assert sentence.endswith(".")
    assert not {"{", "}", "  "} & set(sentence)
    assert event.value not in sentence


def test_every_outcome_has_a_name() -> None:
    assert set(OUTCOME_NAMES) == set(Outcome)


def test_the_providers_have_the_names_of_the_permission_page() -> None:
    names = {slug: service.name for slug, service in SERVICES.items()}
    assert list(vocabulary.services().items()) == list(names.items())
    assert list(names.items()) == [(facts.id, facts.name) for facts in PROVIDERS.values()]


def test_every_tool_that_reads_a_service_has_words() -> None:
    assert vocabulary.reads().keys() == {tool.name for tool in TOOLS.values() if tool.provider}
    assert all(vocabulary.reads().values())


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_400, "12.4 kB"), (2_097_152, "2.1 MB")]
)
def test_sizes_are_told_in_their_unit(size_bytes: int, text: str) -> None:
    assert size_of(size_bytes) == text
    with translation.override("de"):
        assert size_of(size_bytes) == text.replace(".", ",")
