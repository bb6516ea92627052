"""Requests of other services in: what they want replayed of our events is stored, for the relay role to republish."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_common import clock
from stoa_common.database import Session
from stoa_common.messaging.replay.domain import publishers_of
from stoa_common.messaging.replay.tables import republications
from stoa_common.messaging.router import EventRouter
from stoa_events.contracts.operations import SERVICES, ReplayCancelled, ReplayRequested, operations_of

NO_ID = UUID(int=0)


def replays_router(service: str) -> EventRouter:
    """The consumer by which a publisher learns what is to be sent again."""
    router = EventRouter(group=f"{service}.replays")

    async def store(event: ReplayRequested, session: Session) -> None:
        await _store(session, service, event)

    async def stop(event: ReplayCancelled, session: Session) -> None:
        running = (republications.c.replay_id == event.replay_id) & (republications.c.state == "running")
        await session.execute(update(republications).where(running).values(state="cancelled", ended_at=clock.now()))

    for contracts in map(operations_of, SERVICES):
        router.on(contracts.replay_requested)(store)
        router.on(contracts.replay_cancelled)(stop)
    return router


async def _store(session: Session, service: str, event: ReplayRequested) -> None:
    if service not in publishers_of(event.topics):
        return
    now = clock.now()
    statement = upsert(republications).values(
        replay_id=event.replay_id,
        consumer=event.group,
        topics=[topic for topic in event.topics if publishers_of([topic]) == [service]],
        types=event.types,
        key=event.key,
        recorded_from=event.recorded_from,
        recorded_until=event.recorded_until,
        rate=event.rate,
        state="running",
        topic_index=0,
        after_key="",
        after_sequence=0,
        after_id=NO_ID,
        sent=0,
        next_page_at=now,
        stored_at=now,
    )
    await session.execute(statement.on_conflict_do_nothing())
