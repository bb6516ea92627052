"""The consumer role: everything that a process reads from Kafka, and whether it still reads."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from stoa_common import logs, metrics, topics
from stoa_common.database import Database
from stoa_common.messaging import kafka, watchdog, windows
from stoa_common.messaging.batches import BatchLoop
from stoa_common.messaging.broadcasts import BroadcastLoop
from stoa_common.messaging.group import GroupReader
from stoa_common.messaging.handling import Handling
from stoa_common.messaging.replay.control import ReplayControl
from stoa_common.messaging.replay.moving import Moving
from stoa_common.messaging.replayed_batches import ReplayedBatches
from stoa_common.messaging.retrier import Retrier
from stoa_common.messaging.router import EventRouter
from stoa_common.resources import Resources

MEASURE_SECONDS: Final = 1.0
TOPICS_RETRY_SECONDS: Final = 2.0
log = logs.get_logger()


class ConsumerStopped(RuntimeError):
    """A consume loop ended although nobody stopped it; the process must go down with it."""


class Consumers:
    """Subscribes every router of a service; `run` returns only by an error or by cancellation."""

    def __init__(
        self,
        routers: Sequence[EventRouter],
        database: Database | None,
        resources: Resources,
        cluster: kafka.Cluster,
        *,
        inbox_window: timedelta = timedelta(days=30),
    ) -> None:
        """`inbox_window` is how long the service's inbox remembers; a cluster that keeps records longer is refused.

        Without a database there is no inbox, and nothing to replay into: batches and broadcasts alone are read.
        """
        self._cluster = cluster
        self._inbox_window = inbox_window
        self._handlings = _handlings(routers, database, resources)
        self._groups = [GroupReader(handling, cluster) for handling in self._handlings]
        bulk = [(router.group, batch) for router in routers for batch in router.batches]
        self._batches = [BatchLoop(*of, database, resources, cluster) for of in bulk]
        self._replayed = [ReplayedBatches(*of, database, resources, cluster) for of in bulk if database is not None]
        self._broadcasts = [BroadcastLoop(b, resources, cluster) for router in routers for b in router.broadcasts]
        self._control = None
        if database is not None and self._readers:
            moving = Moving(self._readers, database, cluster)
            self._control = ReplayControl(routers, database, resources, moving=moving)

    async def run(self) -> None:
        await kafka.wait_until_reachable(self._cluster)
        await windows.check(self._cluster, self._topics(), inbox=self._inbox_window)
        await self._make_topics()
        loops: list[GroupReader | BatchLoop | BroadcastLoop] = [*self._readers, *self._replayed, *self._broadcasts]
        tasks = [asyncio.create_task(loop.run(), name=type(loop).__name__) for loop in loops]
        if self._control is not None:
            tasks.append(asyncio.create_task(self._control.run(), name="ReplayControl"))
        if self._handlings:
            tasks.append(asyncio.create_task(Retrier(self._handlings).run(), name="Retrier"))
        tasks.append(asyncio.create_task(self._measure(), name="measure"))
        tasks.append(asyncio.create_task(watchdog.watch(self._readers, self._cluster), name="watchdog"))
        try:
            await _first_failure(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def is_ready(self) -> bool:
        """Whether every group has had its partitions assigned (or was told that others hold them)."""
        return all(reader.assignment.is_known for reader in [*self._readers, *self._replayed])

    async def ping(self) -> None:
        """Raises what keeps the broker from answering the first group."""
        for reader in self._readers[:1]:
            await reader.ping()

    @property
    def _readers(self) -> list[GroupReader | BatchLoop]:
        return [*self._groups, *self._batches]

    async def _make_topics(self) -> None:
        """Each group's own topics are there before anybody reads them, or writes to them."""
        if self._control is None:
            return
        groups = [reader.group for reader in self._readers]
        while True:
            try:
                await topics.make_group_topics(
                    self._cluster.bootstrap_servers, groups, prefix=self._cluster.topic_prefix
                )
            except topics.TopicsNotMade as refusal:
                log.warning("group_topics_not_made", reason=str(refusal))
                await asyncio.sleep(TOPICS_RETRY_SECONDS)
            else:
                return

    def _topics(self) -> set[str]:
        return {topic for handling in self._handlings for topic in handling.router.topics}

    async def _measure(self) -> None:
        while True:
            for reader in self._readers:
                metrics.CONSUMER_AGE.labels(reader.group).set(reader.oldest_age())
                for partition, lag in reader.lags().items():
                    metrics.CONSUMER_LAG.labels(
                        reader.group, self._cluster.own_name(partition.topic), str(partition.partition)
                    ).set(lag)
            await asyncio.sleep(MEASURE_SECONDS)


def _handlings(routers: Sequence[EventRouter], database: Database | None, resources: Resources) -> list[Handling]:
    reading = [router for router in routers if router.subscriptions]
    if not reading:
        return []
    if database is None:
        raise TypeError("Handlers with an inbox need a database.")
    # The retrier and the control of the group need a connection, too.
    places = asyncio.Semaphore(max(1, database.pool_size - 2))
    return [Handling(router, database, resources, places=places) for router in reading]


async def _first_failure(tasks: Sequence["asyncio.Task[None]"]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
        raise ConsumerStopped(f"{task.get_name()} ended by itself.")
