#!/usr/bin/env python3
"""Run Django's commands for DevContext; `DJANGO_SETTINGS_MODULE` picks the process (web by default)."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.web")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A wrong value is the reader's to mend; its sentence says how, a traceback would hide it.
        sys.exit(str(error))
