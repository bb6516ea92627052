"""What the shared tables need now and then: days of `event_log` made ahead, and what has had its time dropped."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from stoa_common import clock, failures
from stoa_common.database import Database, rows_affected
from stoa_common.http import idempotency
from stoa_common.settings import ServiceSettings
from stoa_common.tables import EVENT_LOG_PARTITIONS_AHEAD

EVERY_SECONDS: Final = 3600
RETRY_SECONDS: Final = 30
#: Rows that one transaction forgets: a long one would keep others' dead rows from being cleared away.
AT_ONCE: Final = 10_000
_FORGET_INBOX: Final = text("""
DELETE FROM inbox WHERE ctid = ANY(ARRAY(SELECT ctid FROM inbox WHERE handled_at < :before LIMIT :at_once))
""")


async def run(database: Database, settings: ServiceSettings) -> None:
    """Runs until cancelled, beside the relay."""
    while True:
        pause = RETRY_SECONDS
        with failures.held("housekeeping_held"):
            await tidy(database, settings)
            pause = EVERY_SECONDS
        await asyncio.sleep(pause)


async def tidy(database: Database, settings: ServiceSettings) -> None:
    """Make the days that `event_log` will need, and forget what has had its time."""
    async with database.transaction() as session:
        await session.execute(text("SELECT make_event_log_partitions(:days)"), {"days": EVENT_LOG_PARTITIONS_AHEAD})
        if settings.event_log_retention_days:
            kept = {"days": settings.event_log_retention_days}
            await session.execute(text("SELECT drop_event_log_partitions(:days)"), kept)
        await idempotency.forget_old(session)
    before = clock.now() - timedelta(days=settings.inbox_retention_days)
    while await _forget_inbox(database, before) == AT_ONCE:
        pass


async def _forget_inbox(database: Database, before: datetime) -> int:
    async with database.transaction() as session:
        return rows_affected(await session.execute(_FORGET_INBOX, {"before": before, "at_once": AT_ONCE}))
