"""A service's database and its two roles: the owner migrates it, the service works in it and may change no table."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

EXTENSIONS = {"ai": ("vector",)}


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Addresses with credentials: keep them out of logs."""

    url: str
    migrate_url: str


def address(admin_url: str, *, database: str, role: str, password: str) -> str:
    """The admin's address, with another role and database."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role)}:{quote(password)}@{host}", path=f"/{database}"))


async def provision(
    admin_url: str, service: str, *, password: str, migrate_password: str, database: str | None = None
) -> Provisioned:
    """Make the database `service`, its role `<service>` and its owner `<service>_migrate`; safe to run again."""
    name = database or service
    connection = await asyncpg.connect(admin_url)
    try:
        owner = f"{service}_migrate"
        for role, secret in ((service, password), (owner, migrate_password)):
            await _role(connection, role, secret)
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}" OWNER "{owner}"')
    finally:
        await connection.close()
    await _grant(address_of_database(admin_url, name), service, owner)
    return Provisioned(
        address(admin_url, database=name, role=service, password=password),
        address(admin_url, database=name, role=owner, password=migrate_password),
    )


def address_of_database(admin_url: str, database: str) -> str:
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{database}"))


async def _role(connection: "asyncpg.Connection[asyncpg.Record]", role: str, password: str) -> None:
    """Roles are cluster-wide; two processes that make one at once are let be."""
    quoted = await connection.fetchval("SELECT quote_literal($1)", password)
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        try:
            await connection.execute(f'CREATE ROLE "{role}" LOGIN')
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            return
    await connection.execute(f'ALTER ROLE "{role}" PASSWORD {quoted}')


async def _grant(admin_url: str, role: str, owner: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        for extension in EXTENSIONS.get(role, ()):
            await connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{extension}"')
        await connection.execute(f"""
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
            GRANT USAGE, CREATE ON SCHEMA public TO "{owner}";
            GRANT USAGE ON SCHEMA public TO "{role}";
            ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA public
                GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}";
            ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "{role}";
            ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO "{role}";
        """)
    finally:
        await connection.close()
