"""What becomes of one record: handled, duplicate, stale, parked, skipped, or held until the infrastructure is back."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common import clock, context, failures, logs, metrics, telemetry
from stoa_common.messaging import inbox, parking
from stoa_common.messaging.record import Record
from stoa_common.messaging.replay import gate
from stoa_common.messaging.replay.receiving import Receiving
from stoa_common.messaging.router import EventRouter, Subscription
from stoa_common.resources import Resources
from stoa_events.contract import Event
from stoa_events.envelope import BadEnvelope, Envelope

if TYPE_CHECKING:
    from stoa_common.database import Database

QUICK_TRIES = 3
QUICK_TRY_WAIT = 0.1
log = logs.get_logger()


class Outcome(StrEnum):
    HANDLED = "handled"
    DUPLICATE = "duplicate"
    STALE = "stale"
    PARKED = "parked"
    SKIPPED = "skipped"


class Handling:
    """Applies one router's handlers to records, one transaction each."""

    def __init__(
        self,
        router: EventRouter,
        database: "Database",
        resources: Resources,
        *,
        places: asyncio.Semaphore | None = None,
    ) -> None:
        """`places` bounds how many records are handled at once; one that is held takes no place meanwhile."""
        self.router = router
        self.database = database
        self.resources = resources
        self._places = places or asyncio.Semaphore(1)
        self._receiving: Receiving[Outcome] = Receiving(router.group, database)

    async def take(self, record: Record) -> Outcome:
        """Settle a fresh record; returns when it is settled for good, however long the infrastructure is away."""
        outcome = await self._until_infrastructure_answers(record)
        metrics.OUTCOMES.labels(self.router.group, outcome.value).inc()
        return outcome

    async def _until_infrastructure_answers(self, record: Record) -> Outcome:
        wait = QUICK_TRY_WAIT
        while True:
            try:
                async with self._places:
                    return await self._settle(record)
            except Exception as error:  # the message's edge: what is not infrastructure is parked below
                if not failures.is_infrastructure(error):
                    raise
                log.warning("event_held", group=self.router.group, error=type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(wait * 2, failures.LONGEST_HOLD_WAIT)

    async def _settle(self, record: Record) -> Outcome:
        if record.topic == self._receiving.topic:
            return await self._receiving.settle(record, self._settle_event) or Outcome.SKIPPED
        return await self._settle_event(record)

    async def _settle_event(self, record: Record) -> Outcome:
        try:
            envelope = Envelope.from_headers(record.headers)
        except BadEnvelope as error:
            return await self._park(record, str(error))
        subscription = self.router.subscriptions.get(envelope.type)
        if subscription is None:
            return Outcome.SKIPPED
        return await self._try_quickly(record, envelope, subscription)

    async def _try_quickly(self, record: Record, envelope: Envelope, subscription: Subscription) -> Outcome:
        for left in reversed(range(QUICK_TRIES)):
            try:
                return await self.apply(record, envelope, subscription, retry=False)
            except parking.KeyIsParked:
                return await self._park(record, "Waits behind an earlier event of its key.")
            except Exception as error:  # the message's edge: a handler's bug parks one key only
                if failures.is_infrastructure(error):
                    raise
                if not left or isinstance(error, ValidationError):
                    return await self._park(record, parking.describe(error))
            await asyncio.sleep(QUICK_TRY_WAIT)
        raise AssertionError("unreachable: the last try returns or raises")

    async def apply(
        self,
        record: Record,
        envelope: Envelope,
        subscription: Subscription,
        *,
        retry: bool,
        first: Callable[[AsyncSession], Awaitable[None]] | None = None,
    ) -> Outcome:
        """One try, one transaction, which begins with `first`. Raises what the handler raises, with all rolled back."""
        cause = context.Context(envelope.correlationid, str(envelope.id))
        attributes = {"messaging.system": "kafka", "messaging.consumer.group.name": self.router.group}
        name = f"handle {envelope.type}"
        with context.use(cause), telemetry.handle_span(name, envelope.traceparent, dict(attributes)):
            event = subscription.event.parse(record.value or b"")
            async with self.database.transaction() as session:
                if first is not None:
                    await first(session)
                admission = await self._admit(session, record, envelope, event, retry=retry)
                outcome = _outcome(admission)
                # Handled, that is entered in the inbox; but nothing about a person comes back after their erasure.
                if outcome is Outcome.HANDLED and not admission.erased:
                    await subscription.call(event, envelope, session, self.resources)
                return outcome

    async def _admit(
        self, session: AsyncSession, record: Record, envelope: Envelope, event: Event, *, retry: bool
    ) -> inbox.Admission:
        admission = await inbox.admit(
            session,
            consumer=self.router.group,
            event_id=envelope.id,
            topic=record.topic,
            key=record.key_text,
            sequence=envelope.sequence,
            single=event.single,
            retry=retry,
            replay_id=record.replay_id,
            person_id=None if event.survives_erasure else getattr(event, "person_id", None),
            at=clock.now(),
        )
        if admission.closed:
            raise gate.GroupIsClosed(f"{self.router.group} is being rebuilt.")
        if admission.behind:
            raise parking.KeyIsParked
        return admission

    async def _park(self, record: Record, error: str) -> Outcome:
        async with self.database.transaction() as session:
            await gate.pass_to_park(session, self.router.group, replay_id=record.replay_id)
            await parking.park(session, self.router.group, record, error=error, at=clock.now())
        log.error("event_parked", group=self.router.group, topic=record.topic, offset=record.offset, error=error)
        return Outcome.PARKED


def _outcome(admission: inbox.Admission) -> Outcome:
    if not admission.fresh:
        return Outcome.DUPLICATE
    return Outcome.HANDLED if admission.ahead else Outcome.STALE
