"""The addresses of delivery, among the agent's own."""

from django.urls import path

from agent.delivery import inbox_views, unsubscribe_views, views

urlpatterns = [
    path("schedules/<uuid:schedule>/delivery/", views.show_delivery, name="delivery"),
    path("channels/<uuid:channel>/remove/", views.remove, name="remove_channel"),
    path("deliveries/<uuid:delivery>/again/", views.send_again, name="send_again"),
    path("channels/<uuid:channel>/test/", views.test, name="test_channel"),
    path("inbox/", inbox_views.show_inbox, name="inbox"),
    path("inbox/unread/", inbox_views.count_unread, name="count_unread"),
    path("inbox/<uuid:delivery>/", inbox_views.read, name="read"),
    path("unsubscribe/<str:token>/", unsubscribe_views.unsubscribe, name="unsubscribe"),
]
