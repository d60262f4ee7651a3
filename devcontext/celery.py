"""The Celery app of the worker process: started as `celery -A devcontext worker`, with one `beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.web")

app = Celery("devcontext")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
