"""The vault process as it runs in production, but for TLS: with DEBUG off it would redirect to https."""

from devcontext.settings.vault import *  # noqa: F403

# Keys and providers came from the local defaults; from here on nothing is recorded or shown for debugging.
DEBUG = False
SECURE_SSL_REDIRECT = False
ALLOWED_HOSTS = ["127.0.0.1"]
# What is measured is what the vault can do, not what it lets one caller do.
VAULT_USER_EXCHANGES_PER_MINUTE = VAULT_CLIENT_EXCHANGES_PER_MINUTE = 10_000_000
# The limits are counted as ever, and never reached: what is measured is an exchange, not a refusal.
VAULT_CLIENT_EXCHANGES_PER_MINUTE = VAULT_USER_EXCHANGES_PER_MINUTE = 10**9
