"""What is made before the services start: databases with their roles, and topics."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stoa_common import provisioning, topics
from stoa_common.messaging.kafka import Cluster
from stoa_common.testing.servers import Servers
from stoa_events.contracts import TOPICS

OF_THE_TOPIC = 1
"""Where a setting comes from, in Kafka's protocol (DescribeConfigs): the topic itself, and no default."""


@pytest.fixture
async def place(servers: Servers) -> AsyncIterator[str]:
    """A service's name that no other test uses; its database and roles are gone afterwards."""
    name = f"place_{secrets.token_hex(4)}"
    yield name
    admin = await asyncpg.connect(servers.postgres_url)
    await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    for role in (name, f"{name}_migrate"):
        await admin.execute(f'DROP ROLE IF EXISTS "{role}"')
    await admin.close()


@pytest.fixture
async def strange(servers: Servers) -> AsyncIterator[Cluster]:
    """A cluster on which no topic of ours is; what was made is gone afterwards."""
    cluster = Cluster(servers.kafka_bootstrap_servers, f"t{secrets.token_hex(4)}.")
    yield cluster
    async with _admin(cluster) as admin:
        await admin.delete_topics([name for name in await admin.list_topics() if name.startswith(cluster.topic_prefix)])


@asynccontextmanager
async def _admin(cluster: Cluster) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _said_by(cluster: Cluster, names: Sequence[str]) -> dict[str, str]:
    """Topic -> its own `retention.ms`; those that go by the cluster's default are left out."""
    wanted = [ConfigResource(ConfigResourceType.TOPIC, cluster.named(name), {"retention.ms": None}) for name in names]
    async with _admin(cluster) as admin, asyncio.timeout(20):
        # The broker that answers may learn of a new topic later than the one that made it.
        while any(code for answer in await admin.describe_configs(wanted) for code, *_ in answer.resources):
            await asyncio.sleep(0.1)
        answers = await admin.describe_configs(wanted)
    found = [(name, entry) for answer in answers for _, _, _, name, (entry,) in answer.resources]
    return {cluster.own_name(name): entry[1] for name, entry in found if entry[3] == OF_THE_TOPIC}


def _urls(servers: Servers, name: str, *, password: str = "first") -> dict[str, str]:
    of = provisioning.address
    return {
        "url": of(servers.postgres_url, database=name, role=name, password=password),
        "migrate_url": of(servers.postgres_url, database=name, role=f"{name}_migrate", password=password),
    }


async def test_a_service_reads_and_writes_rows_but_changes_no_table(servers: Servers, place: str) -> None:
    urls = _urls(servers, place)
    await provisioning.provision_addressed(servers.postgres_url, place, **urls)

    owner = await asyncpg.connect(urls["migrate_url"])
    await owner.execute("CREATE TABLE notes (text text)")
    await owner.close()

    service = await asyncpg.connect(urls["url"])
    await service.execute("INSERT INTO notes VALUES ('kept')")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("CREATE TABLE more (text text)")
    await service.close()


async def test_a_service_may_not_enter_anothers_database(servers: Servers, place: str) -> None:
    urls = _urls(servers, place)
    await provisioning.provision_addressed(servers.postgres_url, place, **urls)
    stranger = f"{place}_stranger"
    admin = await asyncpg.connect(servers.postgres_url)
    await admin.execute(f"CREATE ROLE \"{stranger}\" LOGIN PASSWORD 'first'")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(
            provisioning.address(servers.postgres_url, database=place, role=stranger, password="first")
        )

    await admin.execute(f'DROP ROLE "{stranger}"')
    await admin.close()


async def test_provisioning_again_takes_a_new_password_and_keeps_the_rows(servers: Servers, place: str) -> None:
    await provisioning.provision_addressed(servers.postgres_url, place, **_urls(servers, place))
    changed = _urls(servers, place, password="second")

    await provisioning.provision_addressed(servers.postgres_url, place, **changed)

    connection = await asyncpg.connect(changed["url"])
    assert await connection.fetchval("SELECT current_user") == place
    await connection.close()


async def test_an_address_with_another_services_role_is_refused(servers: Servers, place: str) -> None:
    urls = _urls(servers, place)

    with pytest.raises(ValueError, match="other and"):
        await provisioning.provision_addressed(
            servers.postgres_url, "other", url=urls["url"].replace(place, "other"), migrate_url=urls["migrate_url"]
        )


async def test_topics_are_made_once_with_the_partitions_asked_for(servers: Servers) -> None:
    prefix, bootstrap = f"t{secrets.token_hex(4)}.", servers.kafka_bootstrap_servers

    made = await topics.make_all(bootstrap, prefix=prefix, partitions=2)
    again = await topics.make_all(bootstrap, prefix=prefix, partitions=5)

    assert set(made) == {f"{prefix}{topic}" for topic in TOPICS}
    assert again == []
    async with AIOKafkaConsumer(made[0], bootstrap_servers=bootstrap) as reader:
        assert len(reader.partitions_for_topic(made[0]) or ()) == 2


async def test_every_topic_says_itself_that_it_keeps_seven_days(strange: Cluster) -> None:
    group = "sample.counting"

    await topics.make_all(strange.bootstrap_servers, prefix=strange.topic_prefix, partitions=1)
    await topics.make_group_topics(strange.bootstrap_servers, [group], prefix=strange.topic_prefix)

    names = [*TOPICS, f"{group}.replay", f"{group}.dlq"]
    assert await _said_by(strange, names) == dict.fromkeys(names, "604800000")


async def test_a_topic_that_somebody_made_stays_as_it_is(strange: Cluster) -> None:
    async with _admin(strange) as admin:
        mine = NewTopic(strange.named("content.course"), 1, 1, topic_configs={"retention.ms": "3600000"})
        await admin.create_topics([mine])
    before = await _said_by(strange, ["content.course"])

    made = await topics.make_all(strange.bootstrap_servers, prefix=strange.topic_prefix, partitions=1)

    assert strange.named("content.course") not in made
    assert await _said_by(strange, ["content.course"]) == before == {"content.course": "3600000"}


async def test_topics_without_a_broker_are_refused_by_name(servers: Servers) -> None:
    nobody = f"{urlsplit('//' + servers.kafka_bootstrap_servers).hostname}:1"

    with pytest.raises(topics.TopicsNotMade, match=nobody):
        await topics.make_all(nobody)
