"""Google's error answers.

Source: https://developers.google.com/workspace/calendar/api/guides/errors
"""

from typing import Any

from starlette.responses import JSONResponse

_REALM = 'Bearer realm="https://accounts.google.com/"'


class GoogleError(Exception):
    """An error that Google answers with; `location` names the parameter that is wrong."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str = "",
        in_header: bool = False,
    ) -> None:
        """Keep what the answer says."""
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.more: dict[str, Any] = {}
        detail = {"domain": domain, "reason": reason, "message": message}
        if location:
            detail |= {"locationType": "header" if in_header else "parameter", "location": location}
        self.detail = detail

    def response(self) -> JSONResponse:
        """Return the answer."""
        error = {"errors": [self.detail], "code": self.status, "message": str(self), **self.more}
        return JSONResponse({"error": error}, status_code=self.status, headers=self.headers)


def invalid_credentials() -> GoogleError:
    """Return the answer to a token that is unknown, expired or revoked."""
    error = GoogleError(401, "authError", "Invalid Credentials", location="Authorization", in_header=True)
    error.headers["www-authenticate"] = f'{_REALM}, error="invalid_token"'
    return error


def insufficient_scope() -> GoogleError:
    """Return the answer to a token whose user did not grant this scope."""
    error = GoogleError(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
    error.headers["www-authenticate"] = f'{_REALM}, error="insufficient_scope"'
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
    }
    error.more |= {"status": "PERMISSION_DENIED", "details": [reason]}
    return error


def not_found() -> GoogleError:
    """Return the answer for a calendar, an event or a path that is not there."""
    return GoogleError(404, "notFound", "Not Found")
