"""Addresses of the audit app, mounted at `/audit/`."""

from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("", views.show_timeline, name="timeline"),
    path("<int:event_id>/proof", views.show_proof, name="proof"),
]
