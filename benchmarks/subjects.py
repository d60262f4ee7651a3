"""What is measured in a worker: the exchange, the two usual alternatives, and the floors below all of them.

Each alternative does what it does in practice, no more: it keeps one client or key for good, and writes the same
audit row through the same writer before its token is used.
"""

import asyncio
import json
import os
import secrets
import sqlite3
import time
from abc import ABC, abstractmethod
from random import choice
from typing import Any, ClassVar

import httpx
import psycopg
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connections, models
from joserfc import jwt
from joserfc.jwk import OKPKey

from audit.events import Entry, Event
from audit.record import record
from vault import tokens
from vault.client import transport
from vault.client.tokens import Actor
from vault.client.tokens import exchange as ask_vault
from vault.types import ExchangedToken, ExchangeRequest

USERS = [f"user:{number}" for number in range(1, 21)]
PROVIDER, SCOPE = "slack", "search:read users:read"
_AGENT = "agent:devcontext"
_SIGNED_IN_AT = time.time()
# As long as Slack's, and nobody's.
_TOKEN = "xoxe.xoxp-1-" + "0" * 150


class Subject(ABC):
    """Something that is called again and again. `open` makes what it keeps for good; `prepare` is not measured."""

    _opened: ClassVar[dict[type["Subject"], "Subject"]] = {}

    @classmethod
    async def opened(cls) -> "Subject":
        """Return the one instance of this process."""
        if cls not in cls._opened:
            cls._opened[cls] = cls()
            await cls._opened[cls].open()
        return cls._opened[cls]

    async def open(self) -> None:  # noqa: B027  (most subjects keep nothing)
        """Make what is kept for good."""

    async def prepare(self) -> Any:
        """Return what one call takes."""
        return None

    @abstractmethod
    async def call(self, prepared: Any) -> None:
        """Do the measured thing once."""


async def exchange(*, user: str, provider: str, scope: str) -> ExchangedToken:
    """Do what a tool call of the agent does: mint a subject and an actor token, and exchange them."""
    actor = Actor(agent=_AGENT, run="run", tool="slack_mentions", tool_call=f"toolu_{secrets.token_hex(12)}")
    return await ask_vault(user=user, sid="benchmark", auth_time=1.0, provider=provider, scope=scope, actor=actor)


class Exchange(Subject):
    """The whole exchange as the agent makes it: mint, verify, decide under the lock, open, record, answer."""

    async def call(self, prepared: Any) -> None:
        """Exchange once."""
        await exchange(user=choice(USERS), provider=PROVIDER, scope=SCOPE)


class Answer(Subject):
    """The vault's part alone: the tokens are minted before the clock starts."""

    async def prepare(self) -> ExchangeRequest:
        """Mint the tokens."""
        return ExchangeRequest(
            subject_token=tokens.mint_subject(
                user=choice(USERS), sid="benchmark", auth_time=1.0, purpose="exchange", may_act=_AGENT
            ),
            subject_token_type=tokens.TOKEN_TYPE_ACCESS,
            audience=PROVIDER,
            scope=SCOPE,
            actor_token=tokens.mint_actor(agent=_AGENT, run="run", tool="slack_mentions", tool_call="toolu"),
            actor_token_type=tokens.TOKEN_TYPE_JWT,
        )

    async def call(self, prepared: ExchangeRequest) -> None:
        """Exchange once."""
        await transport.current().exchange(prepared)


class StoredToken(models.Model):
    """The usual encrypted column: a row per user and service in the application's own database."""

    user = models.CharField(max_length=200)
    provider = models.CharField(max_length=32)
    scope = models.TextField()
    is_access_allowed = models.BooleanField(default=True)
    encrypted = models.BinaryField()

    class Meta:
        """Of an app whose tables lie in the database of the accounts."""

        app_label = "agent"
        db_table = "benchmark_stored_token"
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "provider"], name="benchmark_one_token")]


class EncryptedColumn(Subject):
    """Pattern 1: read the row by the ORM, look at its switch, decrypt with Fernet, write the audit row."""

    async def open(self) -> None:
        """Make the table and fill it."""
        self._fernet = Fernet(Fernet.generate_key())
        await sync_to_async(self._fill)()

    async def call(self, prepared: Any) -> None:
        """Read one token; one change of threads, as the exchange has."""
        await sync_to_async(self._read)(choice(USERS))

    def _fill(self) -> None:
        with connections["default"].schema_editor() as editor:
            editor.create_model(StoredToken)
        for user in USERS:
            StoredToken.objects.create(
                user=user, provider=PROVIDER, scope=SCOPE, encrypted=self._fernet.encrypt(_TOKEN.encode())
            )

    def _read(self, user: str) -> None:
        row = StoredToken.objects.get(user=user, provider=PROVIDER)
        if not row.is_access_allowed:
            raise PermissionError
        self._fernet.decrypt(bytes(row.encrypted))
        record(_entry(user))


class SecretsManager(Subject):
    """Pattern 3: one long-lived boto3 client, `get_secret_value`, then the audit row."""

    async def open(self) -> None:
        """Store a secret per user."""
        import boto3  # noqa: PLC0415  (its service models would be in every process, and only one needs them)

        self._client = boto3.client(
            "secretsmanager",
            endpoint_url=os.environ["BENCHMARK_SECRETS_MANAGER"],
            region_name="eu-central-1",
            aws_access_key_id="benchmark",
            aws_secret_access_key="benchmark",  # noqa: S106  (moto looks at no key)
        )
        self._prefix = secrets.token_hex(4)
        for user in USERS:
            secret = json.dumps({"access_token": _TOKEN, "scope": SCOPE, "is_access_allowed": True})
            await asyncio.to_thread(self._client.create_secret, Name=self._name(user), SecretString=secret)

    async def call(self, prepared: Any) -> None:
        """Read one token; one change of threads, to a pool, since the client waits for the network."""
        await asyncio.to_thread(self._read, choice(USERS))

    def _read(self, user: str) -> None:
        secret = json.loads(self._client.get_secret_value(SecretId=self._name(user))["SecretString"])
        if not secret["is_access_allowed"]:
            raise PermissionError
        record(_entry(user))

    def _name(self, user: str) -> str:
        return f"{self._prefix}/{user.replace(':', '-')}/{PROVIDER}"


