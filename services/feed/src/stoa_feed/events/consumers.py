"""The whole stream, into the feeds."""

from stoa_common.database import Database
from stoa_common.messaging import Batch, EventRouter
from stoa_events.contracts import TOPICS
from stoa_feed.events import service

router = EventRouter(
    group="feed.copy",
    # A replay adds what a feed lacks, at its end; a rebuild would number everything anew.
    rebuild_refused="The feed's numbers are its readers' places, and a rebuild would change them: ask for a replay, "
    "which adds what is missing.",
)


@router.batch(topics=sorted(TOPICS))
async def copy_batch(batch: Batch, database: Database) -> None:
    entries = service.read_batch(batch)
    async with database.transaction() as session:
        await service.copy(session, entries)
