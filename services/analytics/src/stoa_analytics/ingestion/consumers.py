"""Events in: all of them."""

from stoa_analytics.ingestion import service
from stoa_analytics.warehouse.service import Warehouse
from stoa_common.messaging import Batch, EventRouter
from stoa_events.contracts import TOPICS

router = EventRouter(group="analytics.events")


@router.batch(topics=list(TOPICS), linger_seconds=0.5)
async def take_in(batch: Batch, warehouse: Warehouse) -> None:
    """Kafka's offset follows only when the rows are in the warehouse, so that a kill in between repeats the batch."""
    await service.take_in(warehouse, batch)


@router.empties
async def empty_warehouse(warehouse: Warehouse) -> None:
    """Before a rebuild; who asked to be forgotten stays known, so that no replayed event brings them back."""
    await warehouse.empty()
