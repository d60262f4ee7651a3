"""The vault process as the fault tests run it: as in production, but its providers are here and it can ask itself."""

from devcontext import env, local_keys
from devcontext.settings import providers
from devcontext.settings.vault import *  # noqa: F403

SECRET_KEY = "nothing is signed with it"
PROVIDERS = providers.load(sandbox_url=env.url("UPSTREAM_URL", "http://127.0.0.1:9"), with_secrets=True)
# By another name: a vault process that is given the key of its callers does not start.
SUBJECT_SIGNING_KEY = env.secret("ASKING_KEY")
SUBJECT_PUBLIC_KEY = local_keys.public_key_of(SUBJECT_SIGNING_KEY)
