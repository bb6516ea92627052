"""The embedded servers: they start, they keep what they were given, also when they are killed."""

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from redis.asyncio import Redis

from stoa_devkit import topics
from stoa_devkit.ports import free_port
from stoa_devkit.servers import Kafka, Postgres, Server, Valkey, kafka_jars
from stoa_devkit.trouble import Trouble
from stoa_events.contracts import TOPICS

AServer = TypeVar("AServer", bound=Server)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    yield from _running(Postgres(tmp_path / "data" / "postgres", tmp_path / "log", free_port(), password="it's"))


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    yield from _running(Valkey(tmp_path / "data" / "valkey", tmp_path / "log", free_port(), password="secret"))


@pytest.fixture
def kafka(tmp_path: Path, cache: Path) -> Iterator[Kafka]:
    data, log = tmp_path / "data" / "kafka", tmp_path / "log"
    yield from _running(Kafka(data, log, free_port(), controller_port=free_port(), cache=cache))


def _running(server: AServer) -> Iterator[AServer]:
    server.prepare()
    server.start()
    server.wait()
    yield server
    server.stop()


def _kill(server: Server) -> None:
    assert server.running is not None
    server.running.send(signal.SIGKILL)
    assert server.running.wait(seconds=10)


async def test_postgres_keeps_a_commit_through_kill_9(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.address)
    await connection.execute("CREATE TABLE notes (note text)")
    await connection.execute("INSERT INTO notes VALUES ('kept')")

    _kill(postgres)
    await _start_again(postgres)

    connection = await asyncpg.connect(postgres.address)
    assert await connection.fetchval("SELECT note FROM notes") == "kept"
    await connection.close()


async def _start_again(postgres: Postgres) -> None:
    # The sessions of the killed server end within moments, and it refuses to start before.
    for _ in range(20):
        postgres.start()
        try:
            await asyncio.to_thread(postgres.wait)
        except Trouble:
            await asyncio.sleep(0.2)
        else:
            return


async def test_postgres_has_vectors_and_asks_for_the_password(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.address)
    await connection.execute("CREATE EXTENSION vector")
    assert await connection.fetchval("SELECT '[1,2]'::vector <-> '[1,4]'::vector") == 2
    await connection.close()

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url("postgres", "wrong", "postgres"))


async def test_postgres_starts_though_another_program_has_the_pid_in_its_lock_file(postgres: Postgres) -> None:
    lock = postgres.data / "postmaster.pid"
    postgres.stop()
    lock.write_text(f"1\n{postgres.data}\n")

    postgres.start()
    postgres.wait()

    assert lock.read_text().splitlines()[0] != "1"


async def test_valkey_keeps_what_it_was_given(valkey: Valkey) -> None:
    async with Redis.from_url(valkey.address) as client:
        await client.set("note", "kept")

    valkey.stop()
    valkey.start()
    valkey.wait()

    async with Redis.from_url(valkey.address) as client:
        assert await client.get("note") == b"kept"


def test_valkeys_password_is_not_in_its_arguments(valkey: Valkey) -> None:
    assert not any("secret" in argument for argument in valkey.command())
    assert (valkey.data / "valkey.conf").stat().st_mode & 0o077 == 0


async def test_kafka_keeps_what_it_acknowledged_through_kill_9(kafka: Kafka) -> None:
    await topics.make_all(kafka.address, prefix="test.", on_laptop=True)
    async with AIOKafkaProducer(bootstrap_servers=kafka.address, acks="all") as producer:
        await producer.send_and_wait("test.content.course", b"kept", key=b"key")

    _kill(kafka)
    kafka.start()
    await asyncio.to_thread(kafka.wait)

    reader = AIOKafkaConsumer("test.content.course", bootstrap_servers=kafka.address, auto_offset_reset="earliest")
    async with reader:
        record = await asyncio.wait_for(reader.getone(), 30)
    assert record.value == b"kept"


async def test_making_the_topics_twice_changes_nothing(kafka: Kafka) -> None:
    await topics.make_all(kafka.address, prefix="", on_laptop=True)

    await topics.make_all(kafka.address, prefix="", on_laptop=True)

    async with AIOKafkaConsumer(bootstrap_servers=kafka.address) as reader:
        assert set(TOPICS) <= await reader.topics()
    async with AIOKafkaConsumer("content.course", bootstrap_servers=kafka.address) as reader:
        assert len(reader.partitions_for_topic("content.course") or ()) == topics.LAPTOP_PARTITIONS


def test_a_jar_that_is_not_the_pinned_one_is_not_taken(tmp_path: Path, cache: Path) -> None:
    jar = kafka_jars.pinned()[0]
    forged = tmp_path / jar.filename
    forged.write_bytes((cache / f"kafka-{kafka_jars.VERSION}" / jar.filename).read_bytes() + b"!")

    assert not kafka_jars.is_pinned(forged, jar)
    assert not kafka_jars.is_pinned(tmp_path / "missing.jar", jar)


def test_every_jar_is_pinned_once() -> None:
    jars = kafka_jars.pinned()

    assert len({jar.filename for jar in jars}) == len(jars) == 46
    assert all(len(jar.sha256) == 64 for jar in jars)


def test_a_server_that_ends_says_its_last_words(tmp_path: Path) -> None:
    broken = Valkey(tmp_path / "data", tmp_path / "log", port=free_port())
    broken.prepare()
    (tmp_path / "data" / "valkey.conf").write_text("nonsense 1\n")
    broken.start()

    with pytest.raises(Trouble, match="nonsense"):
        broken.wait()


def test_the_first_preparation_records_the_start_for_all_later_ones(tmp_path: Path, cache: Path) -> None:
    jars = tmp_path / "cache" / f"kafka-{kafka_jars.VERSION}"
    shutil.copytree(cache / jars.name, jars, ignore=shutil.ignore_patterns("*.aot"))
    data, log = tmp_path / "data", tmp_path / "log"
    kafka = Kafka(data, log, free_port(), controller_port=free_port(), cache=tmp_path / "cache")

    kafka.prepare()

    recorded = next(jars.glob("*.aot"))
    assert any(str(recorded) in argument for argument in kafka.command())
    assert not kafka.ready()
