"""The addresses of chats, runs, schedules, deliveries, the working week and what Claude cost."""

from django.urls import include, path

from agent import (
    chats_views,
    completion_views,
    export_views,
    file_views,
    grant_views,
    plan_views,
    question_views,
    run_views,
    schedule_views,
    spending_views,
    views,
    week_views,
    welcome_views,
)

app_name = "agent"
urlpatterns = [
    path("", include("agent.delivery.urls")),
    path("", welcome_views.show_front, name="new_chat"),
    path("complete/", completion_views.complete, name="complete"),
    path("welcome/", welcome_views.show_welcome, name="welcome"),
    path("plan/", plan_views.show_plan, {"recipe": "standup"}, name="plans"),
    path("plan/<slug:recipe>/", plan_views.show_plan, name="plan"),
    path("settings/working-week/", week_views.show_week, name="working_week"),
    path("settings/spending/", spending_views.show_spending, name="spending"),
    path("chat/<uuid:conversation>/", views.chat, name="chat"),
    path("chats/", chats_views.show_chats, name="chats"),
    path("chat/<uuid:conversation>/as/markdown/", file_views.save_chat, {"form": "markdown"}, name="chat_file"),
    path("chat/<uuid:conversation>/as/html/", file_views.save_chat, {"form": "html"}, name="chat_page_file"),
    path("chat/<uuid:conversation>/<slug:what>/", chats_views.change, name="change_chat"),
    path("schedules/", schedule_views.show_schedules, name="schedules"),
    path("schedules/new/", schedule_views.create, name="new_schedule"),
    path("schedules/<uuid:schedule>/", schedule_views.show_schedule, name="schedule"),
    path("schedules/<uuid:schedule>/edit/", schedule_views.edit, name="edit_schedule"),
    path("schedules/<uuid:schedule>/grant/", grant_views.grant, name="grant_schedule"),
    path("schedules/<uuid:schedule>/plan/", schedule_views.show_plan, name="schedule_plan"),
    path("schedules/<uuid:schedule>/delete/", schedule_views.delete, name="delete_schedule"),
    path("schedules/<uuid:schedule>/narrow/", grant_views.narrow, name="narrow_schedule"),
    path("schedules/<uuid:schedule>/<slug:what>/", schedule_views.act, name="change_schedule"),
    path("runs/<uuid:run>/", run_views.show_run, name="run"),
    path("runs/<uuid:run>/questions/<uuid:question>/", question_views.answer, name="answer"),
    path("runs/<uuid:run>/fork/", run_views.fork_run, name="fork"),
    path("runs/<uuid:run>/as/file/", file_views.save_answer, name="answer_file"),
    path("runs/<uuid:run>/as/<slug:form>/", export_views.export, name="export"),
]
