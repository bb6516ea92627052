"""Every column of every table of every service's database."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import asyncpg

from stoa_devkit.privacy.findings import Findings
from stoa_devkit.privacy.needles import ID, Needle, Needles

_EVENTS: Final = "events name people by their ids; what is personal in them is sealed"
#: Where a bare id may stay, and why that tells nobody anything.
OPAQUE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "event_log": _EVENTS,
        "outbox": _EVENTS,
        "feed_events": _EVENTS,
        "platform_events": _EVENTS,
        "bad_events": "a record that nobody could read: whose it was, and nothing of what it said",
        "parked": "a record set aside that says that the person was erased, or what an operator did",
        "aggregate_versions": "counts the person's events",
        "consumer_marks": "counts the person's events",
        "audit_records": "records name people by their ids; what is personal in them is sealed",
        "personal_keys": "the tombstone that lets no new key be made",
        "idempotency_keys": "the path of a request of somebody else, for a day",
        "republications": "an operator's replay of this key",
        "replays": "an operator's replay of this key",
    }
)
_TABLES: Final = """
SELECT n.nspname, c.relname, coalesce(parent.relname, c.relname) AS family
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE c.relkind IN ('r', 'm')
AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
ORDER BY 1, 2
"""
_LIVING_KEY: Final = "SELECT count(*) FROM personal_keys WHERE person_id = $1 AND key IS NOT NULL"


async def look(databases: Mapping[str, str], needles: Needles, findings: Findings) -> None:
    """`databases`: addresses by service, for a role that may read all tables."""
    for service, url in databases.items():
        try:
            connection = await asyncpg.connect(url, timeout=10, server_settings={"default_transaction_read_only": "on"})
        except (OSError, asyncpg.PostgresError, ValueError) as error:
            findings.miss(f"{service}: database", f"it does not answer ({type(error).__name__})")
            continue
        try:
            await _look_in(connection, service, needles, findings)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            findings.miss(f"{service}: database", f"it did not answer to the end ({type(error).__name__})")
        finally:
            connection.terminate()


async def _look_in(
    connection: "asyncpg.Connection[asyncpg.Record]", service: str, needles: Needles, findings: Findings
) -> None:
    findings.looked_at.append(f"{service}: tables")
    for schema, table, family in await connection.fetch(_TABLES):
        for needle in needles.all:
            rows = await _count(connection, f'"{schema}"."{table}"', needle)
            if not rows:
                continue
            place = f"{service}: table {family}"
            if needle.name == ID and family in OPAQUE:
                findings.keep(place, OPAQUE[family])
            else:
                findings.add(place, needle.name, times=rows)
    if living := await connection.fetchval(_LIVING_KEY, needles.person_id):
        findings.add(f"{service}: table personal_keys", "a key that opens sealed fields", times=living)


async def _count(connection: "asyncpg.Connection[asyncpg.Record]", table: str, needle: Needle) -> int:
    """Rows in which any form of the needle stands, as text or as bytes."""
    # A row's text doubles quotes and backslashes, and shows bytes in hexadecimal digits.
    texts = [form.decode(errors="ignore") for form in needle.forms]
    shown = [text.replace("\\", "\\\\").replace('"', '""') for text in texts]
    forms = list(dict.fromkeys([*texts, *shown, *(form.hex() for form in needle.forms)]))
    query = f"""
        SELECT count(*) FROM {table} AS t
        WHERE EXISTS (SELECT FROM unnest($1::text[]) AS form WHERE strpos(lower(t::text), lower(form)) > 0)
    """  # noqa: S608  # names from the catalog
    return int(await connection.fetchval(query, [form for form in forms if form and "\0" not in form], timeout=600))
