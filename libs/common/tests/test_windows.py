"""The inbox remembers longer than Kafka redelivers, and what has had its time is forgotten."""

import asyncio
from datetime import timedelta

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from stoa_common import clock, housekeeping
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import windows
from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.tables import inbox
from stoa_common.settings import ServiceSettings
from stoa_common.testing.servers import Servers


@given(days=st.integers(1, 400), kept=st.floats(0, 500))
def test_an_inbox_is_refused_exactly_when_it_forgets_before_kafka_does(days: int, kept: float) -> None:
    window, retention = timedelta(days=days), timedelta(days=kept)

    try:
        windows.refuse_short_inbox(window, {"content.course": retention})
        is_refused = False
    except windows.InboxIsTooShort:
        is_refused = True

    assert is_refused == (retention + timedelta(hours=8) > window)


async def test_a_topic_that_keeps_records_for_ever_is_refused_by_name(servers: Servers, topic_prefix: str) -> None:
    cluster = Cluster(servers.kafka_bootstrap_servers, topic_prefix)
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.servers)
    await admin.start()
    await admin.create_topics([NewTopic(cluster.named("content.eternal"), 1, 1, topic_configs={"retention.ms": "-1"})])
    await admin.close()
    async with asyncio.timeout(10):
        while not await windows.retentions(cluster, ["content.eternal"]):
            await asyncio.sleep(0.1)

    with pytest.raises(windows.InboxIsTooShort, match=r"content\.eternal for ever"):
        await windows.check(cluster, ["content.eternal"], inbox=timedelta(days=30))


async def test_topics_of_seven_days_fit_an_inbox_of_thirty(servers: Servers, topic_prefix: str) -> None:
    cluster = Cluster(servers.kafka_bootstrap_servers, topic_prefix)

    await windows.check(cluster, ["content.course", "auth.user"], inbox=timedelta(days=30))


async def test_entries_older_than_the_window_are_forgotten(database: Database, settings: ServiceSettings) -> None:
    now = clock.now()
    ages = {"old": timedelta(days=31), "new": timedelta(days=29)}
    async with database.transaction() as session:
        for age in ages.values():
            row = {"consumer": "sample.windows", "event_id": new_id(), "handled_at": now - age}
            await session.execute(inbox.insert().values(**row))

    await housekeeping.tidy(database, settings)

    query = select(inbox.c.handled_at).where(inbox.c.consumer == "sample.windows")
    async with database.transaction() as session:
        assert (await session.scalars(query)).all() == [now - ages["new"]]


async def test_days_of_the_event_log_are_dropped_whole_and_only_when_told(
    database: Database, settings: ServiceSettings
) -> None:
    async with database.transaction() as session:
        before = await session.scalar(text("SELECT min(inhrelid::regclass::text) FROM pg_inherits"))
    yesterday = f"event_log_{clock.now() - timedelta(days=1):%Y%m%d}"

    await housekeeping.tidy(database, settings)
    async with database.transaction() as session:
        untouched = await session.scalar(text("SELECT min(inhrelid::regclass::text) FROM pg_inherits"))
        dropped = await session.scalar(text("SELECT drop_event_log_partitions(1)"))
        kept = await session.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": yesterday})

    assert before == untouched
    assert dropped == 0
    assert kept
