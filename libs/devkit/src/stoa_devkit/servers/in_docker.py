"""The same three servers as containers, by testcontainers."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from stoa_devkit.ports import free_port
from stoa_devkit.servers import probes
from stoa_devkit.servers.together import Addresses
from stoa_devkit.trouble import Trouble

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

POSTGRES_IMAGE = "pgvector/pgvector:pg17"
VALKEY_IMAGE = "valkey/valkey:9"
KAFKA_IMAGE = "apache/kafka:4.3.1"
CONTROLLER_PORT = 9093
LONGEST_START_SECONDS = 120.0


@contextmanager
def docker_servers() -> Iterator[Addresses]:
    """All three in containers, gone at the end. Raises Trouble where there is no engine, or one does not start."""
    host = _host()
    password, ports = secrets.token_urlsafe(18), _three_ports()
    postgres, valkey, kafka = ports
    containers = [_postgres(postgres, password), _valkey(valkey), _kafka(kafka, host)]
    with ExitStack() as stack:
        for container in containers:
            stack.enter_context(container)
        _wait(POSTGRES_IMAGE, lambda: probes.postgres_answers(host, postgres))
        _wait(VALKEY_IMAGE, lambda: probes.valkey_answers(host, valkey))
        _wait(KAFKA_IMAGE, lambda: probes.kafka_answers(host, kafka))
        yield {
            "STOA_TEST_POSTGRES_URL": f"postgresql://postgres:{password}@{host}:{postgres}/postgres",
            "STOA_TEST_REDIS_URL": f"redis://{host}:{valkey}/0",
            "STOA_TEST_KAFKA_BOOTSTRAP_SERVERS": f"{host}:{kafka}",
        }


def _host() -> str:
    """The engine's host, as this process reaches it."""
    from docker.errors import DockerException
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.docker_client import DockerClient

    # The reaper is one more image to pull; what is started here is stopped at the end of the block.
    testcontainers_config.ryuk_disabled = True
    try:
        found = DockerClient().host()
    except DockerException as failure:
        raise Trouble("STOA_TEST_ENGINE is docker, but no engine answers: start it, or unset that.") from failure
    return "127.0.0.1" if found == "localhost" else found


def _postgres(port: int, password: str) -> "DockerContainer":
    container = _container(POSTGRES_IMAGE).with_env("POSTGRES_PASSWORD", password).with_bind_ports(5432, port)
    settings = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")
    return container.with_command(["postgres", *(part for setting in settings for part in ("-c", setting))])


def _valkey(port: int) -> "DockerContainer":
    return (
        _container(VALKEY_IMAGE)
        .with_bind_ports(6379, port)
        .with_command(["valkey-server", "--save", "", "--protected-mode", "no"])
    )


def _kafka(port: int, host: str) -> "DockerContainer":
    # The broker tells its clients where it is, so that it must know its port outside the container.
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@localhost:{CONTROLLER_PORT}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:{CONTROLLER_PORT}",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{host}:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
    return _container(KAFKA_IMAGE).with_envs(**settings).with_bind_ports(port, port)


def _container(image: str) -> "DockerContainer":
    from testcontainers.core.container import DockerContainer

    return DockerContainer(image)


def _three_ports() -> list[int]:
    ports: list[int] = []
    while len(ports) < 3:
        ports.append(free_port(besides=ports))
    return ports


def _wait(image: str, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_START_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            raise Trouble(f"{image} did not answer within {LONGEST_START_SECONDS:.0f} s.")
        time.sleep(0.2)
