"""The copy in the database: complete, without duplicates, numbered per organization however many copy at once."""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import BadRecords
from stoa_events.contracts import UserRegistered
from stoa_events.personal import Personal, Sealed
from stoa_feed.events import domain, service
from stoa_feed.events.models import Feed, FeedEvent, PlatformEvent


async def feed_of(database: Database, organization_id: UUID) -> list[tuple[int, UUID]]:
    async with database.transaction() as session:
        mine = select(FeedEvent.number, FeedEvent.event_id).where(FeedEvent.organization_id == organization_id)
        return [(row.number, row.event_id) for row in await session.execute(mine.order_by(FeedEvent.number))]


def a_registration() -> UserRegistered:
    sealed = Personal[str](sealed=Sealed.of("k1", b"ciphertext"))
    return UserRegistered(person_id=new_id(), email=sealed, name=Personal(), registered_at=clock.now())


async def test_events_are_numbered_in_the_order_of_their_batch(
    copy: Any, make: Any, database: Database, organization_id: UUID
) -> None:
    records = [make.record(make.lesson(organization_id)) for _ in range(3)]

    await copy(records[:2])
    await copy(records[2:])

    assert await feed_of(database, organization_id) == [(n, r.envelope.id) for n, r in enumerate(records, 1)]


async def test_a_second_delivery_changes_nothing_and_takes_no_number(
    copy: Any, make: Any, database: Database, organization_id: UUID
) -> None:
    first, second, third = (make.record(make.lesson(organization_id)) for _ in range(3))

    await copy([first, second, first])
    await copy([second, first])
    await copy([first, third, third])

    assert [event_id for _, event_id in await feed_of(database, organization_id)] == [
        r.envelope.id for r in (first, second, third)
    ]
    assert [number for number, _ in await feed_of(database, organization_id)] == [1, 2, 3]


async def test_one_id_in_two_organizations_is_two_events(copy: Any, make: Any, database: Database) -> None:
    ours, theirs, event_id = new_id(), new_id(), new_id()

    await copy([make.record(make.lesson(ours), id=event_id), make.record(make.lesson(theirs), id=event_id)])

    assert await feed_of(database, ours) == await feed_of(database, theirs) == [(1, event_id)]


async def test_events_of_people_are_kept_outside_all_feeds(copy: Any, make: Any, database: Database) -> None:
    record = make.record(a_registration())

    await copy([record])
    await copy([record, record])

    async with database.transaction() as session:
        kept = list(await session.scalars(select(PlatformEvent).where(PlatformEvent.event_id == record.envelope.id)))
        in_feeds = await session.scalar(select(FeedEvent.number).where(FeedEvent.event_id == record.envelope.id))
    assert [row.data.encode() for row in kept] == [record.value]
    assert '"enc"' in kept[0].data
    assert in_feeds is None


async def test_a_failure_leaves_neither_events_nor_numbers(
    copy: Any, make: Any, database: Database, organization_id: UUID
) -> None:
    record = make.record(make.lesson(organization_id))

    with pytest.raises(DBAPIError):
        await copy_and_fail(database, domain.read(record.envelope, record.value))

    assert await feed_of(database, organization_id) == []
    await copy([record])
    assert await feed_of(database, organization_id) == [(1, record.envelope.id)]


async def copy_and_fail(database: Database, entry: domain.Entry) -> None:
    async with database.transaction() as session:
        await service.copy(session, [entry])
        await session.execute(text("SELECT 1/0"))


async def test_unreadable_records_are_named_before_anything_is_taken(
    copy: Any, make: Any, database: Database, organization_id: UUID
) -> None:
    records = [
        make.record(make.lesson(organization_id), offset=7),
        make.record(make.lesson(organization_id), offset=8, value=b"no JSON"),
        make.record(make.lesson(organization_id), offset=9, subject="\x00"),
    ]

    with pytest.raises(BadRecords) as refused:
        await copy(records)

    assert sorted(refused.value.errors) == [8, 9]
    assert await feed_of(database, organization_id) == []


async def test_many_copies_at_once_leave_no_gap_lose_nothing_and_keep_each_keys_order(
    copy: Any, make: Any, database: Database
) -> None:
    chance = random.Random(7)
    organizations = [new_id() for _ in range(12)]
    streams = [[make.record(make.lesson(chance.choice(organizations))) for _ in range(120)] for _ in range(6)]

    async def deliver(records: list[Any]) -> None:
        at = 0
        while at < len(records):
            size = chance.randint(1, 25)
            await copy(records[at : at + size])
            # A redelivery now and then, as after a rebalance.
            at += size if chance.random() < 0.7 else 0

    # Every second stream is read by two at once: the old owner of a partition, and the new one.
    await asyncio.wait_for(asyncio.gather(*(deliver(s) for s in streams), *(deliver(s) for s in streams[::2])), 40)

    for organization_id in organizations:
        feed = await feed_of(database, organization_id)
        assert [number for number, _ in feed] == list(range(1, len(feed) + 1))
        place = {event_id: number for number, event_id in feed}
        for stream in streams:
            mine = [r.envelope.id for r in stream if r.envelope.orgid == organization_id]
            assert [place[event_id] for event_id in mine] == sorted(place[event_id] for event_id in mine)
        async with database.transaction() as session:
            last = await session.scalar(select(Feed.last_number).where(Feed.organization_id == organization_id))
        assert last == len(feed)
