"""Addresses of the audit app, mounted at `/audit/`."""

from django.urls import path

from audit import export_views, views, why_views

app_name = "audit"
urlpatterns = [
    path("", views.show_timeline, name="timeline"),
    path("as/<slug:form>/", export_views.export_events, name="export"),
    path("<int:event_id>/why/", why_views.show_why, name="why"),
    path("<int:event_id>/proof", views.show_proof, name="proof"),
]
