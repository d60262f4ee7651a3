"""What a provider's answer means to us: JSON to use, or one of our own sentences about why there is none.

It never repeats the provider's words: they may be wrong, hostile or hold data.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from agent.errors import ToolErrorCode, ToolFailedError
from agent.providers import PROVIDERS

# GitHub asks for "at least one minute" where it names no time; the quotas of Google and Slack are per minute.
# Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
DEFAULT_WAIT_SECONDS = 60
# A longer wait is a broken header: the longest window of the three providers is GitHub's hour.
MAX_WAIT_SECONDS = 3_600

_SENTENCES: Mapping[str, str] = {
    "reconnect_required": "{name} no longer accepts the connection. Reconnect it in Settings.",
    "missing_scope": "{name} was connected without the permission this needs. Reconnect it in Settings to add it.",
    "missing_named": "{name} was connected without a permission that this needs: {needed}. Whoever runs DevContext can "
    "ask for it where the app is registered.",
    "not_found": "{name} has nothing there that this connection can see.",
    "not_found_named": "{name} has nothing there that this connection can see. It may take a permission: {needed}.",
    "rate_limited": "{name} is rate limiting; try again in {seconds} seconds.",
    "timeout": "{name} did not answer in time, so it is not part of this answer.",
    "unreachable": "{name} cannot be reached, so it is not part of this answer.",
    "unusable": "{name} gave an answer that cannot be used, so it is not part of this answer.",
    "undeclared_request": "This tool asked {name} for something that it does not declare, so nothing was sent.",
    "refused": "{name} refused the request, so it is not part of this answer.",
    "broken": "{name} is not working right now, so it is not part of this answer.",
}
_BY_STATUS: Mapping[int, ToolErrorCode] = {
    HTTPStatus.UNAUTHORIZED: "reconnect_required",
    HTTPStatus.FORBIDDEN: "missing_scope",
    HTTPStatus.NOT_FOUND: "not_found",
    # GitHub answers a search in a repository that the connection cannot see with 422.
    HTTPStatus.UNPROCESSABLE_ENTITY: "not_found",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One upstream answer, or what came of it.

    Attributes:
        status: HTTP status, None when there was no answer.
        headers: Header names in lower case.
        body: The whole body, at most the transport's limit.
        error: "", or `timeout`, `unreachable`, `interrupted`, `unusable`: why there is nothing to parse.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    error: str = ""

    @property
    def is_json(self) -> bool:
        """Whether the answer says that it is JSON."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"

    def json(self) -> Any:
        """Return the parsed body, or None where it is not JSON; half of a surrogate pair becomes a question mark."""
        try:
            return _parse(self.body) if self.is_json else None
        except (ValueError, RecursionError):
            return None


def _parse(body: bytes) -> Any:
    value = json.loads(body, parse_constant=_refuse_constant)
    if b"\\u" not in body:
        return value
    # Python takes an escaped half pair, and then no UTF-8 of it can be written: not to the model, not in a request.
    return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def _refuse_constant(name: str) -> None:
    # Python takes NaN and Infinity; RFC 8259 section 6 does not.
    raise ValueError(f"{name} is no JSON.")


def name_of(provider: str) -> str:
    """Return the provider's name as the user knows it."""
    return PROVIDERS[provider].name


def unusable(provider: str) -> ToolFailedError:
    """Return the error for an answer that is not what the provider documents."""
    return ToolFailedError("upstream_unavailable", _SENTENCES["unusable"].format(name=name_of(provider)))


def undeclared(provider: str) -> ToolFailedError:
    """Return the error for a request that is not in the tool's declaration."""
    return ToolFailedError("undeclared_request", _SENTENCES["undeclared_request"].format(name=name_of(provider)))


def find_failure(
    *, provider: str, answer: Answer, code: ToolErrorCode | None, needed: str = ""
) -> ToolFailedError | None:
    """Return why `answer` cannot be used, or None.

    Args:
        provider: Provider id.
        answer: What came back.
        code: What the provider's own way of refusing says, where it does: it is more exact than the status.
        needed: Permissions that would have been enough, in our words, where the provider names them.
    """
    if answer.error or answer.status is None:
        return _unavailable(provider, sentence=answer.error if answer.error in _SENTENCES else "unreachable")
    code = code or _BY_STATUS.get(answer.status)
    if code is not None:
        return _failure(provider, code=code, answer=answer, needed=needed)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _failure(provider, code="upstream_unavailable", answer=answer)
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return _unavailable(provider, sentence="refused", status=answer.status)
    # A redirect is not followed: it could lead the token to another host.
    is_usable = answer.status == HTTPStatus.OK and answer.json() is not None
    return None if is_usable else unusable(provider)


def _failure(provider: str, *, code: ToolErrorCode, answer: Answer, needed: str = "") -> ToolFailedError:
    wait = _wait_seconds(answer.headers)
    if code == "rate_limited":
        wait = DEFAULT_WAIT_SECONDS if wait is None else wait
    elif code != "upstream_unavailable":
        wait = None
    message = _SENTENCES[_sentence_of(code, needed=needed)].format(name=name_of(provider), seconds=wait, needed=needed)
    return ToolFailedError(code, message, retry_after_seconds=wait, status=answer.status)


def _sentence_of(code: ToolErrorCode, *, needed: str) -> str:
    named = {"missing_scope": "missing_named", "not_found": "not_found_named"}
    if needed and code in named:
        return named[code]
    return "broken" if code == "upstream_unavailable" else code


def _unavailable(provider: str, *, sentence: str, status: int | None = None) -> ToolFailedError:
    message = _SENTENCES[sentence].format(name=name_of(provider))
    return ToolFailedError("upstream_unavailable", message, status=status)


def _wait_seconds(headers: Mapping[str, str]) -> int | None:
    """Return the seconds the provider asks to wait, from `Retry-After` or GitHub's reset instant."""
    seconds = _whole(headers.get("retry-after"))
    reset_at = _whole(headers.get("x-ratelimit-reset"))
    if seconds is None and reset_at is not None and headers.get("x-ratelimit-remaining") == "0":
        seconds = reset_at - int(time.time())
    return None if seconds is None else min(max(seconds, 1), MAX_WAIT_SECONDS)


def _whole(value: str | None) -> int | None:
    # Ten digits hold every instant until the year 2286; more is not a time.
    is_number = value is not None and value.isascii() and value.isdigit() and len(value) <= 10  # noqa: PLR2004
    return int(value) if is_number and value is not None else None
