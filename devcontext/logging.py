"""Log records as one line each, without tokens; a net below the rule that logs carry event names and ids only."""

import logging
import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from devcontext.providers import PLACES

# Anthropic's keys, the secrets of the vault's own clients, and compact JWTs.
_OWN_TOKENS = r"sk-ant-[\w-]+|dcs_[\w-]+|eyJ[\w-]+\.[\w-]+\.[\w-]+"
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# SECURITY: Django adds the request to what it says of a refused one. Its address has a callback's code in it, or words
# that somebody searched for; the message names the path.
_LEFT_OUT = _STANDARD_FIELDS | {"request"}


class RedactTokens(logging.Filter):
    """Replaces whatever looks like a token in a record's message and extra fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place and let it pass."""
        record.msg, record.args = _without_tokens(record.getMessage()), None
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS and isinstance(value, str):
                setattr(record, name, _without_tokens(value))
        return True


class LineFormatter(logging.Formatter):
    """`time level logger message key=value …`, with the traceback below it and tokens taken out of both."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, and its traceback if it has one."""
        extra = {name: value for name, value in vars(record).items() if name not in _LEFT_OUT}
        pairs = "".join(f" {name}={value}" for name, value in extra.items())
        first, separator, rest = super().format(record).partition("\n")
        return _without_tokens(f"{first}{pairs}{separator}{rest}")


def _without_tokens(text: str) -> str:
    patterns = "|".join([*(place.token_pattern for place in PLACES.values()), _OWN_TOKENS])
    return re.sub(rf"\b(?:{patterns})", "[token]", text)


class NoVariablesFilter(SafeExceptionReporterFilter):
    """Keeps every local variable and POST field out of Django's error reports."""

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        """Show no variable at all."""
        return dict[str, Any]().items()

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Show no field at all."""
        return {}
