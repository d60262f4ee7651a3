"""Reads the parameters of a request to the vault, strictly: one content type, one value per name, nothing in the URL.

Two readers of a lenient parser can see two different requests; this one sees one or none.
"""

import re
from collections.abc import Collection, Sequence
from urllib.parse import parse_qsl

from django.http import HttpRequest

from vault import json_body
from vault.errors import InvalidRequestError, RequestTooLargeError, WrongMediaTypeError, WrongMethodError

# Three tokens of 4 KiB and the rest: no honest request comes near either limit.
MAX_BYTES = 16 * 1024
MAX_PARAMETERS = 32
_CHARSET = r'(?:\s*;\s*charset="?utf-8"?)?'
_FORM = re.compile("application/x-www-form-urlencoded" + _CHARSET, re.IGNORECASE | re.ASCII)
_JSON = re.compile("application/json" + _CHARSET, re.IGNORECASE | re.ASCII)
# RFC 6749 appendix A: values are printable; a line break or NUL in one is an attempt at something else.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Pairs = Sequence[tuple[str, str]]


def read(request: HttpRequest) -> dict[str, str]:
    """Return the form's parameters; empty ones are left out (RFC 6749 section 3.2).

    Raises:
        InvalidRequestError: The request is not a well-formed form; the subclass says which HTTP status that is.
    """
    _require_plain_post(request)
    if not is_form(request):
        raise WrongMediaTypeError
    return single(_checked(_parse_form(_body(request))))


def read_pairs(request: HttpRequest) -> Pairs:
    """Return the names and values of a form or a flat JSON object as they came, repeated and empty ones too.

    Raises:
        InvalidRequestError: The request is neither; the subclass says which HTTP status that is.
    """
    _require_plain_post(request)
    if is_form(request):
        return _checked(_parse_form(_body(request)))
    if _JSON.fullmatch(_content_type(request)):
        return _checked(json_body.parse(_body(request)))
    raise WrongMediaTypeError


def single(pairs: Pairs, *, besides: Collection[str] = ()) -> dict[str, str]:
    """Return the parameters that come once by nature: all but `besides`; empty ones are left out.

    Raises:
        InvalidRequestError: One of them comes twice (RFC 6749 section 3.2).
    """
    wanted = [(name, value) for name, value in pairs if name not in besides]
    parameters = dict(wanted)
    if len(parameters) != len(wanted):
        raise InvalidRequestError
    return {name: value for name, value in parameters.items() if value}


def is_form(request: HttpRequest) -> bool:
    """Tell whether the body says of itself that it is a form."""
    return _FORM.fullmatch(_content_type(request)) is not None


def _require_plain_post(request: HttpRequest) -> None:
    if request.method != "POST":
        raise WrongMethodError
    # SECURITY: tokens in a URL end up in logs; a request that has one at all is refused (RFC 6750 section 5.3).
    if request.META.get("QUERY_STRING"):
        raise InvalidRequestError


def _content_type(request: HttpRequest) -> str:
    return str(request.META.get("CONTENT_TYPE", "")).strip()


def _body(request: HttpRequest) -> bytes:
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise RequestTooLargeError
    return body


def _parse_form(body: bytes) -> Pairs:
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise InvalidRequestError from None


def _checked(pairs: Pairs) -> Pairs:
    if len(pairs) > MAX_PARAMETERS or any(_CONTROL.search(name + value) for name, value in pairs):
        raise InvalidRequestError
    return pairs
