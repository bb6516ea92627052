"""The whole stream, into the feeds."""

from stoa_common.database import Database
from stoa_common.messaging import Batch, EventRouter
from stoa_events.contracts import TOPICS
from stoa_feed.events import service
from stoa_feed.events.models import COPIES

router = EventRouter(group="feed.copy", rebuilds=COPIES)


@router.batch(topics=sorted(TOPICS))
async def copy_batch(batch: Batch, database: Database) -> None:
    entries = service.read_batch(batch)
    async with database.transaction() as session:
        await service.copy(session, entries)
