"""Addresses of the audit app, mounted at `/audit/`."""

from django.urls import path

from audit import auditor_views, event_views, export_views, saved_views, tail_views, views, why_views

app_name = "audit"
urlpatterns = [
    path("", views.show_timeline, name="timeline"),
    path("saved/", saved_views.save_search, name="save_search"),
    path("saved/<int:number>/delete/", saved_views.delete_search, name="delete_search"),
    path("new/", tail_views.show_newer, name="newer"),
    path("everybody/", auditor_views.show_everybody, name="everybody"),
    path("everybody/as/<slug:form>/", export_views.export_events, {"is_everybodys": True}, name="export_everybody"),
    path("as/<slug:form>/", export_views.export_events, name="export"),
    path("completions/", views.list_completions, name="completions"),
    path("everybody/completions/", views.list_completions, {"for_auditor": True}, name="completions_of_auditors"),
    path("<int:event_id>/", event_views.show_event, {"template": "audit/event.html"}, name="event"),
    path("<int:event_id>/facts/", event_views.show_event, {"template": "audit/_facts.html"}, name="facts"),
    path("<int:event_id>/why/", why_views.show_why, name="why"),
    path("<int:event_id>/proof", views.show_proof, name="proof"),
]
