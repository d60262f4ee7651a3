"""The chat pages."""

from django.urls import path

from agent import export_views, views, week_views, welcome_views

app_name = "agent"
urlpatterns = [
    path("", welcome_views.show_front, name="new_chat"),
    path("welcome/", welcome_views.show_welcome, name="welcome"),
    path("settings/working-week/", week_views.show_week, name="working_week"),
    path("chat/<uuid:conversation>/", views.chat, name="chat"),
    path("runs/<uuid:run>/as/<slug:form>/", export_views.export, name="export"),
]
