"""The web process as it runs in production; what is measured here starts below its pages."""

from devcontext.settings.web import *  # noqa: F403

# Keys and providers came from the local defaults; with DEBUG on, Django would keep the text of every query.
DEBUG = False
