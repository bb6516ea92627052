"""Replay and rebuild over a real broker: what was applied stays applied once; what is emptied comes back as it was."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, delete, func, select, update
from stoa_sample.service import Note

from stoa_common import clock, outbox
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.messaging import Batch, BatchRecord, EventRouter
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.relay import Relay
from stoa_common.messaging.replay import offsets, service
from stoa_common.messaging.replay.consumers import replays_router
from stoa_common.messaging.replay.domain import State, Wanted
from stoa_common.messaging.replay.republisher import Republisher
from stoa_common.messaging.replay.schemas import OffsetResetIn, ReplayOut
from stoa_common.messaging.replay.tables import replays, republications
from stoa_common.messaging.tables import consumer_groups, consumer_marks, inbox, parked
from stoa_common.outbox.tables import event_log
from stoa_common.outbox.tables import outbox as queue
from stoa_common.resources import Resources
from stoa_common.testing import Identities, running
from stoa_common.testing.servers import Servers
from stoa_events.contract import Event
from stoa_events.contracts import CourseCompleted, LearnerEnrolled, LessonCompleted

NOTES: Table = Note.__table__  # type: ignore[assignment]
OPERATOR = Identities().principal("operator")
broken_for: set[UUID] = set()


def a_projection() -> EventRouter:
    """Each enrollment's events, in the order in which they were handled."""
    router = EventRouter(group="ai.projection", rebuilds=[NOTES])

    async def append(event: Any, session: Session) -> None:
        if event.enrollment_id in broken_for:
            raise RuntimeError("a handler's bug")
        row = await session.get(Note, event.enrollment_id)
        if row is None:
            row = Note(
                id=event.enrollment_id, organization_id=event.organization_id, person_id=event.person_id, text=""
            )
            session.add(row)
        row.text += f"{type(event).__name__} "

    for kind in (LearnerEnrolled, LessonCompleted, CourseCompleted):
        router.on(kind)(append)
    return router


@pytest.fixture
def cluster(servers: Servers, topic_prefix: str) -> Cluster:
    return Cluster(servers.kafka_bootstrap_servers, topic_prefix)


@pytest.fixture(autouse=True)
async def nothing_before(database: Database) -> AsyncIterator[None]:
    await _forget(database)
    yield
    broken_for.clear()
    await _forget(database)


async def _forget(database: Database) -> None:
    tables = (event_log, queue, republications, replays, consumer_groups, inbox, consumer_marks, parked, NOTES)
    async with database.transaction() as session:
        for table in tables:
            await session.execute(delete(table))


def facts(enrollment_id: UUID) -> dict[str, Any]:
    ids = {name: new_id() for name in ("organization_id", "course_id", "person_id")}
    return {"enrollment_id": enrollment_id, **ids}


def enrolled(enrollment_id: UUID) -> Event:
    return LearnerEnrolled(enrolled_at=clock.now(), **facts(enrollment_id))


def completed(enrollment_id: UUID) -> Event:
    return CourseCompleted(completed_at=clock.now(), **facts(enrollment_id))


async def record_all(database: Database, *events: Event) -> None:
    async with database.transaction() as session:
        for event in events:
            outbox.add(session, event)


async def notes(database: Database) -> dict[UUID, str]:
    async with database.transaction() as session:
        return {row.id: row.text for row in await session.execute(select(NOTES))}


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.1)


@asynccontextmanager
async def loops(*tasks: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    started = [asyncio.ensure_future(task()) for task in tasks]
    try:
        yield
    finally:
        for task in started:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)


@asynccontextmanager
async def platform(
    database: Database, cluster: Cluster, routers: Sequence[EventRouter], *, members: int = 1, republishes: bool = True
) -> AsyncIterator[None]:
    """A publisher's relay, and so many consumer processes of the readers."""
    async with AsyncExitStack() as stack:
        relay = Relay(database, cluster)
        republisher = Republisher("content", database, cluster)
        await stack.enter_async_context(loops(relay.run, *([republisher.run] if republishes else [])))
        everything = [*routers, replays_router("content")]
        for _ in range(members):
            await stack.enter_async_context(running(Consumers(everything, database, Resources(), cluster)))
        yield


async def request(database: Database, router: EventRouter, **wanted: Any) -> UUID:
    async with database.transaction() as session:
        replay = await service.request_replay(
            session, router, Wanted(**wanted), caller=OPERATOR, inbox=timedelta(days=30)
        )
    return replay.id


async def shown(database: Database, router: EventRouter, replay_id: UUID) -> ReplayOut:
    async with database.transaction() as session:
        return await service.get_replay(session, replay_id, groups=[router.group])


async def until_completed(database: Database, router: EventRouter, replay_id: UUID) -> ReplayOut:
    async def has_ended() -> bool:
        return (await shown(database, router, replay_id)).state not in (State.REQUESTED, State.RUNNING)

    await until(has_ended)
    replay = await shown(database, router, replay_id)
    assert replay.state is State.COMPLETED
    return replay


async def until_noted(database: Database, expected: int) -> dict[UUID, str]:
    """Waits until the projection has so many events."""

    async def are_there() -> bool:
        return sum(len(text.split()) for text in (await notes(database)).values()) >= expected

    await until(are_there)
    return await notes(database)


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
            await until(lambda: _has_sent(database, 10))
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


