"""The retrier: parked events are tried again, on the schedule, each key's line from its head."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from stoa_common import clock, failures, logs, metrics, outbox
from stoa_common.ids import new_id
from stoa_common.messaging import parking
from stoa_common.messaging.handling import Handling
from stoa_events.contracts.operations import EventDied, operations_of
from stoa_events.envelope import BadEnvelope, Envelope

POLL_SECONDS: Final = 2.0
#: With nothing parked: what is parked meanwhile is first due ten seconds later.
IDLE_SECONDS: Final = 8.0
ROUND: Final = 50
log = logs.get_logger()


class Retrier:
    """Tries the head of each parked key again when its time has come. Runs until cancelled.

    Any number of processes may run one: a row that one of them tries is locked, and the others pass over it.
    """

    def __init__(self, handlings: Sequence[Handling]) -> None:
        self._handlings = {handling.router.group: handling for handling in handlings}
        self._groups = list(self._handlings)
        # The groups of a service share its database.
        self._database = handlings[0].database

    async def run(self) -> None:
        while True:
            wait = POLL_SECONDS
            with failures.held("retrier_held"):
                tried = await self.retry_due()
                wait = POLL_SECONDS if await self.measure() or tried else IDLE_SECONDS
            await asyncio.sleep(wait)

    async def retry_due(self) -> int:
        """Try every due head, and those that follow it when it goes; how many were settled or postponed."""
        tried, passed_over = 0, set[int]()
        while rows := await self._due(passed_over):
            for row in rows:
                if await self._try(row):
                    tried += 1
                else:
                    passed_over.add(row.position)
        return tried

    async def _due(self, passed_over: set[int]) -> list[Any]:
        async with self._database.transaction() as session:
            return await parking.due(session, self._groups, besides=passed_over, at=clock.now(), limit=ROUND)

    async def measure(self) -> bool:
        """Tell how much is set aside, and since when; whether any of it waits."""
        async with self._database.transaction() as session:
            rows = await parking.count(session)
        for group in self._groups:
            _tell(group, {row.state: row for row in rows if row.consumer == group})
        return any(row.consumer in self._handlings and row.state != parking.DISCARDED for row in rows)

    async def _try(self, row: Any) -> bool:
        """One try; False where it said nothing about the event: infrastructure is away, or others have the row."""
        try:
            await self._apply(row)
        except parking.RowHasChanged:
            return False
        except Exception as error:  # noqa: BLE001  # the message's edge: a handler may raise anything
            if failures.is_infrastructure(error):
                log.warning("parked_event_held", group=row.consumer, error=type(error).__name__)
                return False
            await self._postpone(row, parking.describe(error))
        return True

    async def _apply(self, row: Any) -> None:
        """The handler's effects, the inbox entry and the end of the parked row are one transaction."""
        handling, record = self._handlings[row.consumer], parking.record_of(row)
        envelope = Envelope.from_headers(record.headers)
        subscription = handling.router.subscriptions.get(envelope.type)
        if subscription is None:
            raise BadEnvelope(f"{envelope.type} has no handler any more.")
        take_out = partial(parking.take_out, row=row)
        outcome = await handling.apply(record, envelope, subscription, retry=True, first=take_out)
        log.info("parked_event_settled", group=row.consumer, outcome=outcome.value)

    async def _postpone(self, row: Any, error: str) -> None:
        """Count the try; after the last one the event is dead, which is announced with the change itself."""
        at = clock.now()
        async with self._database.transaction() as session:
            state = await parking.postpone(session, row, error=error, at=at)
            if state == parking.DEAD:
                outbox.add(session, _death(row, error=error, at=at))
        if state == parking.DEAD:
            log.error("parked_event_dead", group=row.consumer, topic=row.topic, offset=row.offset, error=error)


def _tell(group: str, rows: Mapping[str, Any]) -> None:
    for state in parking.STATES:
        metrics.PARKED.labels(group, state).set(rows[state].events if state in rows else 0)
    waiting = [row.oldest_parked_at for state, row in rows.items() if state != parking.DISCARDED]
    metrics.PARKED_AGE.labels(group).set((clock.now() - min(waiting)).total_seconds() if waiting else 0.0)


def _death(row: Any, *, error: str, at: datetime) -> EventDied:
    service, _, _ = row.consumer.partition(".")
    envelope = _readable(row)
    return operations_of(service).event_died(
        announcement_id=new_id(),
        group=row.consumer,
        parked_position=row.position,
        event_id=envelope.id if envelope else None,
        event_type=envelope.type if envelope else None,
        source_topic=row.topic,
        source_partition=row.partition,
        source_offset=row.offset,
        attempts=row.attempts + 1,
        error=error,
        died_at=at,
    )


def _readable(row: Any) -> Envelope | None:
    try:
        return Envelope.from_headers(parking.record_of(row).headers)
    except BadEnvelope:
        return None
