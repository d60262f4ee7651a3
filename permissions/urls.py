"""Addresses of the permissions app, mounted at `/`."""

from django.urls import path

from permissions import connect_views, leak_views, policy_views, views

app_name = "permissions"
urlpatterns = [
    path("settings/permissions/", views.show_page, name="page"),
    path("settings/permissions/dots", views.show_dots, name="dots"),
    path("settings/permissions/exclusions", policy_views.exclusions, name="exclusions"),
    path("settings/permissions/allowances/<int:allowance>/end", policy_views.end_allowance, name="end_allowance"),
    path("settings/permissions/revoke-all", views.revoke_all, name="revoke_all"),
    path("settings/permissions/<slug:provider>/tools", policy_views.set_tools, name="tools"),
    path("settings/permissions/<slug:provider>/pause", views.pause, name="pause"),
    path("settings/permissions/<slug:provider>/away", views.set_away, name="away"),
    path("settings/permissions/<slug:provider>/revoke", views.revoke, name="revoke"),
    path("settings/permissions/<slug:provider>/restore", views.restore, name="restore"),
    path("settings/permissions/<slug:provider>/default", views.make_default, name="make_default"),
    path("settings/permissions/<slug:provider>/disconnect", views.disconnect, name="disconnect"),
    path("audit/token/", leak_views.trace_token, name="trace_token"),
    path("auth/connect/<slug:provider>", connect_views.connect, name="connect"),
    path("auth/connect/<slug:provider>/choose", connect_views.choose, name="connect_choose"),
    path("auth/connect/<slug:provider>/return", connect_views.connect_return, name="connect_return"),
]
