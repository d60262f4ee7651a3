"""The log's keys as this process is given them: all of them where it signs, the public ones where it only checks."""

from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from audit import checkpoint
from audit.checkpoint import LogKeys


def current() -> LogKeys:
    """Return the keys of this process; those of one that does not sign have no signers.

    Raises:
        ImproperlyConfigured: There are none, or one is malformed.
    """
    pem = getattr(settings, "AUDIT_LOG_KEY", "")
    if pem:
        return _load(pem, name=settings.AUDIT_LOG_NAME)
    if not settings.AUDIT_LOG_VERIFIERS:
        raise ImproperlyConfigured("No key of the audit's log is set: neither AUDIT_LOG_KEY nor AUDIT_LOG_VERIFIERS.")
    return _load_verifiers(settings.AUDIT_LOG_VERIFIERS)


_load = lru_cache(maxsize=4)(checkpoint.load_keys)
_load_verifiers = lru_cache(maxsize=4)(checkpoint.load_verifiers)
