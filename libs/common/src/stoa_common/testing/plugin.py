"""Fixtures for every service's tests.

A service's `conftest.py` gives one fixture, `service`, and may give `settings_overrides` (a dict of settings). Then:
`database` (a migrated clone), `settings`, `resources`, `app`, `client` (httpx2 on the app), `identities` (principals
and tokens), `delivery` (events in, recorded events out), `topic_prefix` (topics of one's own on the real Kafka).
"""

import gc
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from fastapi import FastAPI
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr

from stoa_common import logs
from stoa_common.database import Database
from stoa_common.on_behalf import taken_by
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_common.testing import servers as test_servers
from stoa_common.testing.delivery import Delivery
from stoa_common.testing.identities import ISSUER, Identities
from stoa_common.testing.servers import Servers
from stoa_events.contracts import TOPICS

PARTITIONS = 3
#: Of new objects, and how often the older ones after that; Python's own are 700, 10 and 10.
RARE_COLLECTIONS = (50_000, 20, 50)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:EdDSA is deprecated")
    logs.configure(service="tests", level="info")
    # A test that times itself fails on a busy machine and tells nothing.
    hypothesis_settings.register_profile("stoa", hypothesis_settings(), deadline=None)
    hypothesis_settings.load_profile("stoa")


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: it need not be searched for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*RARE_COLLECTIONS)


@pytest.fixture(scope="session")
def servers() -> Servers:
    return test_servers.from_environment()


@pytest.fixture(scope="session")
def service() -> Service:
    raise NotImplementedError("Give the fixture `service` in the service's conftest.py.")


@pytest.fixture(scope="session")
def settings_overrides() -> dict[str, Any]:
    return {}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def settings(
    service: Service, servers: Servers, settings_overrides: dict[str, Any]
) -> AsyncIterator[ServiceSettings]:
    common: dict[str, Any] = {
        "kafka_bootstrap_servers": servers.kafka_bootstrap_servers,
        "redis_url": SecretStr(servers.redis_url),
        "issuer": ISSUER,
    }
    if not service.has_database:
        yield service.settings(**common | settings_overrides)
        return
    made = await test_servers.clone_database(servers, service.name)
    urls = {"database_url": SecretStr(made.url), "migrate_database_url": SecretStr(made.migrate_url)}
    yield service.settings(**common | urls | settings_overrides)
    await test_servers.drop_database(servers, made.url)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: ServiceSettings) -> AsyncIterator[Database]:
    assert settings.database_url is not None
    database = Database(settings.database_url.get_secret_value(), application_name="tests")
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def resources(service: Service, settings: ServiceSettings) -> AsyncIterator[Resources]:
    opened = Resources([settings])
    if service.resources is None:
        yield opened
        return
    async with service.resources(settings) as items:
        for item in items:
            opened.add(item)
        yield opened


@pytest.fixture(scope="session")
def identities() -> Identities:
    return Identities()


@pytest.fixture(scope="session")
def app(request: pytest.FixtureRequest, service: Service, resources: Resources, identities: Identities) -> FastAPI:
    database = request.getfixturevalue("database") if service.has_database else None
    verifier = TokenVerifier(identities, issuer=ISSUER, audiences=taken_by(service.name))
    return service.build_app(resources, verifier, database)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


@pytest.fixture
def delivery(database: Database, resources: Resources) -> Delivery:
    return Delivery(database, resources)


@pytest_asyncio.fixture(loop_scope="session")
async def topic_prefix(servers: Servers) -> AsyncIterator[str]:
    """A prefix under which all topics of the contracts exist, for this test alone."""
    prefix = f"t{secrets.token_hex(5)}."
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_bootstrap_servers)
    await admin.start()
    names = [prefix + topic for topic in TOPICS]
    try:
        await admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1) for name in names])
        yield prefix
        # Consumers have made topics of their own.
        await admin.delete_topics([name for name in await admin.list_topics() if name.startswith(prefix)])
    finally:
        await admin.close()
