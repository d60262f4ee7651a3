"""The web process of a test, which looks for Slack's incoming webhooks where the test says, and nowhere else."""

from devcontext import env
from devcontext.settings.web import *  # noqa: F403

SLACK_HOOKS_URL = env.url("TEST_SLACK_HOOKS_URL", "http://127.0.0.1:9")