def _entry(user: str) -> Entry:
    return Entry(
        event=Event.VAULT_EXCHANGE_GRANTED,
        user=user,
        provider=PROVIDER,
        run="run",
        tool="slack_mentions",
        tool_call="toolu",
        client="devcontext-web",
        scope_asked=SCOPE,
        scope_granted=SCOPE,
        exchange=f"ex_{secrets.token_urlsafe(16)}",
    )


class Insert(Subject):
    """Floor: one durable row through the bare driver, without Django, index or trigger, on the caller's thread."""

    _TABLE = "CREATE TABLE IF NOT EXISTS floor (id {key}, kind text, who text, what text, said text)"
    _ROW = ("vault:exchange:granted", "user:1", "slack_mentions", "x" * 300)

    async def open(self) -> None:
        """Open a connection with the durability of the vault's databases."""
        if connections["audit"].vendor == "postgresql":
            self._connection: Any = psycopg.connect(os.environ["AUDIT_DATABASE_URL"], autocommit=True)
            self._mark, key = "%s", "bigserial PRIMARY KEY"
        else:
            self._connection = sqlite3.connect(
                settings.DATA_DIR / f"{type(self).__name__}.sqlite3", isolation_level=None
            )
            self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
            self._mark, key = "?", "INTEGER PRIMARY KEY"
        self._connection.execute(self._TABLE.format(key=key))
        self._fill_log()
        marks = ", ".join([self._mark] * len(self._ROW))
        self._insert = f"INSERT INTO floor (kind, who, what, said) VALUES ({marks})"  # noqa: S608  (our own words)

    def _fill_log(self) -> None:
        """Let SQLite's log grow to the size at which it is used anew: before, each commit also grows a file."""
        if self._mark == "?":
            self._connection.execute("CREATE TABLE ballast AS SELECT zeroblob(8000000)")

    async def call(self, prepared: Any) -> None:
        """Insert one row."""
        self._connection.execute(self._insert, self._ROW)


class VerifyAndInsert(Insert):
    """Floor: verify one JWT, as long as a subject token, with the library that the vault uses; insert one row."""

    async def open(self) -> None:
        """Mint the token."""
        await super().open()
        self._token = tokens.mint_subject(
            user="user:1", sid="benchmark", auth_time=1.0, purpose="exchange", may_act=_AGENT
        )
        self._key = OKPKey.import_key(settings.SUBJECT_PUBLIC_KEY)
        self._claims = jwt.JWTClaimsRegistry(iss={"essential": True}, aud={"essential": True})

    async def call(self, prepared: Any) -> None:
        """Verify and insert."""
        self._claims.validate(jwt.decode(self._token, self._key, algorithms=["Ed25519"]).claims)
        await super().call(prepared)


class RawEncryptedColumn(Insert):
    """Pattern 1 at its barest, as nobody writes it in Django: bare driver, Fernet, a row without index or trigger."""

    async def open(self) -> None:
        """Make a table of tokens beside the floor's."""
        await super().open()
        self._fernet = Fernet(Fernet.generate_key())
        kind = "bytea" if self._mark == "%s" else "blob"
        self._connection.execute(f"CREATE TABLE stored (who text PRIMARY KEY, is_allowed boolean, encrypted {kind})")
        for user in USERS:
            self._connection.execute(
                f"INSERT INTO stored VALUES ({', '.join([self._mark] * 3)})",  # noqa: S608  (our own words)
                (user, True, self._fernet.encrypt(_TOKEN.encode())),
            )
        self._select = f"SELECT is_allowed, encrypted FROM stored WHERE who = {self._mark}"  # noqa: S608  (likewise)

    async def call(self, prepared: Any) -> None:
        """Read one token."""
        is_allowed, encrypted = self._connection.execute(self._select, (choice(USERS),)).fetchone()
        if not is_allowed:
            raise PermissionError
        self._fernet.decrypt(encrypted)
        await super().call(prepared)


class Hello(Subject):
    """Floor of HTTP: Django's least answer, by the client that the vault is asked with."""

    path = "/hello"

    async def open(self) -> None:
        """Open the client."""
        self._http = httpx.AsyncClient(
            base_url=os.environ["BENCHMARK_HELLO"], trust_env=False, follow_redirects=False, timeout=httpx.Timeout(25)
        )

    async def call(self, prepared: Any) -> None:
        """Ask once."""
        (await self._http.get(self.path)).raise_for_status().json()


class BareHello(Hello):
    """Floor of HTTP without Django."""

    path = "/bare"


SUBJECTS: dict[str, type[Subject]] = {
    "exchange": Exchange,
    "answer": Answer,
    "encrypted_column": EncryptedColumn,
    "raw_encrypted_column": RawEncryptedColumn,
    "secrets_manager": SecretsManager,
    "insert": Insert,
    "verify_and_insert": VerifyAndInsert,
    "hello": Hello,
    "bare_hello": BareHello,
}
