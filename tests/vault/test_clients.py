"""A registered client is known by its secret alone, and the secret by its hash alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from tests.vault.conftest import broken_audit
from vault import clients, models, wire
from vault.errors import InvalidClientError, VaultUnavailableError

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

GRANTS = frozenset({wire.GRANT_TYPE})
ANYTHING = {"github": None, "slack": frozenset({"users:read"})}


def register() -> tuple[str, str]:
    """Return the id and the secret of a new client."""
    registration, secret = clients.register("Reporter", allowed=ANYTHING, grant_types=GRANTS)
    return registration.id, secret


def is_accepted(client: str, secret: str) -> bool:
    try:
        return clients.authenticate(client, secret=secret).id == client
    except InvalidClientError:
        return False


def test_a_client_comes_back_as_it_was_registered() -> None:
    registered, secret = clients.register("Reporter", allowed=ANYTHING, grant_types=GRANTS)
    assert clients.authenticate(registered.id, secret=secret).registration == registered


def test_a_secret_has_256_random_bits_and_is_stored_as_a_hash_alone() -> None:
    (client, secret), (_, other) = register(), register()
    assert secret != other
    assert len(secret) == len("dcs_") + 43
    row = models.Client.objects.using("vault").values().get(id=client)
    assert secret not in str(row)


def test_a_wrong_secret_an_unknown_client_and_a_disabled_one_are_refused_alike() -> None:
    client, secret = register()
    _, foreign = register()
    assert is_accepted(client, secret)
    refused = [(client, foreign), (client, ""), (client, secret[:-1]), ("cli_unknown", secret), ("", secret)]
    assert not [pair for pair in refused if is_accepted(*pair)]
    clients.disable(client)
    assert not is_accepted(client, secret)
    clients.enable(client)
    assert is_accepted(client, secret)


def test_no_secret_opens_an_unknown_client() -> None:
    """What is compared in its place must not be the hash of anything."""
    assert not is_accepted("cli_unknown", clients._NO_HASH)


def test_after_a_rotation_the_secret_before_works_for_the_stated_time() -> None:
    client, first = register()
    second = clients.rotate(client, overlap=timedelta(hours=1))
    assert is_accepted(client, first)
    assert is_accepted(client, second)
    models.Client.objects.using("vault").update(previous_until=timezone.now())
    assert not is_accepted(client, first)
    assert is_accepted(client, second)


def test_of_the_older_secrets_the_last_alone_works_on() -> None:
    client, first = register()
    second = clients.rotate(client, overlap=timedelta(hours=1))
    third = clients.rotate(client, overlap=timedelta(hours=1))
    assert [is_accepted(client, secret) for secret in (first, second, third)] == [False, True, True]


def test_a_rotation_without_overlap_ends_the_secret_before_at_once() -> None:
    client, first = register()
    clients.rotate(client, overlap=timedelta(hours=1))
    last = clients.rotate(client, overlap=timedelta())
    assert not is_accepted(client, first)
    assert is_accepted(client, last)


def test_what_is_done_to_a_client_is_recorded() -> None:
    client, _ = register()
    clients.rotate(client, overlap=timedelta())
    clients.disable(client)
    clients.enable(client)
    rows = AuditEvent.objects.using("audit").order_by("id").values_list("event", "client", "user")
    assert list(rows) == [
        (f"vault:client:{action}", client, "") for action in ("created", "rotated", "disabled", "enabled")
    ]


def test_without_the_audit_nobody_is_let_in_but_anybody_can_be_shut_out() -> None:
    client, secret = register()
    with broken_audit():
        with pytest.raises(VaultUnavailableError):
            register()
        with pytest.raises(VaultUnavailableError):
            clients.rotate(client, overlap=timedelta())
        clients.disable(client)
        with pytest.raises(VaultUnavailableError):
            clients.enable(client)
    assert models.Client.objects.using("vault").count() == 1
    assert not is_accepted(client, secret)
    clients.enable(client)
    assert is_accepted(client, secret)


def test_nothing_can_be_done_to_a_client_that_is_not_registered() -> None:
    with pytest.raises(InvalidClientError):
        clients.rotate("cli_unknown", overlap=timedelta())
    with pytest.raises(InvalidClientError):
        clients.disable("cli_unknown")
    with pytest.raises(InvalidClientError):
        clients.enable("cli_unknown")


def test_no_hash_is_in_the_repr_of_a_client() -> None:
    client, secret = register()
    known = clients.authenticate(client, secret=secret)
    row = models.Client.objects.using("vault").get(id=client)
    assert row.secret_hash not in repr(known)
