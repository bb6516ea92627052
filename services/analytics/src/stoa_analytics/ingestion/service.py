"""Take batches of events into the warehouse, and forget the people who ask for it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from stoa_analytics.ingestion import domain
from stoa_analytics.warehouse.models import EVENTS, ITEM_RESPONSES, NOBODY, EventRow, ItemResponseRow
from stoa_analytics.warehouse.service import Warehouse
from stoa_common import clock, logs
from stoa_common.messaging import BadRecords, Batch
from stoa_events.contracts import UserErased

log = logs.get_logger()


@dataclass
class Rows:
    """What a batch becomes."""

    events: list[EventRow] = field(default_factory=list)
    item_responses: list[ItemResponseRow] = field(default_factory=list)
    erasures: dict[UUID, datetime] = field(default_factory=dict)

    def add(self, reading: domain.Reading, *, received_at: datetime) -> None:
        self.events.append(domain.event_row(reading, received_at=received_at))
        self.item_responses += domain.item_response_rows(reading, received_at=received_at)
        if isinstance(reading.event, UserErased):
            self.erasures[reading.event.person_id] = reading.event.erased_at

    def leave_out(self, erased: set[UUID]) -> None:
        """Rows about people who have asked to be forgotten: a replay brings none of them back, not for a moment."""
        self.events = [row for row in self.events if row.person_id not in erased]
        self.item_responses = [row for row in self.item_responses if row.person_id not in erased]

    @property
    def people(self) -> set[UUID]:
        return {row.person_id for row in self.events} - {NOBODY}


async def take_in(warehouse: Warehouse, batch: Batch) -> None:
    """Insert the batch's rows, but those about people who have asked to be forgotten; and remove what they have there.

    Every step can be repeated: a batch that was cut short by a kill comes again, perhaps with other boundaries.
    Raises BadRecords, before anything is written, where records will never be readable.
    """
    # In a thread: five thousand records would keep the event loop from its requests for a tenth of a second.
    rows = await asyncio.to_thread(_rows, batch, clock.now())
    rows.leave_out(await warehouse.find_erased(rows.people))
    token = domain.token(batch)
    await warehouse.insert(EVENTS, rows.events, token=token)
    await warehouse.insert(ITEM_RESPONSES, rows.item_responses, token=token)
    await _forget(warehouse, rows)


def _rows(batch: Batch, received_at: datetime) -> Rows:
    # Each record becomes its rows at once: thousands of parsed events alive together would cost the garbage collector
    # five times what parsing costs.
    rows, errors = Rows(), {}
    for record in batch.records:
        try:
            rows.add(domain.read(record), received_at=received_at)
        except domain.Unreadable as error:
            errors[record.offset] = str(error)
    if errors:
        raise BadRecords(errors)
    return rows


async def _forget(warehouse: Warehouse, rows: Rows) -> None:
    await warehouse.remember_erased(rows.erasures)
    # Asked after the insert: whoever erases at the same moment either is seen here, or sees our rows.
    erased = await warehouse.find_erased(rows.people)
    if erased:
        await warehouse.delete_people(erased)
        log.info("people_forgotten", count=len(erased))
