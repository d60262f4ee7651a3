"""The vault process as the fault tests run it: as in production, but its providers are here and it can ask itself."""

from devcontext import env, local_keys
from devcontext.settings import providers
from devcontext.settings.vault import *  # noqa: F403

SECRET_KEY = "nothing is signed with it"
PROVIDERS = providers.load(sandbox_url=env.url("UPSTREAM_URL", "http://127.0.0.1:9"), with_secrets=True)
# By another name: a vault process that is given the key of its callers does not start.
SUBJECT_SIGNING_KEY = env.secret("ASKING_KEY")
SUBJECT_PUBLIC_KEY = local_keys.public_key_of(SUBJECT_SIGNING_KEY)
# A test asks as one client what in a minute of use comes from many; the limits have tests of their own.
VAULT_USER_EXCHANGES_PER_MINUTE = VAULT_CLIENT_EXCHANGES_PER_MINUTE = 10_000_000
VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE = 10_000_000
