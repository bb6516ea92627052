"""While a group is being closed for a rebuild, whoever is about to write either was first, or sees it closed."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import inbox, parking
from stoa_common.messaging.inbox import Admission
from stoa_common.messaging.record import Record
from stoa_common.messaging.replay import gate, repository
from stoa_common.messaging.tables import consumer_groups, parked
from stoa_common.messaging.tables import inbox as entries

GROUP = "ai.gated"
A_MOMENT = 0.3


@pytest.fixture(autouse=True)
async def an_open_group(database: Database) -> AsyncIterator[None]:
    async with database.transaction() as session:
        await repository.register_group(session, GROUP, [])
    yield
    async with database.transaction() as session:
        for table in (consumer_groups, entries, parked):
            await session.execute(delete(table).where(table.c.consumer == GROUP))


async def admit(session: object, event_id: UUID, *, replay_id: UUID | None = None) -> Admission:
    return await inbox.admit(
        session,  # type: ignore[arg-type]
        consumer=GROUP,
        event_id=event_id,
        topic="content.course",
        key="a",
        sequence=1,
        single=True,
        retry=False,
        replay_id=replay_id,
        at=clock.now(),
    )


async def admit_alone(database: Database, event_id: UUID) -> Admission:
    async with database.transaction() as session:
        return await admit(session, event_id)


async def close(database: Database, replay_id: UUID) -> None:
    async with database.transaction() as session:
        await repository.close_group(session, GROUP, replay_id=replay_id)


async def test_closing_waits_for_the_event_in_hand_and_the_next_sees_it_closed(database: Database) -> None:
    """The next one has to wait for a lock within its statement, and must not decide by what it knew before."""
    first, second, replay_id = new_id(), new_id(), new_id()
    async with database._sessions() as in_hand:
        assert (await admit(in_hand, first)).fresh
        closing = asyncio.create_task(close(database, replay_id))
        await asyncio.sleep(A_MOMENT)
        following = asyncio.create_task(admit_alone(database, second))
        await asyncio.sleep(A_MOMENT)
        assert not closing.done()
        assert not following.done()
        await in_hand.commit()

    await closing
    admission = await following
    assert (admission.closed, admission.fresh) == (True, False)
    async with database.transaction() as session:
        kept = await session.scalars(select(entries.c.event_id).where(entries.c.consumer == GROUP))
        assert list(kept) == [first]


async def test_a_closed_group_takes_its_replay_and_nothing_else(database: Database) -> None:
    replay_id = new_id()
    await close(database, replay_id)

    async with database.transaction() as session:
        assert (await admit(session, new_id())).closed
        assert (await admit(session, new_id(), replay_id=new_id())).closed
        assert (await admit(session, new_id(), replay_id=replay_id)).fresh


async def test_parking_while_the_group_is_being_closed_sees_it_closed(database: Database) -> None:
    record = Record("content.course", 0, 1, b"a", (), b"{}")

    async def park() -> None:
        async with database.transaction() as session:
            await gate.pass_to_park(session, GROUP, replay_id=record.replay_id)
            await parking.park(session, GROUP, record, error="a bug", at=clock.now())

    async with database._sessions() as closing:
        await repository.close_group(closing, GROUP, replay_id=new_id())
        parks = asyncio.create_task(park())
        await asyncio.sleep(A_MOMENT)
        assert not parks.done()
        await closing.commit()

    with pytest.raises(gate.GroupIsClosed):
        await parks
    async with database.transaction() as session:
        assert (await session.execute(select(parked).where(parked.c.consumer == GROUP))).all() == []


async def test_closing_waits_for_a_batch_in_hand_and_the_next_is_refused(database: Database) -> None:
    replay_id = new_id()
    async with gate.batch(database, GROUP, replay_id=None):
        closing = asyncio.create_task(close(database, replay_id))
        await asyncio.sleep(A_MOMENT)
        assert not closing.done()
    await closing

    with pytest.raises(gate.GroupIsClosed):
        async with gate.batch(database, GROUP, replay_id=None):
            pass
    async with gate.batch(database, GROUP, replay_id=replay_id):
        pass


async def test_what_was_handled_is_a_duplicate_though_its_key_is_parked(database: Database) -> None:
    """A plain replay of a key that has a parked event would park all that came before it."""
    event_id = new_id()
    await admit_alone(database, event_id)
    async with database.transaction() as session:
        record = Record("content.course", 0, 1, b"a", (), b"{}")
        await parking.park(session, GROUP, record, error="a bug", at=clock.now())

    again = await admit_alone(database, event_id)

    assert (again.behind, again.fresh) == (False, False)
    assert (await admit_alone(database, new_id())).behind
