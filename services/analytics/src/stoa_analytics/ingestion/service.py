"""Take batches of events into the warehouse, and forget the people who ask for it."""

import asyncio
from collections.abc import Iterator, Sequence

from stoa_analytics.ingestion import domain
from stoa_analytics.warehouse.models import EVENTS, ITEM_RESPONSES, NOBODY
from stoa_analytics.warehouse.service import Warehouse
from stoa_common import clock, logs
from stoa_common.messaging import BadRecords, Batch
from stoa_events.contracts import UserErased

log = logs.get_logger()


async def take_in(warehouse: Warehouse, batch: Batch) -> None:
    """Insert the batch's rows, then remove those about people who have asked to be forgotten.

    Every step can be repeated: a batch that was cut short by a kill comes again, perhaps with other boundaries.
    Raises BadRecords, before anything is written, where records will never be readable.
    """
    # In a thread: five thousand records take the event loop's requests for a tenth of a second.
    readings = await asyncio.to_thread(_read_all, batch)
    now, token = clock.now(), domain.token(batch)
    await warehouse.insert(EVENTS, [domain.event_row(r, received_at=now) for r in readings], token=token)
    await warehouse.insert(ITEM_RESPONSES, list(domain.item_response_rows(readings, received_at=now)), token=token)
    await _forget(warehouse, readings)


def _read_all(batch: Batch) -> list[domain.Reading]:
    readings, errors = [], {}
    for record in batch.records:
        try:
            readings.append(domain.read(record))
        except domain.Unreadable as error:
            errors[record.offset] = str(error)
    if errors:
        raise BadRecords(errors)
    return readings


async def _forget(warehouse: Warehouse, readings: Sequence[domain.Reading]) -> None:
    await warehouse.remember_erased({event.person_id: event.erased_at for event in _erasures(readings)})
    # Asked after the insert: whoever erases at the same moment either is seen here, or sees our rows.
    erased = await warehouse.find_erased({reading.facts.person_id for reading in readings} - {NOBODY})
    if erased:
        await warehouse.delete_people(erased)
        log.info("people_forgotten", count=len(erased))


def _erasures(readings: Sequence[domain.Reading]) -> Iterator[UserErased]:
    return (reading.event for reading in readings if isinstance(reading.event, UserErased))
