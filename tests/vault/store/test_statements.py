"""The statements in SQL say what the ORM would, on either database."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.vault.conftest import ALICE, BOB
from vault import models
from vault.store import secrets, statements

pytestmark = pytest.mark.django_db(databases=["vault"])

NOW = timezone.now()
SID = "sid-1"


def make(connection: str, *, user: str = ALICE, provider: str = "github", **changes: object) -> models.Connection:
    instants = {
        field.attname: NOW + timedelta(minutes=index)
        for index, field in enumerate(models.Connection._meta.concrete_fields)
        if field.get_internal_type() == "DateTimeField"
    }
    fields = {**instants, "account": connection, "account_id": connection, "has_refresh_token": True, **changes}
    return models.Connection.objects.using("vault").create(id=connection, subject=user, provider=provider, **fields)


def test_a_candidate_is_the_row_that_the_orm_reads() -> None:
    make("c-1", granted_scope="a b", is_access_allowed=False, is_default=True, generation=7, intent_generation=None)
    (row,) = statements.lock_candidates(user=ALICE, audience="github")
    expected = models.Connection.objects.using("vault").get(id="c-1")
    names = [field.attname for field in models.Connection._meta.concrete_fields]
    assert {name: getattr(row, name) for name in names} == {name: getattr(expected, name) for name in names}
    assert [type(getattr(row, name)) for name in names] == [type(getattr(expected, name)) for name in names]
    assert row.activated_at is not None
    assert row.activated_at.utcoffset() == timedelta(0)


def test_candidates_are_the_users_own_active_connections_of_this_name() -> None:
    make("c-1")
    make("c-2")
    make("pending", activated_at=None)
    make("elsewhere", provider="slack")
    make("bobs", user=BOB)

    def found(audience: str) -> set[str]:
        return {row.id for row in statements.lock_candidates(user=ALICE, audience=audience)}

    assert found("github") == {"c-1", "c-2"}
    assert found("c-2") == {"c-2"}
    assert found("slack") == {"elsewhere"}
    assert found("pending") == found("bobs") == found("") == found("github' OR '1'='1") == set()


def test_a_sealed_token_is_found_by_connection_and_field() -> None:
    secrets.name_installation()
    secrets.put_tokens(make("c-1"), access_token="access-1", refresh_token="")
    sealed = models.SealedToken.objects.using("vault").get(connection="c-1", field="access").sealed
    assert statements.find_sealed(connection="c-1", field="access") == bytes(sealed)
    assert statements.find_sealed(connection="c-1", field="refresh") is None
    assert statements.find_sealed(connection="c-2", field="access") is None


@pytest.mark.parametrize(
    ("ended", "is_ended"),
    [
        ({"sid": SID}, True),
        ({"sid": "sid-2"}, False),
        ({"sid": SID, "subject": BOB}, False),
        ({"sid": "", "signed_in_through": 1000.5}, True),
        ({"sid": "", "signed_in_through": 1000.25}, False),
        ({"sid": "", "signed_in_through": 2000, "subject": BOB}, False),
        ({"sid": "sid-2", "signed_in_through": 2000}, False),
    ],
)
def test_a_session_ends_by_itself_or_with_all_that_began_by_then(ended: dict[str, object], is_ended: bool) -> None:
    models.EndedSession.objects.using("vault").create(**{"subject": ALICE, "ended_at": NOW, **ended})
    assert statements.has_session_ended(user=ALICE, sid=SID, auth_time=1000.5) is is_ended


def test_one_revoked_token_is_enough() -> None:
    models.RevokedToken.objects.using("vault").create(jti="jti-1", expires_at=NOW)
    assert statements.is_any_revoked(["jti-1"])
    assert statements.is_any_revoked(["jti-0", "jti-1"])
    assert not statements.is_any_revoked(["jti-0", "jti-2"])
