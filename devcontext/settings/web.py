"""The web process: pages, sockets and runs; with `VAULT_URL` unset it is the vault as well."""

from devcontext import env, local_keys
from devcontext.process import ownership
from devcontext.settings import prices, providers
from devcontext.settings.base import *  # noqa: F403
from devcontext.settings.base import APP_URL, BASE_DIR, DATA_DIR, DEBUG, SANDBOX_URL, VAULT_URL, database

IS_VAULT_EMBEDDED = not VAULT_URL
# What a vault of its own has and this process then must not.
FOREIGN_SECRETS = () if IS_VAULT_EMBEDDED else ownership.VAULT_ONLY

# `2:<base64>,1:<base64>`, or one per line in a file: the first seals what is asked, read and answered, all open it.
CONTENT_KEYS = env.secret("CONTENT_KEYS") or (DEBUG and local_keys.content_keys(DATA_DIR / "keys")) or ""
# How long what was read stays: tool results, steps, evidence. Titles, questions and answers stay with the conversation.
CONTENT_RETENTION_DAYS = env.integer("CONTENT_RETENTION_DAYS", 30)
SECRET_KEY = env.secret("SECRET_KEY") or (DEBUG and local_keys.session_key(DATA_DIR / "keys")) or ""
ROOT_URLCONF = "devcontext.urls"
ASGI_APPLICATION = "devcontext.asgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "devcontext",
    "devcontext.process",
    "agent",
    "permissions",
    *(["vault"] if IS_VAULT_EMBEDDED else []),
    "audit",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "devcontext.middleware.SecurityHeaders",
    "devcontext.page_language.PageLanguage",
    *(["devcontext.error_pages.OwnErrorPages"] if DEBUG else []),
    "devcontext.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "devcontext.context.installation",
                "devcontext.context.recent_chats",
                "devcontext.context.shell",
                "devcontext.page_language.script_words",
            ]
        },
    }
]
DATABASES = {
    "default": database("default", "DATABASE_URL"),
    "audit": database("audit", "AUDIT_DATABASE_URL"),
    **({"vault": database("vault", "VAULT_DATABASE_URL")} if IS_VAULT_EMBEDDED else {}),
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [env.secret("REDIS_URL")]},
    }
    if env.secret("REDIS_URL")
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
CELERY_BROKER_URL = env.secret("REDIS_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Without an end: a worker that gave up, as by default after some three quarters of an hour, would come back by nobody.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
# A worker holds the one message that it works on; the others stay where the next free worker finds them.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULE = {
    # One that waits while no worker runs is worth nothing once the next one is there.
    "tick-schedules": {"task": "agent.tick_schedules", "schedule": 60.0, "options": {"expires": 55.0}},
    "deliver-briefings": {"task": "agent.deliver_briefings", "schedule": 60.0, "options": {"expires": 55.0}},
    "end-dead-runs": {"task": "agent.end_dead_runs", "schedule": 60.0, "options": {"expires": 55.0}},
    "expire-content": {"task": "agent.expire_content", "schedule": 3600.0},
}
# Who runs the schedules: this process by itself, or a Celery worker and its beat, which need Redis.
SCHEDULER = env.choice("SCHEDULER", "worker" if CELERY_BROKER_URL else "web", among=("web", "worker", "off"))
# Scheduled briefings that a web process runs at the same time; those behind wait for their turn.
SCHEDULES_AT_ONCE = env.integer("SCHEDULES_AT_ONCE", 4)
# A receiver should only note what came, and work on it later. Source: https://www.standardwebhooks.com says 15 to 30
# seconds at most; well within the lease of a delivery.
WEBHOOK_SECONDS = 15.0
# Whether a webhook may be on this machine, over plain http too: for trying it out. Private networks are never sent to.
WEBHOOKS_ALLOW_LOOPBACK = env.boolean("WEBHOOKS_ALLOW_LOOPBACK", default=False)
# The one host that a Slack incoming webhook is at.
SLACK_HOOKS_URL = "https://hooks.slack.com"

# Signing in: e-mail and password by django-allauth. Data connections are the vault's, never allauth's.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "devcontext.accounts.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "devcontext.accounts.SocialAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none" if DEBUG else "mandatory"
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", default=False)
# A mail server that hangs must not hold what sends to it.
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "devcontext@localhost")
# Where one tries it out, mails are printed, unless a mail server is named.
EMAIL_BACKEND = (
    "django.core.mail.backends.console.EmailBackend"
    if DEBUG and not env.text("EMAIL_HOST")
    else "django.core.mail.backends.smtp.EmailBackend"
)
# Whoever has just signed in, or said again who they are, may connect, disconnect and change how they sign in; after a
# quarter of an hour they are asked again. Django-allauth's default of five minutes would ask in mid-onboarding.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
# One address for an account: a new one takes its place once it is confirmed. Changes are told to the address before.
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[DevContext] "
USERSESSIONS_ADAPTER = "devcontext.signed_in.UserSessionsAdapter"
MFA_ADAPTER = "devcontext.second_factors.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# A passkey that does not fit is on record.
MFA_FORMS = {
    "authenticate_webauthn": "devcontext.passkeys.Authenticate",
    "login_webauthn": "devcontext.passkeys.Login",
    "reauthenticate_webauthn": "devcontext.passkeys.Reauthenticate",
}
MFA_TOTP_ISSUER = "DevContext"
# Browsers offer passkeys over https, and over http on this machine's own name alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
# Where no mail goes out, no address is ever confirmed.
MFA_ALLOW_UNVERIFIED_EMAIL = DEBUG
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_SIGNUP_REDIRECT_URL = "/welcome/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"

