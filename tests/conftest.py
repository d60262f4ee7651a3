"""What all tests share: databases in files, and a way to empty the append-only audit table between tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management.color import no_style
from django.core.management.commands import flush
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from audit import append_only
from vault.store import secrets


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Put SQLite's test databases in files: in memory, a thread fails at another's lock instead of waiting for it."""
    folder = tmp_path_factory.mktemp("databases")
    for connection in connections.all():
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = str(folder / f"{connection.alias}.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """End the connections of other threads before the databases go: PostgreSQL drops none that is in use."""
    yield
    with django_db_blocker.unblock():
        for connection in connections.all():
            # A database that no test asked for was never made.
            is_made = str(connection.settings_dict["NAME"]).startswith("test_")
            if connection.vendor == "postgresql" and is_made:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )


pytest_plugins = ["tests.vault.fixtures"]


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


# What `post_migrate` fills from the models, and no test changes.
_FROM_MODELS = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def _flush_is_short() -> Iterator[None]:
    """Empty a database after a transactional test without `post_migrate`, which takes longer than most tests.

    The audit's triggers, which refuse it, are lifted meanwhile; the vault gets its name, as `post_migrate` gives it.
    """

    def handle(self: flush.Command, **options: Any) -> None:
        connection = connections[options["database"]]
        tables = [
            table
            for table in connection.introspection.django_table_names(only_existing=True, include_views=False)
            if table not in _FROM_MODELS
        ]
        audit = connection.alias == "audit"
        if audit:
            # What is pinned of an emptied log would tell of a loss.
            settings.AUDIT_PIN_FILE.unlink(missing_ok=True)
            append_only.remove(connection)
        try:
            connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
            if connection.alias == "vault":
                secrets.name_installation()
        finally:
            if audit:
                append_only.install(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", handle)
        yield
