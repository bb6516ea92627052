"""What the shared tables need now and then: days of `event_log` made ahead, and what has had its time dropped."""

import asyncio
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, text

from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.http import idempotency
from stoa_common.messaging import failures
from stoa_common.messaging.tables import inbox
from stoa_common.tables import EVENT_LOG_PARTITIONS_AHEAD

EVERY_SECONDS: Final = 3600
RETRY_SECONDS: Final = 30
KAFKA_RETENTION: Final = timedelta(days=7)
#: A record that Kafka may still deliver must find its inbox entry.
INBOX_RETENTION: Final = timedelta(days=30)


class InboxIsTooShort(SystemExit):
    """Kafka would redeliver what the inbox has forgotten."""


async def run(database: Database) -> None:
    """Runs until cancelled, beside the relay."""
    if KAFKA_RETENTION + timedelta(hours=8) > INBOX_RETENTION:
        raise InboxIsTooShort("Keep the inbox longer than Kafka keeps records, and eight hours.")
    while True:
        pause = RETRY_SECONDS
        with failures.held("housekeeping_held"):
            async with database.transaction() as session:
                await tidy(session)
            pause = EVERY_SECONDS
        await asyncio.sleep(pause)


async def tidy(session: Session) -> None:
    await session.execute(text("SELECT make_event_log_partitions(:days)"), {"days": EVENT_LOG_PARTITIONS_AHEAD})
    await session.execute(delete(inbox).where(inbox.c.handled_at < clock.now() - INBOX_RETENTION))
    await idempotency.forget_old(session)
