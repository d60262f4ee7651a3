"""The vault as a process of its own, for an ASGI server."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.vault")
application = get_asgi_application()
