"""Where a group goes on reading is moved by its running members, over a real broker."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from rebuilding import (
    OPERATOR,
    a_projection,
    enrolled,
    has_taken,
    platform,
    record_all,
    until,
    until_noted,
)

from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import Batch, BatchRecord, EventRouter
from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.replay import offsets
from stoa_common.messaging.replay.schemas import OffsetResetIn
from stoa_events.contracts import LearnerEnrolled

pytestmark = pytest.mark.usefixtures("nothing_before")


async def test_offsets_are_moved_by_the_member_that_holds_them(database: Database, cluster: Cluster) -> None:
    router = EventRouter(group="ai.copy")
    taken: list[BatchRecord] = []

    @router.batch([LearnerEnrolled.topic])
    async def copy(batch: Batch) -> None:
        taken.extend(batch.records)

    projection = a_projection()
    async with platform(database, cluster, [router, projection]):
        await record_all(database, *(enrolled(new_id()) for _ in range(5)))
        await until(lambda: has_taken(taken, 5))
        before = await until_noted(database, 5)
        for reader in (router, projection):
            await until_reset(database, reader, to="earliest")
        await until(lambda: has_taken(taken, 10))
        await record_all(database, enrolled(new_id()))
        after = await until_noted(database, 6)

    assert len({record.envelope.id for record in taken[:10]}) == 5
    assert {key: after[key] for key in before} == before


async def until_reset(database: Database, router: EventRouter, **wanted: Any) -> None:
    asked = OffsetResetIn(group=router.group, topic=LearnerEnrolled.topic, **wanted)
    async with database.transaction() as session:
        reset = await offsets.request_reset(session, router, asked, caller=OPERATOR)

    async def is_applied() -> bool:
        async with database.transaction() as session:
            return (await offsets.get_reset(session, reset.id, groups=[router.group])).state == "applied"

    await until(is_applied)


async def test_a_reset_to_the_end_passes_over_what_waits_even_what_is_in_hand(
    database: Database, cluster: Cluster
) -> None:
    router = EventRouter(group="ai.slow")
    seen: list[UUID] = []
    may_end = asyncio.Event()

    @router.on(LearnerEnrolled)
    async def take_long(event: LearnerEnrolled) -> None:
        seen.append(event.enrollment_id)
        await may_end.wait()

    last = new_id()
    async with platform(database, cluster, [router]):
        await record_all(database, *(enrolled(new_id()) for _ in range(20)))
        await until(lambda: _has_seen(seen))
        await until_reset(database, router, to="latest")
        in_hand = len(seen)
        may_end.set()
        await record_all(database, enrolled(last))
        await until(lambda: _has_seen(seen, last))

    assert (in_hand < 20, seen[in_hand:]) == (True, [last])


async def _has_seen(seen: list[UUID], wanted: UUID | None = None) -> bool:
    return bool(seen) if wanted is None else wanted in seen