SESSION_COOKIE_NAME = "__Host-session" if not DEBUG else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if not DEBUG else "csrf"
LANGUAGE_COOKIE_NAME = "__Host-language" if not DEBUG else "language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 31_536_000  # a year, as long as browsers keep a chosen language elsewhere
CSRF_TRUSTED_ORIGINS = [APP_URL]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "servestatic.storage.CompressedManifestStaticFilesStorage"
    },
}
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = DEBUG

PROVIDERS = providers.load(sandbox_url=SANDBOX_URL, with_secrets=IS_VAULT_EMBEDDED)
# The demo user exists only where every provider is a stand-in: it needs no password and must not reach real data.
IS_DEMO = DEBUG and all(provider.is_sandbox for provider in PROVIDERS.values())

# Ed25519 private key (PEM, PKCS#8): signs the subject and actor tokens that this process shows to the vault.
SUBJECT_SIGNING_KEY = env.secret("SUBJECT_SIGNING_KEY") or (DEBUG and local_keys.signing_key(DATA_DIR / "keys")) or ""
if IS_VAULT_EMBEDDED:
    from devcontext.settings.keys import *  # noqa: F403  (a process without a vault has no settings of its keys)

    # Without the private key `devcontext.checks` says what is missing.
    SUBJECT_PUBLIC_KEY = local_keys.public_key_of(SUBJECT_SIGNING_KEY) if SUBJECT_SIGNING_KEY else ""

# The model. Without a key, the sandbox's stand-in speaks the same API and every page says so; without either, or with
# CLAUDE=none, briefings are written from their facts alone, and each says so.
ANTHROPIC_API_KEY = env.secret("ANTHROPIC_API_KEY")
IS_MODEL_OFF = env.choice("CLAUDE", "on", among=("on", "none")) == "none"
IS_MODEL_SIMULATED = not (ANTHROPIC_API_KEY or IS_MODEL_OFF) and bool(SANDBOX_URL)
HAS_MODEL = not IS_MODEL_OFF and bool(ANTHROPIC_API_KEY or SANDBOX_URL)
ANTHROPIC_BASE_URL = env.url(
    "ANTHROPIC_BASE_URL", f"{SANDBOX_URL}/claude" if IS_MODEL_SIMULATED else "https://api.anthropic.com"
)
CLAUDE_MODEL = env.text("CLAUDE_MODEL", "claude-sonnet-5-5") if HAS_MODEL else ""
CLAUDE_EFFORT = env.text("CLAUDE_EFFORT", "medium")
# Whether a run's first question may force a tool call (`tool_choice: any`). The 5.5 models and Fable 5.1 refuse it;
# other models, and other servers that speak the protocol, read more surely with it.
CLAUDE_FORCES_TOOLS = env.boolean("CLAUDE_FORCES_TOOLS", default=False)
CLAUDE_PRICES = prices.load(CLAUDE_MODEL)
# US dollars a day, 0 for no limit. A briefing costs a few cents, so a user's budget is for some fifty of them.
DAILY_BUDGET_USD_PER_USER = env.number("DAILY_BUDGET_USD_PER_USER", 5)
DAILY_BUDGET_USD = env.number("DAILY_BUDGET_USD", 50)
# A conversation longer than this is begun anew from its questions and answers: some 90,000 tokens, which every model's
# window holds together with what one run reads. Each question pays for all that came before it.
HISTORY_MAX_CHARACTERS = env.integer("HISTORY_MAX_CHARACTERS", 240_000)
# A run ends at whichever comes first. Five steps leave room for a second look; no briefing measured needed more.
RUN_MAX_STEPS = env.integer("RUN_MAX_STEPS", 5)
RUN_MAX_TOOL_CALLS = env.integer("RUN_MAX_TOOL_CALLS", 24)
RUN_MAX_SECONDS = env.integer("RUN_MAX_SECONDS", 120)
# How long a run waits for its user where a tool asks first. Its own clock stands still meanwhile, and whoever did not
# answer once is not asked again by that run.
RUN_ASK_SECONDS = env.integer("RUN_ASK_SECONDS", 120)
RUN_MAX_OUTPUT_TOKENS = env.integer("RUN_MAX_OUTPUT_TOKENS", 16_000)
