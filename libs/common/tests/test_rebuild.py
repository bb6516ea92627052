"""Replay and rebuild over a real broker: what was applied stays applied once; what is emptied comes back as it was."""

import asyncio

import pytest
from rebuilding import (
    OPERATOR,
    a_projection,
    broken_for,
    completed,
    enrolled,
    has_sent,
    loops,
    notes,
    platform,
    record_all,
    request,
    until,
    until_completed,
    until_noted,
)
from sqlalchemy import select, update

from stoa_common import clock, outbox
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.replay import service
from stoa_common.messaging.replay.republisher import Republisher
from stoa_common.messaging.tables import parked
from stoa_events.contracts import LearnerEnrolled

pytestmark = pytest.mark.usefixtures("nothing_before")


async def test_a_plain_replay_changes_nothing_and_says_that_all_was_applied(
    database: Database, cluster: Cluster
) -> None:
    router = a_projection()
    keys = [new_id() for _ in range(6)]
    async with platform(database, cluster, [router]):
        await record_all(database, *map(enrolled, keys), *map(completed, keys))
        before = await until_noted(database, 12)

        replay = await until_completed(database, router, await request(database, router))

    assert await notes(database) == before
    assert (replay.counts.sent, replay.counts.duplicate + replay.counts.stale) == (12, 12)
    assert replay.counts.handled == 0


async def test_emptied_tables_come_back_as_they_were_with_what_happened_meanwhile(
    database: Database, cluster: Cluster
) -> None:
    router = a_projection()
    keys = [new_id() for _ in range(30)]
    async with platform(database, cluster, [router], republishes=False):
        await record_all(database, *map(enrolled, keys))
        before = await until_noted(database, 30)
        replay_id = await request(database, router, rebuild=True, rate=40)

        republisher = Republisher("content", database, cluster)
        async with loops(republisher.run):
            await until(lambda: has_sent(database, 10))
            await record_all(database, *map(completed, keys[:15]))
        # Killed in the middle of its work; another goes on.
        await record_all(database, *map(enrolled, [new_id()]), *map(completed, keys[15:20]))
        half_way = await notes(database)
        republisher = Republisher("content", database, cluster)
        async with loops(republisher.run):
            replay = await until_completed(database, router, replay_id)
            after = await until_noted(database, 51)

    assert len(half_way) < len(before)
    assert all(text == "LearnerEnrolled " for text in before.values())
    assert {after[key] for key in keys[:20]} == {"LearnerEnrolled CourseCompleted "}
    assert {key: after[key] for key in keys[20:]} == {key: before[key] for key in keys[20:]}
    assert (len(after), replay.counts.parked) == (31, 0)


async def test_a_group_of_two_members_is_rebuilt_through_a_restart_of_both(
    database: Database, cluster: Cluster
) -> None:
    router = a_projection()
    keys = [new_id() for _ in range(20)]
    async with platform(database, cluster, [router], members=2):
        await record_all(database, *map(enrolled, keys), *map(completed, keys))
        before = await until_noted(database, 40)
        replay_id = await request(database, router, rebuild=True, rate=60)
        await until(lambda: has_sent(database, 10))
    late = [new_id() for _ in range(3)]
    await record_all(database, *map(enrolled, late))
    async with platform(database, cluster, [router], members=2):
        await until_completed(database, router, replay_id)
        after = await until_noted(database, 43)

    assert {key: after[key] for key in keys} == before
    assert set(after) == {*keys, *late}


async def test_what_commits_late_comes_after_the_rebuild_and_in_order(database: Database, cluster: Cluster) -> None:
    router = a_projection()
    key = new_id()
    async with platform(database, cluster, [router]):
        await record_all(database, *(enrolled(new_id()) for _ in range(5)))
        await until_noted(database, 5)
        async with database._sessions() as late:
            outbox.add(late, enrolled(key))
            await outbox.write(late)
            replay_id = await request(database, router, rebuild=True, rate=20)
            await until(lambda: has_sent(database, 1))
            await late.commit()
        await record_all(database, completed(key))
        await until_completed(database, router, replay_id)
        after = await until_noted(database, 7)

    assert after[key].split() == ["LearnerEnrolled", "CourseCompleted"]


async def test_a_cancelled_rebuild_keeps_the_group_closed_until_the_next_completes(
    database: Database, cluster: Cluster
) -> None:
    router = a_projection()
    keys = [new_id() for _ in range(10)]
    async with platform(database, cluster, [router]):
        await record_all(database, *map(enrolled, keys))
        before = await until_noted(database, 10)
        replay_id = await request(database, router, rebuild=True, rate=4)
        await until(lambda: has_sent(database, 1))
        async with database.transaction() as session:
            await service.cancel_replay(session, replay_id, groups=[router.group], caller=OPERATOR)
        await record_all(database, *map(completed, keys))
        await asyncio.sleep(1)
        closed = await notes(database)

        await until_completed(database, router, await request(database, router, rebuild=True))
        after = await until_noted(database, 20)

    assert not any("CourseCompleted" in text for text in closed.values())
    assert {key: text.split()[0] for key, text in after.items()} == {key: before[key].strip() for key in keys}


async def test_what_a_rebuild_cannot_handle_is_parked_with_all_that_follows(
    database: Database, cluster: Cluster
) -> None:
    router = a_projection()
    keys = [new_id() for _ in range(3)]
    async with platform(database, cluster, [router]):
        await record_all(database, *map(enrolled, keys), *map(completed, keys))
        before = await until_noted(database, 6)
        broken_for.add(keys[0])
        replay = await until_completed(database, router, await request(database, router, rebuild=True))

        assert (replay.counts.handled, replay.counts.parked) == (4, 2)
        broken_for.clear()
        async with database.transaction() as session:
            rows = (await session.execute(select(parked.c.topic, parked.c.replay_id))).all()
            await session.execute(update(parked).values(next_try_at=clock.now()))
        after = await until_noted(database, 6)

    assert {tuple(row) for row in rows} == {(LearnerEnrolled.topic, replay.id)}
    assert after == before
