"""While a group is rebuilt, only its replay's records are handled: whoever is about to write looks here first.

Each process asks the database, at the moment of writing: there is nothing that a slow process could have missed.
Events one by one look within the statement that enters them in the inbox (`inbox.admit`): it gets the lock on that
table before its snapshot, so that it sees the group closed by whom it waited for. Parking and batches look here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text

from stoa_common.database import Database, Session
from stoa_common.messaging.replay import repository


class GroupIsClosed(ConnectionError):
    """The group is being rebuilt: hold the record, as if the database were away."""


async def pass_to_park(session: Session, consumer: str, *, replay_id: UUID | None) -> None:
    """From here to the commit the group stays open for this record. Raises GroupIsClosed."""
    # A statement of its own: the next one's snapshot then has what was committed while this one waited.
    await session.execute(text("LOCK TABLE parked IN ROW EXCLUSIVE MODE"))
    await _refuse_closed(session, consumer, replay_id)


@asynccontextmanager
async def batch(database: Database, consumer: str, *, replay_id: UUID | None) -> AsyncIterator[None]:
    """Within, the group stays open for a batch; whoever wants to close it waits. Raises GroupIsClosed."""
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:c, 20))"), {"c": consumer})
        await _refuse_closed(session, consumer, replay_id)
        yield


async def _refuse_closed(session: Session, consumer: str, replay_id: UUID | None) -> None:
    if await repository.rebuilding(session, consumer) not in (None, replay_id):
        raise GroupIsClosed(f"{consumer} is being rebuilt.")
