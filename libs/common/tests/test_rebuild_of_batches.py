"""Replay and rebuild of groups that take whole batches, over a real broker."""

from uuid import UUID

import pytest
from rebuilding import enrolled, has_sent, has_taken, platform, record_all, request, until, until_completed

from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import Batch, BatchRecord, EventRouter
from stoa_common.messaging.kafka import Cluster
from stoa_events.contracts import LearnerEnrolled

pytestmark = pytest.mark.usefixtures("nothing_before")


async def test_a_batch_door_is_given_replayed_records_of_their_own_topics(database: Database, cluster: Cluster) -> None:
    router = EventRouter(group="ai.copy")
    taken: list[BatchRecord] = []

    @router.batch([LearnerEnrolled.topic])
    async def copy(batch: Batch) -> None:
        taken.extend(batch.records)

    async with platform(database, cluster, [router]):
        await record_all(database, *(enrolled(new_id()) for _ in range(5)))
        await until(lambda: has_taken(taken, 5))
        replay = await until_completed(database, router, await request(database, router))

    assert replay.counts.handled == 5
    assert len(taken) == 10
    assert len({record.envelope.id for record in taken}) == 5
    assert {record.topic for record in taken} == {LearnerEnrolled.topic}


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
        await until(lambda: has_taken(list(kept.values()), 20))
        before = set(kept)
        replay_id = await request(database, router, rebuild=True, rate=20)
        await until(lambda: has_sent(database, 5))
        during = len(kept)
        await record_all(database, enrolled(new_id()))
        await until_completed(database, router, replay_id)
        await until(lambda: has_taken(list(kept.values()), 21))

    assert during < 20
    assert before < set(kept)
