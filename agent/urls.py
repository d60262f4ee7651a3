"""The chat pages."""

from django.urls import path

from agent import views

app_name = "agent"
urlpatterns = [
    path("", views.chat, name="new_chat"),
    path("chat/<uuid:conversation>/", views.chat, name="chat"),
]
