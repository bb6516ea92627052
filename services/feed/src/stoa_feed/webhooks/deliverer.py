"""The deliverer: finds webhooks with something to send and gives each its turn, many side by side.

Any number of deliverers may run. A webhook is leased to one of them for a turn; one that is killed loses its leases
when their time is over, and another sends what it had taken: at least once, and seldom twice.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from prometheus_client import Gauge

from stoa_common import clock, failures, logs
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_feed.webhooks.provider import TIMEOUT_SECONDS, Sender
from stoa_feed.webhooks.repository import DeliveryRepository
from stoa_feed.webhooks.sealing import Sealer
from stoa_feed.webhooks.turns import Turns

#: Webhooks served side by side, and how many of them may be such as fail: the others never wait for these.
PLACES: Final = 128
FAILING_PLACES: Final = 64
#: A turn is one wave: the time-out, and what the database may take around it.
LEASE: Final = timedelta(seconds=TIMEOUT_SECONDS + 30)
BUSY_SECONDS: Final = 0.02
IDLE_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 2.0
TIDY_SECONDS: Final = 300.0
LOG_KEPT: Final = timedelta(days=30)
TIDY_BATCH: Final = 5000
STOP_SECONDS: Final = 3.0
WAITING = Gauge("stoa_webhook_deliveries_waiting", "Deliveries to be tried again.")
log = logs.get_logger()


async def run(database: Database, resources: Resources) -> None:
    """Runs until cancelled."""
    deliverer = Deliverer(database, resources.get(Sender), resources.get(Sealer))
    await asyncio.gather(deliverer.run(), tidy(database))


class Deliverer:
    def __init__(
        self,
        database: Database,
        sender: Sender,
        sealer: Sealer,
        *,
        now: Callable[[], datetime] = clock.now,
        lease: timedelta = LEASE,
    ) -> None:
        self._database = database
        self._id = new_id()
        self._now = now
        self._lease = lease
        self._turns = Turns(database, sender, sealer, deliverer=self._id, now=now)
        self._serving: dict[UUID, asyncio.Task[None]] = {}
        self._failing: set[UUID] = set()

    async def run(self) -> None:
        try:
            while True:
                pause = RETRY_SECONDS
                with failures.held("webhooks_held"):
                    pause = BUSY_SECONDS if await self.step() else IDLE_SECONDS
                await asyncio.sleep(pause)
        finally:
            await self._stop()

    async def step(self) -> int:
        """Begin a turn of each webhook that has work and finds a place; how many that were."""
        places = PLACES - len(self._serving)
        if places <= 0:
            return 0
        async with self._database.transaction() as session:
            leased = await DeliveryRepository(session).lease(
                self._id,
                at=self._now(),
                limit=places,
                failing=len(self._failing) < FAILING_PLACES,
                busy=list(self._serving),
                lasts=self._lease,
            )
        for webhook in leased:
            self._begin(webhook.id, is_failing=webhook.failures > 0)
        return len(leased)

    async def rest(self) -> None:
        """Wait for the turns that have begun."""
        await asyncio.gather(*self._serving.values())

    def _begin(self, webhook_id: UUID, *, is_failing: bool) -> None:
        if is_failing:
            self._failing.add(webhook_id)
        task = self._serving[webhook_id] = asyncio.create_task(self._serve(webhook_id))
        task.add_done_callback(lambda _: self._end(webhook_id))

    def _end(self, webhook_id: UUID) -> None:
        self._serving.pop(webhook_id, None)
        self._failing.discard(webhook_id)

    async def _serve(self, webhook_id: UUID) -> None:
        try:
            with failures.held("webhook_held", webhook_id=str(webhook_id)):
                await self._turns.serve(webhook_id)
        except Exception:
            # An edge: a bug that one webhook meets must not end the turns of all others. Its lease runs out, and then
            # it is tried again.
            log.exception("webhook_failed", webhook_id=str(webhook_id))

    async def _stop(self) -> None:
        """Give the leases back, so that the next deliverer need not wait for their end."""
        tasks = list(self._serving.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with failures.held("webhooks_not_released"):
            async with asyncio.timeout(STOP_SECONDS), self._database.transaction() as session:
                await DeliveryRepository(session).release(self._id)


async def tidy(database: Database) -> None:
    """Runs until cancelled: the log is kept for 30 days."""
    while True:
        with failures.held("webhook_log_held"):
            async with database.transaction() as session:
                repository = DeliveryRepository(session)
                await repository.forget_ended(before=clock.now() - LOG_KEPT, limit=TIDY_BATCH)
                WAITING.set(await repository.count_waiting())
        await asyncio.sleep(TIDY_SECONDS)
