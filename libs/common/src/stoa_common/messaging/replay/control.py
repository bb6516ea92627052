"""The consumer role's part in replays: requested ones are started, and groups that need a rebuild are noticed."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from stoa_common import clock, failures, logs, outbox
from stoa_common.database import Database, Session
from stoa_common.messaging.replay import domain, repository
from stoa_common.messaging.replay.domain import State
from stoa_common.messaging.replay.moving import Moving
from stoa_common.messaging.router import EventRouter
from stoa_common.resources import Resources
from stoa_events.contracts.operations import operations_of

POLL_SECONDS: Final = 1.0
LOCK_NOT_AVAILABLE: Final = "55P03"
log = logs.get_logger()


class GroupIsBusy(ConnectionError):
    """Somebody is in the middle of a long transaction of the group; closing it would make the others wait."""


class ReplayControl:
    """Runs until cancelled; in how many processes, does not matter."""

    def __init__(
        self,
        routers: Sequence[EventRouter],
        database: Database,
        resources: Resources,
        *,
        moving: Moving | None = None,
    ) -> None:
        """`moving` applies resets of offsets, on the same occasion."""
        self._routers = {router.group: router for router in routers if router.read_topics}
        self._database = database
        self._resources = resources
        self._moving = moving

    async def run(self) -> None:
        is_registered = False
        while True:
            with failures.held("replays_held"):
                if not is_registered:
                    await self.register()
                    is_registered = True
                while await self.start_next():
                    pass
                if self._moving is not None:
                    await self._moving.apply_due()
            await asyncio.sleep(POLL_SECONDS)

    async def register(self) -> None:
        """Note what each group reads; one that gained a type since has not seen that type's earlier events."""
        for router in self._routers.values():
            async with self._database.transaction() as session:
                row = await repository.register_group(session, router.group, list(router.subscriptions))
                await _compare(session, router, row)

    async def start_next(self) -> bool:
        """Bring one requested replay a step further; False where none waits."""
        async with self._database.transaction() as session:
            row = await repository.take_requested(session, list(self._routers))
            if row is None:
                return False
            router = self._routers[row.consumer]
            try:
                async with session.begin_nested():
                    await self._advance(session, router, row)
            except Exception as error:  # the edge: a bug in the emptying ends this replay, not the process
                if failures.is_infrastructure(error):
                    raise
                await _fail(session, router, row, error)
        return True

    async def _advance(self, session: Session, router: EventRouter, row: Any) -> None:
        if row.is_rebuild and await repository.rebuilding(session, row.consumer) != row.id:
            # Committed before anything is emptied, which may take its time: only now the other groups' events wait.
            await _close(session, row)
            return
        if row.is_rebuild:
            await self._empty(session, router)
        now = clock.now()
        await repository.change(session, row.id, state=State.RUNNING, started_at=now)
        _tell_publishers(session, row)
        log.info("replay_started", group=row.consumer, replay_id=str(row.id), rebuild=row.is_rebuild)

    async def _empty(self, session: Session, router: EventRouter) -> None:
        rows = await repository.empty(session, router.group, router.rebuilds)
        if router.emptying is not None:
            await router.emptying.call(self._resources)
        log.info("group_emptied", group=router.group, rows=rows)


async def _close(session: Session, row: Any) -> None:
    # Whoever waits for these locks makes all who come later wait behind.
    await session.execute(text("SET LOCAL lock_timeout = '3s'"))
    try:
        await repository.close_group(session, row.consumer, replay_id=row.id)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise GroupIsBusy(f"{row.consumer} is in the middle of something.") from error
        raise


def _tell_publishers(session: Session, row: Any) -> None:
    contract = operations_of(row.consumer.partition(".")[0]).replay_requested
    event = contract(
        replay_id=row.id,
        group=row.consumer,
        topics=row.topics,
        types=row.types,
        key=row.key,
        recorded_from=row.recorded_from,
        recorded_until=row.recorded_until,
        rate=row.rate,
        is_rebuild=row.is_rebuild,
        requested_at=row.requested_at,
    )
    outbox.add(session, event)


async def _fail(session: Session, router: EventRouter, row: Any, error: Exception) -> None:
    log.error("replay_failed", group=row.consumer, replay_id=str(row.id), error=type(error).__name__)
    reason = f"It could not be started: {type(error).__name__}; the consumer's log has the rest."
    await repository.change(session, row.id, state=State.FAILED, reason=reason, ended_at=clock.now())
    if router.emptying is None:
        # What was emptied here is rolled back; what lies elsewhere may be gone, and stays closed until it is rebuilt.
        await repository.open_group(session, row.consumer, replay_id=row.id)


async def _compare(session: Session, router: EventRouter, row: Any) -> None:
    added = sorted(set(router.subscriptions) - set(row.types))
    needs_rebuild = row.needs_rebuild or (bool(added) and domain.can_be_rebuilt(router))
    await repository.change_group(session, router.group, types=list(router.subscriptions), needs_rebuild=needs_rebuild)
    if needs_rebuild:
        advice = f"stoa events replay --to {router.group} --rebuild"
        log.warning("group_needs_rebuild", group=router.group, added_types=added, advice=advice)
