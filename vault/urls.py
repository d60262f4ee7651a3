"""The vault's addresses: OAuth endpoints, the callbacks of the providers, and the endpoints behind `HTTPVault`."""

from django.urls import path

from vault import discovery, session_views, token_endpoint, views, wire

urlpatterns = [
    path(".well-known/oauth-authorization-server", discovery.metadata, name="vault_metadata"),
    # The same document, for clients that look only where OpenID Connect puts it.
    path(".well-known/openid-configuration", discovery.metadata, name="vault_openid_configuration"),
    path(".well-known/jwks.json", discovery.jwks, name="vault_jwks"),
    path("oauth/revoke", views.revoke, name="vault_revoke"),
    path("oauth/introspect", views.introspect, name="vault_introspect"),
    path("oauth/receipt", views.prove_receipt, name="vault_receipt"),
    path("connect/<slug:provider>/callback", views.callback, name="vault_callback"),
    *(
        path(wire.PATHS[name].lstrip("/"), view, name=f"vault_{name}")
        for name, view in {
            "exchange": token_endpoint.token,
            "start_connect": views.start_connect,
            "confirm_connection": views.confirm_connection,
            "load_pending": views.load_pending,
            "discard_connection": views.discard_connection,
            "list_connections": views.list_connections,
            "set_access": views.set_access,
            "set_default": views.set_default,
            "list_revocations": views.list_revocations,
            "disconnect": views.disconnect,
            "fingerprint_token": views.fingerprint_token,
            "pause_access": session_views.pause_access,
            "set_away": session_views.set_away,
            "create_grant": session_views.create_grant,
            "change_grant": session_views.change_grant,
            "list_grants": session_views.list_grants,
            "end_grant": session_views.end_grant,
            "end_session": session_views.end_session,
            "end_subject": session_views.end_subject,
            "forget_subject": session_views.forget_subject,
        }.items()
    ),
]
