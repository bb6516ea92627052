import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from sqlalchemy import text

from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import handling
from stoa_common.messaging.kafka import Cluster
from stoa_common.resources import Resources
from stoa_common.revocation_log import RedisLog, open_redis
from stoa_common.service import Service
from stoa_common.testing import Identities
from stoa_common.testing.servers import Servers

sys.path.insert(0, str(Path(__file__).parent))

from parking_reader import Reader
from rebuilding import broken_for, forget
from revoking import Truth


@pytest.fixture(scope="session")
def service() -> Service:
    from stoa_sample.service import service

    return service


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def unpublished(database: Database) -> AsyncIterator[None]:
    """The sample's own topics are on no Kafka: a relay of another module must not find what is recorded here."""
    yield
    async with database.transaction() as session:
        await session.execute(
            text("DELETE FROM outbox USING event_log e WHERE e.id = outbox.event_id AND e.topic LIKE 'sample.%'")
        )


@pytest.fixture(scope="module")
def without_quick_tries() -> Iterator[None]:
    """What is tested begins after the quick tries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handling, "QUICK_TRY_WAIT", 0.0)
        yield


@pytest.fixture
def reader(database: Database, resources: Resources) -> Reader:
    return Reader(database, resources)


@pytest.fixture
def operator(identities: Identities) -> dict[str, str]:
    return identities.headers(identities.principal("operator"))


@pytest_asyncio.fixture(loop_scope="session")
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    client = open_redis(servers.redis_url, answer_seconds=10)
    yield client
    await client.aclose()


@pytest.fixture
def prefix() -> str:
    """What nobody else writes to."""
    return f"t{new_id().hex}."


@pytest.fixture
def shared(redis: Redis, prefix: str) -> RedisLog:
    """With a marker that lives longer than a busy machine needs for a test."""
    return RedisLog(redis, prefix=prefix, marker_seconds=60)


@pytest.fixture
def truth() -> Truth:
    return Truth()


@pytest.fixture
def cluster(servers: Servers, topic_prefix: str) -> Cluster:
    return Cluster(servers.kafka_bootstrap_servers, topic_prefix)


@pytest.fixture
async def nothing_before(database: Database) -> AsyncIterator[None]:
    await forget(database)
    yield
    broken_for.clear()
    await forget(database)
