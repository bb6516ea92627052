"""A service's database and its two roles: the owner migrates it, the service works in it and may change no table.

`python -m stoa_common.provisioning SERVICE ...` makes what the services' `<SERVICE>_DATABASE_URL` and
`<SERVICE>_MIGRATE_DATABASE_URL` name, with their passwords, through `POSTGRES_ADMIN_URL`.
"""

import asyncio
import sys
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from stoa_common import logs
from stoa_common.settings import read_variable

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
        # Every role may connect to every database unless told otherwise.
        await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{service}"')
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


async def provision_addressed(admin_url: str, service: str, *, url: str, migrate_url: str) -> None:
    """Make what two addresses name; raises ValueError where a role in them is not the service's."""
    (role, password, database), (owner, owner_password, _) = _named(url), _named(migrate_url)
    if (role, owner) != (service, f"{service}_migrate"):
        raise ValueError(f"The roles of {service} are {service} and {service}_migrate, not {role} and {owner}.")
    await provision(admin_url, service, password=password, migrate_password=owner_password, database=database)


def _named(url: str) -> tuple[str, str, str]:
    """Role, password and database of an address."""
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or ""), parts.path.lstrip("/")


def _required(variable: str) -> str:
    value = read_variable(variable)
    if value is None:
        raise SystemExit(f"Set {variable}, or {variable}_FILE.")
    return value


async def _provision_all(services: list[str]) -> None:
    admin_url = _required("POSTGRES_ADMIN_URL")
    for service in services:
        variable = f"{service.upper()}_{{}}DATABASE_URL"
        urls = {"url": _required(variable.format("")), "migrate_url": _required(variable.format("MIGRATE_"))}
        await provision_addressed(admin_url, service, **urls)
        logs.get_logger().info("database_provisioned", database=service)


if __name__ == "__main__":
    logs.configure(service="provision")
    asyncio.run(_provision_all(sys.argv[1:]))
