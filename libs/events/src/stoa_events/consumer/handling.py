"""What becomes of one record."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stoa_events.consumer.counts import Counts, Outcome
from stoa_events.consumer.failures import Failure, FailurePolicy, HandlerCancelled, HandlerTooSlow, Retry
from stoa_events.consumer.inbox import Inbox, Order, SequenceCheck
from stoa_events.consumer.record import Record
from stoa_events.contracts import REGISTRY, Event
from stoa_events.envelope import BadEnvelope, Envelope
from stoa_events.structured import BadData, parse_data

log = logging.getLogger("stoa_events.consumer")
Handler = Callable[[Any, Envelope], Awaitable[None]]
#: Waits so many seconds, or raises to end the wait and leave the record as it is.
Pause = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Handling:
    """Reads records, calls handlers, counts. One for all partitions."""

    handlers: Mapping[str, Handler]
    retry: Retry
    on_failure: FailurePolicy
    inbox: Inbox | None
    counts: Counts = field(default_factory=Counts)
    sequences: SequenceCheck = field(default_factory=SequenceCheck)

    async def settle(self, record: Record, pause: Pause) -> Outcome:
        """Returns when the record is done with for good; raises what `on_failure` or `pause` raises."""
        outcome = await self._settle(record, pause)
        self.counts.count(outcome)
        return outcome

    async def _settle(self, record: Record, pause: Pause) -> Outcome:
        try:
            envelope = Envelope.from_headers(record.headers)
        except BadEnvelope as error:
            return await self._give_up(Failure(record, None, error, attempts=0))
        self._check_order(envelope)
        if envelope.type not in self.handlers:
            return self._skip(envelope, record)
        try:
            event = parse_data(envelope.type, record.value or b"")
        except BadData as error:
            return await self._give_up(Failure(record, envelope, error, attempts=0))
        return await self._try(event, envelope, record, pause)

    async def _try(self, event: Event, envelope: Envelope, record: Record, pause: Pause) -> Outcome:
        tries = attempts = 0
        while True:
            try:
                return await self._call(event, envelope)
            except self.retry.transient as error:
                log.warning("%s waits: %s", record.place, type(error).__name__)
                log.debug("%s waits", record.place, exc_info=error)
            except Exception as error:  # The message's edge: whatever it is goes to on_failure.
                attempts += 1
                log.warning("%s failed, try %d: %s", record.place, attempts, type(error).__name__)
                # On demand only: the text of an error may hold what the handler was at.
                log.debug("%s failed, try %d", record.place, attempts, exc_info=error)
                if attempts >= self.retry.attempts:
                    return await self._give_up(Failure(record, envelope, error, attempts))
            tries += 1
            self.counts.retries += 1
            await pause(self.retry.wait(tries))

    async def _call(self, event: Event, envelope: Envelope) -> Outcome:
        if self.inbox is not None and await self.inbox.has(envelope):
            return Outcome.DUPLICATE
        await self._call_in_time(event, envelope)
        if self.inbox is not None:
            await self.inbox.add(envelope)
        return Outcome.HANDLED

    async def _call_in_time(self, event: Event, envelope: Envelope) -> None:
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(self.retry.handler_seconds) as limit:
                await self.handlers[envelope.type](event, envelope)
        except TimeoutError:
            if limit.expired():
                # Not transient: trying it for ever would hold the partition for ever.
                raise HandlerTooSlow(f"after {self.retry.handler_seconds} s") from None
            raise
        except asyncio.CancelledError:
            # One that leaks from a library would end the partition's loop without a word.
            if task is not None and not task.cancelling():
                raise HandlerCancelled from None
            raise

    async def _give_up(self, failure: Failure) -> Outcome:
        log.error("%s", failure)
        await self.on_failure(failure)
        return Outcome.FAILED

    def _skip(self, envelope: Envelope, record: Record) -> Outcome:
        if envelope.type in REGISTRY:
            return Outcome.SKIPPED
        log.info("%s skipped: this version of stoa-events does not know %s", record.place, envelope.type)
        return Outcome.UNKNOWN

    def _check_order(self, envelope: Envelope) -> None:
        if self.sequences.check(envelope) is Order.GAP:
            self.counts.gaps += 1
            log.warning("Events of %s before sequence %d are missing.", envelope.subject, envelope.sequence)
