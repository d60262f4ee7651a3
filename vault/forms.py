"""Reads the form of a request to the vault, strictly: one content type, one value per name, nothing in the URL.

Two readers of a lenient parser can see two different requests; this one sees one or none.
"""

import re
from urllib.parse import parse_qsl

from django.http import HttpRequest

from vault.errors import InvalidRequestError, RequestTooLargeError, WrongMediaTypeError, WrongMethodError

# Three tokens of 4 KiB and the rest: no honest request comes near either limit.
MAX_BYTES = 16 * 1024
MAX_PARAMETERS = 32
_MEDIA_TYPE = re.compile(r'application/x-www-form-urlencoded(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE | re.ASCII)
# RFC 6749 appendix A: values are printable; a line break or NUL in one is an attempt at something else.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def read(request: HttpRequest) -> dict[str, str]:
    """Return the form's parameters; empty ones are left out (RFC 6749 section 3.2).

    Raises:
        InvalidRequestError: The request is not a well-formed form; the subclass says which HTTP status that is.
    """
    if request.method != "POST":
        raise WrongMethodError
    if not _MEDIA_TYPE.fullmatch(request.META.get("CONTENT_TYPE", "").strip()):
        raise WrongMediaTypeError
    # SECURITY: tokens in a URL end up in logs; a request that has one at all is refused (RFC 6750 section 5.3).
    if request.META.get("QUERY_STRING"):
        raise InvalidRequestError
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise RequestTooLargeError
    return _parse(body)


def _parse(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise InvalidRequestError from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs) or any(_CONTROL.search(name + value) for name, value in pairs):
        raise InvalidRequestError
    return {name: value for name, value in parameters.items() if value}
