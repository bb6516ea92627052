"""What has had its time leaves the feeds, a batch at a time."""

import asyncio
from datetime import timedelta
from typing import Final

from prometheus_client import Counter

from stoa_common import clock, failures
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_feed.events import service
from stoa_feed.settings import Settings

EVERY_SECONDS: Final = 600
RETRY_SECONDS: Final = 30
#: Between two batches: the copy needs the rows that pruning locks.
BREATH_SECONDS: Final = 0.1
PRUNED = Counter("stoa_feed_events_pruned_total", "Events that have had their time.")


async def run(database: Database, resources: Resources) -> None:
    """Runs until cancelled; returns at nothing else, also where events are kept for ever."""
    days = resources.get(Settings).retention_days
    while True:
        pause: float = RETRY_SECONDS
        with failures.held("feed_retention_held"):
            pause = EVERY_SECONDS if not days or await _prune(database, timedelta(days=days)) == 0 else BREATH_SECONDS
        await asyncio.sleep(pause)


async def _prune(database: Database, kept_for: timedelta) -> int:
    async with database.transaction() as session:
        dropped = await service.prune(session, before=clock.now() - kept_for)
    PRUNED.inc(dropped)
    return dropped
