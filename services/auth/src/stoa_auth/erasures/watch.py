"""An erasure that some service does not finish is told, in the log and as a metric, until it is finished."""

import asyncio
from datetime import timedelta
from typing import Final

from prometheus_client import Gauge

from stoa_auth.erasures import service
from stoa_auth.settings import Settings
from stoa_common import failures, logs
from stoa_common.database import Database
from stoa_common.resources import Resources

EVERY_SECONDS: Final = 60.0
LATE = Gauge("stoa_erasures_late", "Erasures that some service should have completed by now.")
log = logs.get_logger()


async def run(database: Database, resources: Resources) -> None:
    """Runs until cancelled."""
    late_after = timedelta(seconds=resources.get(Settings).erasure_late_after_seconds)
    while True:
        with failures.held("erasure_watch_held"):
            await look(database, late_after=late_after)
        await asyncio.sleep(EVERY_SECONDS)


async def look(database: Database, *, late_after: timedelta) -> int:
    """Tell which are late, and by whom; how many they are."""
    async with database.transaction() as session:
        late, waiting = await service.find_late(session, late_after=late_after)
    LATE.set(late)
    for person_digest, services in waiting.items():
        log.warning("erasure_is_late", person_digest=person_digest, waiting_for=services)
    return late
