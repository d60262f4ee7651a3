"""The Celery app of the worker process: started as `celery -A devcontext worker -B` where Redis is configured."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.web")

app = Celery("devcontext")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    # One that waits while no worker runs is worth nothing once the next one is there.
    "tick-schedules": {"task": "agent.tick_schedules", "schedule": 60.0, "options": {"expires": 55.0}},
    "deliver-briefings": {"task": "agent.deliver_briefings", "schedule": 60.0, "options": {"expires": 55.0}},
    "end-dead-runs": {"task": "agent.end_dead_runs", "schedule": 60.0},
    "expire-content": {"task": "agent.expire_content", "schedule": 3600.0},
}
