"""The web process as it runs in production; what is measured here starts below its pages."""

from devcontext.settings.web import *  # noqa: F403

# Keys and providers came from the local defaults; with DEBUG on, Django would keep the text of every query.
DEBUG = False
# What is measured is what the vault can do, not what it lets one caller do.
VAULT_USER_EXCHANGES_PER_MINUTE = VAULT_CLIENT_EXCHANGES_PER_MINUTE = 10_000_000
# The limits are counted as ever, and never reached: what is measured is an exchange, not a refusal.
VAULT_CLIENT_EXCHANGES_PER_MINUTE = VAULT_USER_EXCHANGES_PER_MINUTE = 10**9
