"""The retrier: parked events are tried again, on the schedule, each key's line from its head."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, exists, func, select, update

from stoa_common import clock, logs
from stoa_common.messaging import failures
from stoa_common.messaging.handling import Handling
from stoa_common.messaging.parking import DEAD, SCHEDULE, WAITING, describe
from stoa_common.messaging.record import Record
from stoa_common.messaging.tables import parked
from stoa_events.envelope import BadEnvelope, Envelope

log = logs.get_logger()


class Retrier:
    """Tries the head of each parked key again when its time has come. Runs until cancelled."""

    def __init__(self, handlings: Sequence[Handling], *, poll_seconds: float = 2.0) -> None:
        self._handlings = handlings
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        while True:
            for handling in self._handlings:
                await self._try_due(handling)
            await asyncio.sleep(self._poll_seconds)

    async def _try_due(self, handling: Handling) -> None:
        with failures.held("retrier_held", group=handling.router.group):
            while await self.retry_next(handling):
                pass

    async def retry_next(self, handling: Handling) -> bool:
        """Try one due head of a line; False when none is due."""
        row = await self._due(handling)
        if row is None:
            return False
        try:
            await self._apply(handling, row)
        except Exception as error:  # the message's edge, as in Handling
            if failures.is_infrastructure(error):
                raise
            await self._postpone(handling, row, describe(error))
        return True

    async def _due(self, handling: Handling) -> Any:
        earlier = parked.alias("earlier")
        has_earlier = exists().where(
            earlier.c.consumer == parked.c.consumer,
            earlier.c.topic == parked.c.topic,
            earlier.c.key == parked.c.key,
            earlier.c.position < parked.c.position,
        )
        mine = parked.c.consumer == handling.router.group
        due = (parked.c.state == WAITING) & (parked.c.next_try_at <= func.now())
        async with handling.database.transaction() as session:
            query = select(parked).where(mine, due, ~has_earlier).order_by(parked.c.position).limit(1)
            return (await session.execute(query)).one_or_none()

    async def _apply(self, handling: Handling, row: Any) -> None:
        headers = tuple((name, None if value is None else value.encode()) for name, value in row.headers)
        record = Record(row.topic, row.partition, row.offset, row.key.encode(), headers, row.value)
        envelope = Envelope.from_headers(headers)
        subscription = handling.router.subscriptions.get(envelope.type)
        if subscription is None:
            raise BadEnvelope(f"{envelope.type} has no handler any more.")
        outcome = await handling.apply(record, envelope, subscription, retry=True)
        await self._release(handling, row)
        log.info("parked_event_settled", group=row.consumer, outcome=outcome.value)

    async def _release(self, handling: Handling, row: Any) -> None:
        """The line moves up: the next of this key is due at once."""
        async with handling.database.transaction() as session:
            await session.execute(delete(parked).where(parked.c.position == row.position))
            line = (parked.c.consumer == row.consumer) & (parked.c.topic == row.topic) & (parked.c.key == row.key)
            await session.execute(update(parked).where(line).values(next_try_at=func.now()))

    async def _postpone(self, handling: Handling, row: Any, error: str) -> None:
        attempts = row.attempts + 1
        is_dead = attempts >= len(SCHEDULE)
        following = clock.now() + SCHEDULE[min(attempts, len(SCHEDULE) - 1)]
        values = {"attempts": attempts, "error": error, "next_try_at": following, "state": DEAD if is_dead else WAITING}
        async with handling.database.transaction() as session:
            await session.execute(update(parked).where(parked.c.position == row.position).values(**values))
        if is_dead:
            log.error("parked_event_dead", group=row.consumer, topic=row.topic, offset=row.offset, error=error)
