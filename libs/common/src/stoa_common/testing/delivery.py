"""Events into handlers, as Kafka would deliver them; and events out of the outbox, as they were recorded."""

import itertools
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Handling, Outcome
from stoa_common.messaging.record import Record
from stoa_common.messaging.router import EventRouter
from stoa_common.messaging.tables import inbox
from stoa_common.outbox.tables import event_log
from stoa_common.resources import Resources
from stoa_events.contract import Event
from stoa_events.envelope import Envelope

E = TypeVar("E", bound=Event)
#: Tests share a database, in which a place on Kafka is parked once.
_OFFSETS = itertools.count(1)


def an_envelope(event: Event, **changed: Any) -> Envelope:
    """The envelope that the outbox would give the event, with these attributes instead of its own."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "source": event.source(),
        "type": event.type,
        "subject": event.subject,
        "time": clock.now(),
        "dataschema": event.dataschema(),
        "sequence": 1,
        "orgid": event.orgid,
    }
    return Envelope(**fields | changed)


@dataclass
class Delivery:
    """Hands events to a service's handlers, and reads what it recorded."""

    database: Database
    resources: Resources
    _sequences: dict[tuple[str, str], int] = field(default_factory=dict)

    def record_of(self, event: Event, *, event_id: UUID | None = None, sequence: int | None = None) -> Record:
        """The Kafka record of an event; sequences of one aggregate count up unless one is given."""
        key = (event.topic, event.subject)
        if sequence is None:
            sequence = self._sequences[key] = self._sequences.get(key, 0) + 1
        envelope = an_envelope(event, id=event_id or new_id(), sequence=sequence)
        headers = tuple(envelope.headers())
        return Record(event.topic, 0, next(_OFFSETS), event.subject.encode(), headers, event.data())

    async def deliver(self, router: EventRouter, event: Event | Record) -> Outcome:
        """What becomes of the event when this router reads it; pass a `Record` to deliver the same one again."""
        record = event if isinstance(event, Record) else self.record_of(event)
        return await Handling(router, self.database, self.resources).take(record)

    async def recorded(self, kind: type[E], **fields: object) -> list[E]:
        """Events of this type in `event_log` whose data has these values, in order."""
        async with self.database.transaction() as session:
            query = select(event_log.c.data).where(event_log.c.type == kind.type)
            found = await session.scalars(query.order_by(event_log.c.recorded_at, event_log.c.sequence))
            events = [kind.parse(data.encode()) for data in found]
        return [event for event in events if all(getattr(event, name) == value for name, value in fields.items())]

    async def has_inbox_entry(self, router: EventRouter, record: Record) -> bool:
        envelope = Envelope.from_headers(record.headers)
        mine = (inbox.c.consumer == router.group) & (inbox.c.event_id == envelope.id)
        async with self.database.transaction() as session:
            return await session.scalar(select(inbox.c.event_id).where(mine)) is not None
