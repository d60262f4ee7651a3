"""The Celery app of the worker process: started as `celery -A devcontext worker`, with one `beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.web")

app = Celery("devcontext")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def keep_logging(**_options: Any) -> None:
    """Leave logs as the settings have them, in worker and beat too; `--loglevel` counts for nothing.

    SECURITY: Celery otherwise puts handlers of its own in the place of ours, and what takes tokens out goes with them.
    """


setup_logging.connect(keep_logging)
