"""The WebSocket addresses of the agent."""

from django.urls import path

from agent.consumers import RunConsumer

websocket_urlpatterns = [path("ws/runs/", RunConsumer.as_asgi())]
