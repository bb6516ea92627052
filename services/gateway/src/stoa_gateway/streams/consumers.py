"""Events in: what concerns people is told on their streams."""

from stoa_common import clock
from stoa_common.messaging import Batch, EventRouter
from stoa_gateway.streams import telling
from stoa_gateway.streams.notices import TOPICS
from stoa_gateway.streams.provider import StreamLog

router = EventRouter(group="gateway.streams")


# A round waits a little for more: a person waits this long, and a hundred events are one call of Redis.
@router.batch(topics=TOPICS, linger_seconds=0.02)
async def tell_people(batch: Batch, source: StreamLog) -> None:
    await telling.tell_batch(batch, source, since=clock.now() - source.kept)
