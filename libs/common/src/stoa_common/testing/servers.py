"""The servers of a test run: started once from outside, their addresses passed by the environment."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from stoa_common import migrations, provisioning

PASSWORD = "only-for-tests"  # noqa: S105  # of roles in a server that lives as long as the test run


@dataclass(frozen=True, slots=True)
class Servers:
    postgres_url: str
    redis_url: str
    kafka_bootstrap_servers: str


def from_environment() -> Servers:
    """Fails the run with the command that starts them, if they are not there."""
    try:
        return Servers(
            os.environ["STOA_TEST_POSTGRES_URL"],
            os.environ["STOA_TEST_REDIS_URL"],
            os.environ["STOA_TEST_KAFKA_BOOTSTRAP_SERVERS"],
        )
    except KeyError as missing:
        pytest.exit(f"{missing.args[0]} is not set. Run the tests with: stoa with-servers -- pytest ...", returncode=4)


async def clone_database(servers: Servers, service: str) -> provisioning.Provisioned:
    """A database of one's own, cloned from a migrated template that is made once for each state of the migrations."""
    template = f"template_{service}_{_fingerprint(service)}"
    admin = await asyncpg.connect(servers.postgres_url)
    try:
        # Workers of one run ask at the same time; the first makes the template.
        await admin.execute("SELECT pg_advisory_lock(7405002)")
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            await _make_template(admin, servers, service, template)
        name = f"test_{service}_{secrets.token_hex(6)}"
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{service}_migrate"')
        await admin.execute("SELECT pg_advisory_unlock(7405002)")
    finally:
        await admin.close()
    url = provisioning.address(servers.postgres_url, database=name, role=service, password=PASSWORD)
    owner = provisioning.address(servers.postgres_url, database=name, role=f"{service}_migrate", password=PASSWORD)
    return provisioning.Provisioned(url, owner)


async def _make_template(
    admin: "asyncpg.Connection[asyncpg.Record]", servers: Servers, service: str, template: str
) -> None:
    """Under a passing name first: a migration that fails must leave no half template behind."""
    draft = f"{template}_draft"
    await admin.execute(f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)')
    made = await provisioning.provision(
        servers.postgres_url, service, password=PASSWORD, migrate_password=PASSWORD, database=draft
    )
    migrations.upgrade_to_head(service, made.migrate_url)
    await admin.execute(f'ALTER DATABASE "{draft}" RENAME TO "{template}"')


async def drop_database(servers: Servers, url: str) -> None:
    name = url.rpartition("/")[2]
    admin = await asyncpg.connect(servers.postgres_url)
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await admin.close()


def _fingerprint(service: str) -> str:
    digest = hashlib.sha256()
    folder = Path(str(files(f"stoa_{service}"))) / "migrations" / "versions"
    common = Path(str(files("stoa_common")))
    for path in [*sorted(folder.glob("*.py")), common / "tables.py", common / "provisioning.py"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
