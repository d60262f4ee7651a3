"""The vault's tables. Rows leave them only through `vault.store`; secrets lie in them only as sealed records."""

from typing import ClassVar

from django.db import models


class Installation(models.Model):
    """The random name of this installation, one row; part of what every sealed record is bound to.

    `sealed_fingerprint_key` is made at the first fingerprint and then stays, whatever becomes of the key-encryption
    keys: fingerprints join audit events of years.
    """

    name = models.CharField(max_length=64)
    sealed_fingerprint_key = models.BinaryField(null=True)


class Connection(models.Model):
    """One user's link to one provider, without its tokens.

    Of a user's connections to one provider, one per account, `is_default` marks the one that the provider's name
    stands for. `activated_at` is empty while the connection is pending: nobody can use it until its user's session
    confirms it; `reconnects` then names the connection whose tokens it is to replace, if any. A connection is paused
    until an instant, which nobody has to lift, and read while its user is away only if they said so. `generation`
    counts the token pairs; a sealed token of another generation does not open. The refresh columns are the lease: who
    refreshes (`lease_owner`, until `lease_until`), under which `fence`, and since when the outcome of a request is
    unknown (`intent_generation`).
    """

    id = models.CharField(primary_key=True, max_length=40)
    subject = models.CharField(max_length=200)
    provider = models.CharField(max_length=32)
    account_id = models.CharField(max_length=200)
    account = models.CharField(max_length=200)
    is_default = models.BooleanField(default=False)
    asked_scope = models.TextField(blank=True)
    granted_scope = models.TextField(blank=True)
    is_access_allowed = models.BooleanField(default=True)
    paused_until = models.DateTimeField(null=True)
    is_away_allowed = models.BooleanField(default=False)
    reconnect_reason = models.CharField(max_length=64, blank=True)
    activated_at = models.DateTimeField(null=True)

    pending_sid = models.CharField(max_length=200, blank=True)
    pending_nonce_hash = models.CharField(max_length=64, blank=True)
    pending_until = models.DateTimeField(null=True)
    reconnects = models.CharField(max_length=40, blank=True)

    generation = models.PositiveIntegerField(default=1)
    access_expires_at = models.DateTimeField(null=True)
    access_life_seconds = models.PositiveIntegerField(null=True)
    has_refresh_token = models.BooleanField()

    fence = models.PositiveBigIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    intent_generation = models.PositiveIntegerField(null=True)
    intent_fingerprint = models.CharField(max_length=64, blank=True)
    intent_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        """One active connection per account, one default per provider; pending ones are found by their end."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject", "provider", "account_id"],
                condition=models.Q(activated_at__isnull=False),
                name="vault_one_connection_per_account",
            ),
            models.UniqueConstraint(
                fields=["subject", "provider"],
                condition=models.Q(activated_at__isnull=False, is_default=True),
                name="vault_one_default_connection",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["pending_until"], name="vault_connection_pending")]


class SealedToken(models.Model):
    """One upstream token of a connection, sealed. `field` is `access` or `refresh`."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="tokens")
    field = models.CharField(max_length=16)
    sealed = models.BinaryField()

    class Meta:
        """One token of each kind per connection."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "field"], name="vault_one_token_per_field")
        ]


class OAuthState(models.Model):
    """A connect flow that is under way; deleted by the callback that uses it."""

    state_hash = models.CharField(primary_key=True, max_length=64)
    provider = models.CharField(max_length=32)
    redirect_uri = models.CharField(max_length=500)
    subject = models.CharField(max_length=200)
    sid = models.CharField(max_length=200)
    asked_scope = models.TextField(blank=True)
    reconnects = models.CharField(max_length=40, blank=True)
    sealed_verifier = models.BinaryField(null=True)
    expires_at = models.DateTimeField(db_index=True)


class Revocation(models.Model):
    """The token of an erased connection, kept sealed until the provider took it back; no exchange can reach it."""

    id = models.CharField(primary_key=True, max_length=40)
    connection = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    provider = models.CharField(max_length=32)
    account_id = models.CharField(max_length=200, blank=True)
    account = models.CharField(max_length=200)
    sealed = models.BinaryField()
    token_ends_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField()


class EndedRevocation(models.Model):
    """How a revocation ended, without the token: what the user is told of it for a while."""

    id = models.CharField(primary_key=True, max_length=40)
    subject = models.CharField(max_length=200, db_index=True)
    provider = models.CharField(max_length=32)
    account = models.CharField(max_length=200)
    is_confirmed = models.BooleanField()
    token_ends_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(db_index=True)


class RevokedToken(models.Model):
    """The `jti` of a subject or actor token that is refused before its end; kept until it would have ended."""

    jti = models.CharField(primary_key=True, max_length=200)
    expires_at = models.DateTimeField(db_index=True)


class EndedSession(models.Model):
    """A session whose tokens are not honoured any more; with `sid` "", every session of the subject that began early.

    `signed_in_through` is then the latest `auth_time` (seconds since the epoch) that does not count any more.
    """

    subject = models.CharField(max_length=200)
    sid = models.CharField(max_length=200, blank=True)
    signed_in_through = models.FloatField(null=True)
    ended_at = models.DateTimeField(db_index=True)

    class Meta:
        """One row per session, and one per subject for all of them."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["subject", "sid"], name="vault_session_ends_once")]


class Grant(models.Model):
    """A user's permission to read `providers` (ids, space-separated) in their absence; `sid` of tokens: `grant:<id>`.

    `agent` is the only one that may act by it, and with `tools` alone (names, space-separated).
    """

    id = models.CharField(primary_key=True, max_length=40)
    subject = models.CharField(max_length=200, db_index=True)
    agent = models.CharField(max_length=100, default="")
    providers = models.CharField(max_length=200)
    tools = models.TextField(default="")
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class OutboxEvent(models.Model):
    """An audit event of a change that must not wait for the audit; recorded, then deleted, as soon as it answers."""

    entry = models.JSONField()
    queued_at = models.DateTimeField(auto_now_add=True)


class Client(models.Model):
    """A registered program that may exchange tokens; its secret is known here by its hash only.

    `allowed` maps provider ids to a list of scopes, or to null for whatever the user granted. The previous secret
    works until `previous_until`.
    """

    id = models.CharField(primary_key=True, max_length=40)
    name = models.CharField(max_length=100)
    secret_hash = models.CharField(max_length=64)
    previous_secret_hash = models.CharField(max_length=64, blank=True)
    previous_until = models.DateTimeField(null=True)
    allowed = models.JSONField()
    grant_types = models.JSONField()
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    rotated_at = models.DateTimeField(null=True)
