"""Events that end public answers, on their way to every process that keeps some."""

from stoa_common.messaging import Batch, EventRouter
from stoa_gateway.caching.domain import Purge
from stoa_gateway.caching.provider import Purges

#: Where all types stand that a rule can name in `purged_by`.
TOPICS = ("content.course", "content.catalog")

router = EventRouter(group="gateway.caching")


# Told twice is no harm. A course of a hundred lessons says one thing: that its organization's answers are old.
@router.batch(topics=TOPICS, linger_seconds=0.02)
async def announce(batch: Batch, purges: Purges) -> None:
    await purges.announce({Purge(one.envelope.type, one.envelope.orgid) for one in batch.records})
