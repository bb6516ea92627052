"""Migrate where it is due, and find out cheaply where it is not: starting Alembic for each service takes seconds."""

import asyncio
import importlib.metadata
import importlib.util
import re
from contextlib import suppress
from pathlib import Path

import asyncpg

from stoa_devkit import running
from stoa_devkit.services import Service
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

LONGEST_SECONDS = 600.0
RECORD = "migrated.json"
REVISION = re.compile(r"""^(revision|down_revision)\s*(?::[^=\n]+)?=\s*["']([^"']+)["']""", re.MULTILINE)
SCHEMAS_FROM_LIBRARIES = ("procrastinate",)
"""Libraries whose own tables `migrate` brings up to date."""


def recorded_head(service: str) -> str | None:
    """The newest revision that the service's package ships; None without migrations."""
    package = importlib.util.find_spec(f"stoa_{service}")
    places = package.submodule_search_locations if package else None
    files = Path(places[0], "migrations", "versions").glob("*.py") if places else ()
    found = [dict(REVISION.findall(file.read_text())) for file in files]
    heads = {each["revision"] for each in found if "revision" in each} - {each.get("down_revision") for each in found}
    return max(heads, default=None)


async def is_due(service: Service, state: State) -> bool:
    """Whether the database is not where this code would bring it."""
    head = recorded_head(service.name)
    if head is None or state.read(RECORD).get(service.name) != _fingerprint(head):
        return True
    return await _database_head(service.migrate_variables[f"{service.name.upper()}_DATABASE_URL"]) != head


async def migrate(service: Service, state: State) -> None:
    """Run `stoa-<service> migrate`. Raises Trouble with its last words if it fails."""
    log = state.log(f"{service.name}-migrate")
    ran = running.start(service.spec.command("migrate"), log=log, env=service.migrate_variables)
    try:
        await asyncio.to_thread(ran.wait, seconds=LONGEST_SECONDS)
    finally:
        ran.stop()
    if ran.exit_code != 0:
        raise Trouble(f"{service.name}'s database could not be migrated: {_last_line(log)} (see {log}).")
    head = recorded_head(service.name)
    if head is not None:
        state.write(RECORD, {**state.read(RECORD), service.name: _fingerprint(head)})


def _fingerprint(head: str) -> str:
    versions = (f"{name} {importlib.metadata.version(name)}" for name in SCHEMAS_FROM_LIBRARIES if _is_installed(name))
    return ", ".join([head, *versions])


def _is_installed(distribution: str) -> bool:
    return importlib.util.find_spec(distribution) is not None


async def _database_head(url: str) -> str | None:
    connection = await asyncpg.connect(url)
    try:
        with suppress(asyncpg.UndefinedTableError):
            return str(await connection.fetchval("SELECT version_num FROM alembic_version"))
    finally:
        await connection.close()
    return None


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it did not say why"
