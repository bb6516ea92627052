"""The warehouse's DDL, numbered: each file of `versions/` runs once, in order. A merged file is never edited."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from stoa_analytics.warehouse.domain import WarehouseIsBehind
from stoa_analytics.warehouse.provider import Handle

_APPLIED = """
CREATE TABLE IF NOT EXISTS warehouse_migrations (version UInt32, name String, applied_at DateTime DEFAULT now())
ENGINE = MergeTree ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One file: `0001_first.sql`."""

    number: int
    name: str
    statements: tuple[str, ...]


def versions() -> list[Version]:
    """All versions that this program knows, in order."""
    return sorted(_read(), key=lambda version: version.number)


def apply(handle: Handle) -> None:
    """Run what has not run yet. ClickHouse has no transactions over DDL, so each statement can run twice."""
    handle.command(_APPLIED)
    done = _applied(handle)
    for version in versions():
        if version.number not in done:
            _run(handle, version)


def check(handle: Handle) -> None:
    """Raises WarehouseIsBehind where a version is missing."""
    exists = handle.command("EXISTS TABLE warehouse_migrations")
    done = _applied(handle) if exists else set()
    missing = [version.name for version in versions() if version.number not in done]
    if missing:
        raise WarehouseIsBehind(f"The warehouse lacks {', '.join(missing)}: run `stoa-analytics migrate` first.")


def _applied(handle: Handle) -> set[int]:
    return {row[0] for row in handle.query("SELECT version FROM warehouse_migrations").result_rows}


def _run(handle: Handle, version: Version) -> None:
    for statement in version.statements:
        handle.command(statement)
    handle.command(
        "INSERT INTO warehouse_migrations (version, name) VALUES ({version:UInt32}, {name:String})",
        parameters={"version": version.number, "name": version.name},
    )


def _read() -> Iterator[Version]:
    for file in resources.files(__package__).joinpath("versions").iterdir():
        if named := re.fullmatch(r"(\d{4})_\w+\.sql", file.name):
            yield Version(int(named[1]), file.name, _statements(file.read_text()))


def _statements(text: str) -> tuple[str, ...]:
    """Statements end with a semicolon at the end of a line."""
    return tuple(part.strip() for part in re.split(r";\s*$", text, flags=re.MULTILINE) if part.strip())
