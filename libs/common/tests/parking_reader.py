"""A consumer group of a test's own, and what it has parked."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import EventRouter
from stoa_common.messaging.handling import Handling
from stoa_common.messaging.record import Record
from stoa_common.messaging.retrier import Retrier
from stoa_common.messaging.tables import parked
from stoa_common.resources import Resources
from stoa_events.contracts import LearnerEnrolled
from stoa_events.envelope import Envelope


class Reader:
    """A group of its own whose handler notes what it applies, and fails where it is told to."""

    def __init__(self, database: Database, resources: Resources) -> None:
        self.router = EventRouter(group=f"sample.r{new_id().hex}")
        self.is_broken = False
        self.error: Exception = RuntimeError("a bug")
        self.applied: list[UUID] = []
        self.entered, self.release = asyncio.Event(), asyncio.Event()
        self.release.set()
        self.handling = Handling(self.router, database, resources)
        self.retrier = Retrier([self.handling])
        self.router.on(LearnerEnrolled)(self._handle)

    async def _handle(self, event: LearnerEnrolled, envelope: Envelope) -> None:
        self.entered.set()
        await self.release.wait()
        if self.is_broken:
            raise self.error
        self.applied.append(envelope.id)


def an_enrollment(enrollment_id: UUID | None = None) -> LearnerEnrolled:
    ids = {name: new_id() for name in ("organization_id", "course_id", "person_id")}
    return LearnerEnrolled(enrollment_id=enrollment_id or new_id(), enrolled_at=clock.now(), **ids)


async def parked_of(database: Database, reader: Reader) -> Sequence[Any]:
    async with database.transaction() as session:
        mine = select(parked).where(parked.c.consumer == reader.router.group).order_by(parked.c.position)
        return (await session.execute(mine)).all()


async def make_due(database: Database, reader: Reader) -> None:
    async with database.transaction() as session:
        mine = update(parked).where(parked.c.consumer == reader.router.group)
        await session.execute(mine.values(next_try_at=clock.now() - timedelta(seconds=1)))


def id_of(record: Record) -> UUID:
    return Envelope.from_headers(record.headers).id
