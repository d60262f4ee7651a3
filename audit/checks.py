"""System check of the audit database, run by `check --database audit` and before every `migrate`."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from audit import append_only, personal_keys
from audit.record import DATABASE

_HINT = (
    "Find out who removed them: rows may have changed since. Install them again with "
    """`manage.py shell -c 'from django.db import connections; from audit import append_only; """
    """append_only.install(connections["audit"])'`."""
)
_PERSONAL_HINT = (
    "Set AUDIT_PERSONAL_KEY to what `manage.py audit_key --new-personal` prints, the same in every process."
)


@register(Tags.security)
def check_personal_key(**_kwargs: Any) -> list[CheckMessage]:
    """Report an error where events that name an account could not be recorded."""
    try:
        personal_keys.parse(settings.AUDIT_PERSONAL_KEY)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=_PERSONAL_HINT, id="audit.E002")]
    return []


@register(Tags.database)
def check_append_only(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report an error when the table exists without its triggers; a database that was never migrated has neither."""
    if DATABASE not in (databases or ()):
        return []
    connection = connections[DATABASE]
    if append_only.TABLE not in connection.introspection.table_names():
        return []
    missing = append_only.list_missing(connection)
    if not missing:
        return []
    return [Error(f"The audit table can be rewritten: {', '.join(missing)} missing.", hint=_HINT, id="audit.E001")]
