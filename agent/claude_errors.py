"""What a failure of the Messages API means to a run: its code, its one sentence, and whether to try again."""

from django.conf import settings

from agent.errors import ModelError

_SENTENCES = {
    "unreachable": "Claude cannot be reached. Try again in a moment.",
    "overloaded": "Claude is overloaded. Try again in a minute.",
    "rate_limited": "Claude is limiting this installation's requests. Try again in a minute.",
    "unauthorized": "Claude does not accept this installation's key. Its operator has to check it.",
    "bad_request": "Claude did not accept this conversation. Start a new one.",
    "cut_short": "Claude's answer broke off. Try again.",
    "no_model": "This installation has no model.",
}
_SANDBOX_IS_GONE = "The sandbox's stand-in for Claude does not answer. Start the sandbox again with ./dev up."
RETRIED = frozenset({"unreachable", "overloaded", "rate_limited"})
# Source: https://platform.claude.com/docs/en/api/errors. An error inside a stream has status 200: its type counts.
_BY_TYPE = {
    "authentication_error": "unauthorized",
    "permission_error": "unauthorized",
    "billing_error": "unauthorized",
    "rate_limit_error": "rate_limited",
    "overloaded_error": "overloaded",
    "invalid_request_error": "bad_request",
    "not_found_error": "bad_request",
    "request_too_large": "bad_request",
    "timeout_error": "unreachable",
    "api_error": "unreachable",
}
_BY_STATUS = {
    401: "unauthorized",
    402: "unauthorized",
    403: "unauthorized",
    408: "unreachable",
    409: "unreachable",
    429: "rate_limited",
    529: "overloaded",
}
_CLIENT_ERRORS = range(400, 500)


def code_of(*, status: int, error_type: str) -> str:
    """Return the code of `ModelError` for an answer with this status and this `error.type`."""
    fallback = "bad_request" if status in _CLIENT_ERRORS else "unreachable"
    return _BY_STATUS.get(status) or _BY_TYPE.get(error_type, fallback)


def model_error(code: str, *, retry_after_seconds: float | None = None) -> ModelError:
    """Return the error with its sentence for the user, who is told when it was the stand-in that did not answer."""
    if code == "unreachable" and settings.IS_MODEL_SIMULATED:
        return ModelError(code, _SANDBOX_IS_GONE, retry_after_seconds=retry_after_seconds)
    return ModelError(code, _SENTENCES[code], retry_after_seconds=retry_after_seconds)
