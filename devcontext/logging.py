"""Log records as one line each, without tokens; a net below the rule that logs carry event names and ids only."""

import logging
import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

# The providers' token prefixes (https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats,
# https://docs.slack.dev/authentication/tokens; Google's are not documented but stable), the
# secrets of the vault's own clients, and compact JWTs.
_TOKEN = re.compile(
    r"\b(?:gh[opusr]_\w+|github_pat_\w+|ya29\.[\w.-]+|1//[\w-]+|xox[abeprs][\w.-]+|sk-ant-[\w-]+"
    r"|dcs_[\w-]+|eyJ[\w-]+\.[\w-]+\.[\w-]+)"
)
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class RedactTokens(logging.Filter):
    """Replaces whatever looks like a token in a record's message and extra fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place and let it pass."""
        record.msg, record.args = _TOKEN.sub("[token]", record.getMessage()), None
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS and isinstance(value, str):
                setattr(record, name, _TOKEN.sub("[token]", value))
        return True


class LineFormatter(logging.Formatter):
    """`time level logger message key=value …`, with the traceback below it and tokens taken out of both."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, and its traceback if it has one."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
        pairs = "".join(f" {name}={value}" for name, value in extra.items())
        first, separator, rest = super().format(record).partition("\n")
        return _TOKEN.sub("[token]", f"{first}{pairs}{separator}{rest}")


class NoVariablesFilter(SafeExceptionReporterFilter):
    """Keeps every local variable and POST field out of Django's error reports."""

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        """Show no variable at all."""
        return dict[str, Any]().items()

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Show no field at all."""
        return {}
