"""Every address of the web process; with an embedded vault, the vault's too."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from devcontext import account_deletion, setup_views, signed_in, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/sessions/everywhere/", signed_in.end_everywhere, name="end_everywhere"),
    path("account/delete/", account_deletion.delete_account, name="delete_account"),
    path("accounts/", include("allauth.urls")),
    path("language/", set_language, name="set_language"),
    path("setup/", setup_views.show_setup, name="setup"),
    path("audit/", include("audit.urls")),
    path("", include("permissions.urls")),
    path("", include("agent.urls")),
]
if settings.DEBUG:
    urlpatterns.append(path("debug/components/", views.components, name="components"))
if settings.IS_DEMO:
    urlpatterns += [
        path("accounts/demo/", views.demo_login, name="demo_login"),
        path("accounts/demo/reauthenticate/", views.demo_reauthenticate, name="demo_reauthenticate"),
    ]
if settings.IS_VAULT_EMBEDDED:
    urlpatterns.append(path("", include("vault.urls")))
