"""Where events are measured: servers of their own that wait for the disk, a database with the shared tables, topics."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asyncpg

from stoa_common import tables, topics
from stoa_common.database import Database
from stoa_common.messaging.kafka import Cluster
from stoa_devkit import settings
from stoa_devkit.servers.together import start_all, throwaway_servers

_WORK = (
    "CREATE TABLE work (id uuid PRIMARY KEY, done_at timestamptz NOT NULL)",
    "CREATE TABLE effects (event_key text NOT NULL, times integer NOT NULL, PRIMARY KEY (event_key))",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Addresses, handed to the processes that are measured."""

    database_url: str
    kafka: str
    prefix: str

    @property
    def cluster(self) -> Cluster:
        # A static member, as every process of the platform: it takes its partitions back at once.
        return Cluster(self.kafka, self.prefix, "bench")

    def database(self, *, waits_for_disk: bool = True) -> Database:
        return Database(self.database_url, asks_first=False, waits_for_disk=waits_for_disk)

    def told(self) -> str:
        return json.dumps(asdict(self))


class _Collected:
    """Takes the shared tables' statements in Alembic's place."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, sqltext: str) -> None:
        self.statements.append(sqltext)

    def get_bind(self) -> Any:
        raise NotImplementedError("Only statements are collected.")


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """PostgreSQL with fsync on, and Kafka."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = [
            server
            for server in throwaway_servers(Path(folder), cache=settings.read().cache)
            if server.name in ("postgres", "kafka")
        ]
        for server in found:
            server.durable = True
        try:
            start_all(found)
            yield addresses_of(found)
        finally:
            for server in found:
                server.stop()


def addresses_of(found: list[Any]) -> dict[str, str]:
    return {server.name: server.address for server in found}


async def fresh(told: dict[str, str], name: str) -> Place:
    """A database and topics of one's own."""
    admin = await asyncpg.connect(told["postgres"])
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    place = Place(told["postgres"].rpartition("/")[0] + f"/{name}", told["kafka"], f"{name}.")
    await topics.make_all(place.kafka, prefix=place.prefix)
    connection = await asyncpg.connect(place.database_url)
    for statement in _statements():
        await connection.execute(statement)
    await connection.close()
    await asyncio.sleep(1)
    return place


def _statements() -> list[str]:
    collected = _Collected()
    makes = (tables.outbox_0001, tables.inbox_0001, tables.outbox_0002, tables.inbox_0002, tables.personal_keys_0001)
    for make in makes:
        make(collected)
    return [*collected.statements, *_WORK]
