"""What anybody may know of this authorization server: its metadata, and the public keys of the tokens it takes.

Nothing in here depends on who asks, and nothing of it is secret.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from vault import jws, wire

# A key that is taken away is refused at once whatever a cache says; one that is new is published before it is used.
_MAX_AGE_SECONDS = 300
_CACHED = {"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}"}
_AUTH_METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post")


@require_safe
async def metadata(_request: HttpRequest) -> JsonResponse:
    """Describe this authorization server. Source: RFC 8414 sections 2 and 3.2.

    There is no authorization endpoint, so no response type is supported; the provider names the scopes, so none is
    listed.
    """
    return JsonResponse(
        {
            "issuer": settings.VAULT_ISSUER,
            "token_endpoint": _address("vault_exchange"),
            "jwks_uri": _address("vault_jwks"),
            "grant_types_supported": list(wire.GRANT_TYPES),
            "response_types_supported": [],
            **_authentication("token_endpoint"),
            "revocation_endpoint": _address("vault_revoke"),
            **_authentication("revocation_endpoint"),
            "introspection_endpoint": _address("vault_introspect"),
            **_authentication("introspection_endpoint"),
        },
        headers=_CACHED,
    )


@require_safe
async def jwks(_request: HttpRequest) -> JsonResponse:
    """Publish the keys that subject and actor tokens are verified with. Source: RFC 7517 section 5."""
    return JsonResponse({"keys": public_keys()}, headers=_CACHED)


def public_keys() -> list[dict[str, Any]]:
    """Return the keys as JWKs, without any private member."""
    return [jws.public_jwk(key) for key in jws.import_keys(settings.SUBJECT_PUBLIC_KEY)]


def _authentication(endpoint: str) -> dict[str, Any]:
    algorithms = sorted({key["alg"] for key in public_keys()})
    return {
        f"{endpoint}_auth_methods_supported": list(_AUTH_METHODS),
        f"{endpoint}_auth_signing_alg_values_supported": algorithms,
    }


def _address(name: str) -> str:
    return settings.VAULT_ISSUER + reverse(name)