async def _has_sent(database: Database, count: int) -> bool:
    async with database.transaction() as session:
        return (await session.scalar(select(func.max(republications.c.sent))) or 0) >= count


async def test_a_group_of_two_members_is_rebuilt_through_a_restart_of_both(
    database: Database, cluster: Cluster
) -> None:
    router = a_projection()
    keys = [new_id() for _ in range(20)]
    async with platform(database, cluster, [router], members=2):
        await record_all(database, *map(enrolled, keys), *map(completed, keys))
        before = await until_noted(database, 40)
        replay_id = await request(database, router, rebuild=True, rate=60)
        await until(lambda: _has_sent(database, 10))
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
            await until(lambda: _has_sent(database, 1))
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
        await until(lambda: _has_sent(database, 1))
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


async def test_a_batch_door_is_given_replayed_records_of_their_own_topics(database: Database, cluster: Cluster) -> None:
    router = EventRouter(group="ai.copy")
    taken: list[BatchRecord] = []

    @router.batch([LearnerEnrolled.topic])
    async def copy(batch: Batch) -> None:
        taken.extend(batch.records)

    async with platform(database, cluster, [router]):
        await record_all(database, *(enrolled(new_id()) for _ in range(5)))
        await until(lambda: _has_taken(taken, 5))
        replay = await until_completed(database, router, await request(database, router))

    assert replay.counts.handled == 5
    assert len(taken) == 10
    assert len({record.envelope.id for record in taken}) == 5
    assert {record.topic for record in taken} == {LearnerEnrolled.topic}


async def _has_taken(taken: list[BatchRecord], count: int) -> bool:
    return len(taken) >= count


async def test_a_batch_group_is_emptied_and_filled_anew(database: Database, cluster: Cluster) -> None:
    router = EventRouter(group="ai.copy")
    kept: dict[UUID, BatchRecord] = {}

    @router.batch([LearnerEnrolled.topic])
    async def copy(batch: Batch) -> None:
        kept.update({record.envelope.id: record for record in batch.records})

    @router.empties
    async def empty() -> None:
        kept.clear()

    async with platform(database, cluster, [router]):
        await record_all(database, *(enrolled(new_id()) for _ in range(20)))
        await until(lambda: _has_taken(list(kept.values()), 20))
        before = set(kept)
        replay_id = await request(database, router, rebuild=True, rate=20)
        await until(lambda: _has_sent(database, 5))
        during = len(kept)
        await record_all(database, enrolled(new_id()))
        await until_completed(database, router, replay_id)
        await until(lambda: _has_taken(list(kept.values()), 21))

    assert during < 20
    assert before < set(kept)


async def test_offsets_are_moved_by_the_member_that_holds_them(database: Database, cluster: Cluster) -> None:
    router = EventRouter(group="ai.copy")
    taken: list[BatchRecord] = []

    @router.batch([LearnerEnrolled.topic])
    async def copy(batch: Batch) -> None:
        taken.extend(batch.records)

    projection = a_projection()
    async with platform(database, cluster, [router, projection]):
        await record_all(database, *(enrolled(new_id()) for _ in range(5)))
        await until(lambda: _has_taken(taken, 5))
        before = await until_noted(database, 5)
        for reader in (router, projection):
            await until_reset(database, reader, to="earliest")
        await until(lambda: _has_taken(taken, 10))
        await record_all(database, enrolled(new_id()))
        after = await until_noted(database, 6)

    assert len({record.envelope.id for record in taken[:10]}) == 5
    assert {key: after[key] for key in before} == before


async def until_reset(database: Database, router: EventRouter, **wanted: Any) -> None:
    asked = OffsetResetIn(group=router.group, topic=LearnerEnrolled.topic, **wanted)
    async with database.transaction() as session:
        reset = await offsets.request_reset(session, router, asked, caller=OPERATOR)

    async def is_applied() -> bool:
        async with database.transaction() as session:
            return (await offsets.get_reset(session, reset.id, groups=[router.group])).state == "applied"

    await until(is_applied)


async def test_a_reset_to_the_end_passes_over_what_waits_even_what_is_in_hand(
    database: Database, cluster: Cluster
) -> None:
    router = EventRouter(group="ai.slow")
    seen: list[UUID] = []
    may_end = asyncio.Event()

    @router.on(LearnerEnrolled)
    async def take_long(event: LearnerEnrolled) -> None:
        seen.append(event.enrollment_id)
        await may_end.wait()

    last = new_id()
    async with platform(database, cluster, [router]):
        await record_all(database, *(enrolled(new_id()) for _ in range(20)))
        await until(lambda: _has_seen(seen))
        await until_reset(database, router, to="latest")
        in_hand = len(seen)
        may_end.set()
        await record_all(database, enrolled(last))
        await until(lambda: _has_seen(seen, last))

    assert (in_hand < 20, seen[in_hand:]) == (True, [last])


async def _has_seen(seen: list[UUID], wanted: UUID | None = None) -> bool:
    return bool(seen) if wanted is None else wanted in seen
