"""The chat pages."""

from django.urls import path

from agent import views, week_views

app_name = "agent"
urlpatterns = [
    path("", views.chat, name="new_chat"),
    path("settings/working-week/", week_views.show_week, name="working_week"),
    path("chat/<uuid:conversation>/", views.chat, name="chat"),
]
