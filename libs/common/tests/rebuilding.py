"""A platform of a publisher and its readers over a real broker, whose groups are replayed to and rebuilt."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, func, select
from stoa_sample.service import Note

from stoa_common import clock, outbox
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.messaging import BatchRecord, EventRouter
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.relay import Relay
from stoa_common.messaging.replay import service
from stoa_common.messaging.replay.consumers import replays_router
from stoa_common.messaging.replay.domain import State, Wanted
from stoa_common.messaging.replay.republisher import Republisher
from stoa_common.messaging.replay.schemas import ReplayOut
from stoa_common.messaging.replay.tables import replays, republications
from stoa_common.messaging.tables import consumer_groups, consumer_marks, inbox, parked
from stoa_common.outbox.tables import event_log
from stoa_common.outbox.tables import outbox as queue
from stoa_common.resources import Resources
from stoa_common.testing import Identities, running
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


async def forget(database: Database) -> None:
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


async def has_sent(database: Database, count: int) -> bool:
    async with database.transaction() as session:
        return (await session.scalar(select(func.max(republications.c.sent))) or 0) >= count


async def has_taken(taken: list[BatchRecord], count: int) -> bool:
    return len(taken) >= count
