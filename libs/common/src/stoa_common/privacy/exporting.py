"""A person's part of the archive: all that one service holds on them, a document a table."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import select

from stoa_common.database import Database, Session
from stoa_common.privacy.registry import PersonalSource, Rows, registry
from stoa_common.resources import Resources

END: Final = b'{"end":true}\n'
"""The last line of a part that is whole."""


async def export_tables(
    database: Database, resources: Resources, sources: Sequence[PersonalSource], person_id: UUID
) -> AsyncIterator[tuple[str, bytes]]:
    """Each table's name with its rows as a JSON array. A connection is held for a table, not while somebody reads."""
    for name, entry in registry.tables.items():
        async with database.transaction() as session:
            rows = await entry.export(session, person_id)
        yield name, render(rows)
    async with database.transaction() as session:
        shared = {"jobs": await _jobs(session, person_id), "kept_answers": await _answers(session, person_id)}
    for name, rows in shared.items():
        yield name, render(rows)
    for source in sources:
        yield source.name, render(await source.export(resources, person_id))


def line(name: str, rows: bytes) -> bytes:
    """A table on its way to whoever collects."""
    return b'{"name":%s,"rows":%s}\n' % (orjson.dumps(name), rows)


def render(rows: Rows) -> bytes:
    return orjson.dumps(rows, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    """What JSON has no word for; bytes are digests or sealed, and tell nobody anything."""
    return value.hex() if isinstance(value, bytes) else str(value)


async def _jobs(session: Session, person_id: UUID) -> Rows:
    from stoa_common.jobs.models import jobs

    shown = (jobs.c.id, jobs.c.kind, jobs.c.organization_id, jobs.c.status, jobs.c.arguments, jobs.c.created_at)
    return [dict(row) for row in (await session.execute(_of(shown, jobs.c.person_id, person_id))).mappings()]


async def _answers(session: Session, person_id: UUID) -> Rows:
    """Which requests are remembered by an Idempotency-Key; the answers say again what the tables say."""
    from stoa_common.http.idempotency import idempotency_keys as answers

    shown = (answers.c.route, answers.c.key, answers.c.status, answers.c.created_at)
    return [dict(row) for row in (await session.execute(_of(shown, answers.c.person_id, person_id))).mappings()]


def _of(shown: Any, column: Any, person_id: UUID) -> Any:
    return select(*shown).where(column == person_id)
