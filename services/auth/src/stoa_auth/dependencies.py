"""What the process opens once at start, for routes to ask for by its class."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.keys.service import KeyRing
from stoa_auth.sessions.service import Tokens
from stoa_auth.settings import Settings
from stoa_common.database import Database


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Sequence[object]]:
    """Password hashing and keys; makes the first key and the operator where there are none."""
    database = _open_database(settings)
    passwords = new_passwords(settings)
    try:
        keys = KeyRing(database, secret=settings.keys_secret.get_secret_value())
        await keys.public_keys()
        await _make_operator(database, settings, passwords)
        yield [passwords, keys, new_tokens(settings, keys)]
    finally:
        passwords.close()
        await database.close()


def _open_database(settings: Settings) -> Database:
    """Keys are read beside requests, so by a connection of their own: requests may hold all of the others."""
    if settings.database_url is None:
        raise SystemExit("Set AUTH_DATABASE_URL: the auth service keeps its data in PostgreSQL.")
    return Database(settings.database_url.get_secret_value(), pool_size=1, application_name="auth-keys")


def new_passwords(settings: Settings) -> Passwords:
    return Passwords(
        memory_kib=settings.argon2_memory_kib,
        iterations=settings.argon2_iterations,
        parallelism=settings.argon2_parallelism,
        workers=settings.argon2_workers,
        queue=settings.argon2_queue,
    )


def new_tokens(settings: Settings, keys: KeyRing) -> Tokens:
    return Tokens(
        keys=keys,
        issuer=settings.issuer,
        access_ttl=timedelta(seconds=settings.access_token_ttl_seconds),
        refresh_ttl=timedelta(seconds=settings.refresh_token_ttl_seconds),
    )


async def _make_operator(database: Database, settings: Settings, passwords: Passwords) -> None:
    email, password = settings.operator_email, settings.operator_password
    if email and password:
        await accounts.make_operator(database, email, password.get_secret_value(), passwords=passwords)
