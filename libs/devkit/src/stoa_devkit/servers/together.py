"""The three servers as one set, for tests."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from stoa_devkit.ports import free_port
from stoa_devkit.servers.kafka import Kafka
from stoa_devkit.servers.postgres import Postgres
from stoa_devkit.servers.server import Server, silent
from stoa_devkit.servers.valkey import Valkey

Addresses = dict[str, str]
"""The variables that the tests read."""


@contextmanager
def embedded_servers(folder: Path, *, cache: Path, report: Callable[[str], None] = silent) -> Iterator[Addresses]:
    """All three on free ports with data that need not last; stopped at the end."""
    servers = throwaway_servers(folder, cache=cache)
    try:
        start_all(servers, report)
        yield addresses(servers)
    finally:
        with ThreadPoolExecutor(len(servers)) as pool:
            list(pool.map(lambda server: server.stop(), servers))


def throwaway_servers(folder: Path, *, cache: Path) -> list[Server]:
    """Servers for tests: many connections, no waiting for the disk."""
    ports: list[int] = []
    while len(ports) < 4:
        ports.append(free_port(besides=ports))
    postgres, valkey, kafka, controller = ports
    data, logs = folder / "data", folder / "logs"
    password = secrets.token_urlsafe(18)
    return [
        Postgres(
            data / "postgres",
            logs / "postgres.log",
            postgres,
            durable=False,
            password=password,
            max_connections=300,
        ),
        Valkey(data / "valkey", logs / "valkey.log", valkey, durable=False),
        Kafka(data / "kafka", logs / "kafka.log", kafka, controller_port=controller, cache=cache),
    ]


def start_all(servers: list[Server], report: Callable[[str], None] = silent) -> None:
    """Prepare and start the servers side by side, and wait for all."""

    def start(server: Server) -> None:
        server.prepare(report)
        server.start()
        server.wait()

    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(start, servers))


def addresses(servers: list[Server]) -> Addresses:
    """The variables by which the tests find the servers."""
    found = {server.name: server.address for server in servers}
    return {
        "STOA_TEST_POSTGRES_URL": found["postgres"],
        "STOA_TEST_REDIS_URL": found["valkey"],
        "STOA_TEST_KAFKA_BOOTSTRAP_SERVERS": found["kafka"],
    }
