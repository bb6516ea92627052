"""Streams end when they must, and last through what can be lasted through."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

sys.path.insert(0, str(Path(__file__).parent))

from gateway_streams import Gateway, Wire, a_gateway, enrolled, wired

from stoa_common import revocations, sse
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.kafka import Cluster, new_producer
from stoa_common.resources import Resources
from stoa_common.security import Principal
from stoa_common.service import Service
from stoa_common.testing import Identities
from stoa_common.testing.consuming import running
from stoa_common.testing.servers import Servers
from stoa_events.contracts import LearnerEnrolled
from stoa_events.testkit import a_record
from stoa_gateway.streams import reader
from stoa_gateway.streams.consumers import router


@pytest_asyncio.fixture(loop_scope="session")
async def wire(servers: Servers) -> AsyncIterator[Wire]:
    async with wired(servers.redis_url) as wire:
        yield wire


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(
    service: Service,
    resources: Resources,
    identities: Identities,
    servers: Servers,
    served: Any,
    bound: Any,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Gateway]:
    monkeypatch.setattr(reader, "REST_SECONDS", 0.1)
    urls = {"redis_url": wire.url, "direct_url": servers.redis_url}
    async with a_gateway(service.build_app, resources, identities, served, bound, **urls) as opened:
        yield opened


@pytest.fixture
def ada(identities: Identities) -> Principal:
    return identities.principal("learner")


@pytest.mark.parametrize("whose", ["session", "person", "organization"])
async def test_a_revoked_token_ends_its_streams(gateway: Gateway, identities: Identities, whose: str) -> None:
    ada, bob = identities.principal("learner"), identities.principal("learner")
    stream, other = await (await gateway.follow(ada)).begun(), await (await gateway.follow(bob)).begun()
    subjects = {
        "session": revocations.of_session(ada.session_id),
        "person": revocations.of_person(ada.person_id),
        "organization": revocations.of_organization(ada.organization_id),
    }

    await gateway.revoking.revoke(subjects[whose])

    assert [told.name for told in await stream.rest()] == ["error"]
    await gateway.tell(enrolled(bob))
    assert (await other.next()).name == LearnerEnrolled.type


async def test_a_stream_ends_with_its_token(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada, exp=int(time.time()) + 2)).begun()

    [told] = await stream.rest()

    assert (told.name, told.data["type"]) == ("error", "urn:stoa:problem:stream-is-over")


async def test_a_gateway_that_stops_sends_its_clients_elsewhere(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()

    gateway.app.state.is_leaving = True

    assert await stream.rest() == []
    assert stream.retry >= 1000


async def test_an_open_stream_lasts_while_redis_is_away_and_misses_nothing(
    gateway: Gateway, ada: Principal, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.2)
    stream = await (await gateway.follow(ada)).begun()

    wire.cut()
    await stream.comment("held")
    stream.comments.clear()
    await stream.comment("heartbeat")
    wire.mend()
    await tell_when_back(gateway, event := enrolled(ada))

    assert (await stream.next()).data["resource"].endswith(event.subject)


async def tell_when_back(gateway: Gateway, *events: Any) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await gateway.tell(*events)
            except ConnectionError:
                await asyncio.sleep(0.1)
            else:
                return


async def test_who_comes_while_redis_is_away_is_asked_to_come_back_later(
    gateway: Gateway, ada: Principal, wire: Wire
) -> None:
    stream = await (await gateway.follow(ada)).begun()
    wire.cut()
    await stream.comment("held")

    other = await gateway.follow(ada)

    assert await other.rest() == []
    assert other.retry >= 4000


async def test_a_redis_that_does_not_answer_keeps_nobody_waiting(gateway: Gateway, ada: Principal, wire: Wire) -> None:
    await (await gateway.follow(ada)).begun()
    wire.flows.clear()

    async with asyncio.timeout(15):
        other = await gateway.follow(ada)
        assert await other.rest() == []

    wire.flows.set()


async def test_what_redis_lost_is_said(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()
    await gateway.tell(enrolled(ada))
    await stream.next()

    await gateway.redis.delete(*[key for key in await gateway.keys() if "streams" in key])

    assert (await stream.next()).name == "reset"
    await gateway.tell(enrolled(ada))
    assert (await stream.next()).name == LearnerEnrolled.type


async def test_a_gateway_that_missed_what_went_by_says_so(gateway: Gateway, ada: Principal, wire: Wire) -> None:
    stream = await (await gateway.follow(ada)).begun()
    await gateway.tell(enrolled(ada))
    await stream.next()
    wire.cut()
    # As if it had been away for so long that what was told meanwhile is not there any more.
    await gateway.redis.hincrby(f"{gateway.prefix}{{stoa:streams}}:1:state", "number", 7)
    wire.mend()

    await tell_when_back(gateway, event := enrolled(ada))

    assert (await stream.next()).name == "reset"
    assert (await stream.next()).data["resource"].endswith(event.subject)


async def test_what_is_published_on_kafka_reaches_the_person(
    gateway: Gateway, ada: Principal, servers: Servers, topic_prefix: str
) -> None:
    cluster = Cluster(servers.kafka_bootstrap_servers, topic_prefix)
    stream = await (await gateway.follow(ada)).begun()
    own = Resources([gateway.source])
    producer = new_producer(cluster)
    await producer.start()

    async with running(Consumers([router], None, own, cluster)):
        bad, good = a_record(enrolled(ada)), a_record(event := enrolled(ada))
        for record, value in ((bad, b'{"enrollment_id": 1}'), (bad, None), (good, good.value)):
            topic = cluster.named(record.topic)
            await producer.send_and_wait(topic, value, key=b"one", headers=record.headers)

        assert (await stream.next()).data["resource"].endswith(event.subject)
    await producer.stop()


async def test_a_consumer_waits_for_redis_and_then_tells(
    gateway: Gateway, ada: Principal, servers: Servers, topic_prefix: str, wire: Wire
) -> None:
    cluster = Cluster(servers.kafka_bootstrap_servers, topic_prefix)
    stream = await (await gateway.follow(ada)).begun()
    producer = new_producer(cluster)
    await producer.start()
    record = a_record(event := enrolled(ada))

    async with running(Consumers([router], None, Resources([gateway.source]), cluster)) as consuming:
        wire.cut()
        await producer.send_and_wait(cluster.named(record.topic), record.value, key=b"one", headers=record.headers)
        await asyncio.sleep(1)
        assert not consuming.done()
        wire.mend()

        assert (await stream.next()).data["resource"].endswith(event.subject)
    await producer.stop()


async def test_the_end_of_a_stream_is_logged_with_its_duration(gateway: Gateway, ada: Principal) -> None:
    with structlog.testing.capture_logs() as lines:
        stream = await (await gateway.follow(ada)).begun()
        stream.answer.close()
        async with asyncio.timeout(20):
            while not (ended := [line for line in lines if line["event"] == "stream_ended"]):
                await asyncio.sleep(0.02)

    assert ended[0]["correlation_id"] == stream.answer.headers["X-Request-Id"]
    assert 0 <= ended[0]["seconds"] < 20
