"""Where the platform of this checkout keeps what it keeps."""

from dataclasses import dataclass
from pathlib import Path

from stoa_devkit import databases, environment
from stoa_devkit.events.tail import kafka_servers
from stoa_devkit.ports import HOST
from stoa_devkit.servers import Postgres, Valkey
from stoa_devkit.services import SERVICES
from stoa_devkit.settings import Settings
from stoa_devkit.state import State


@dataclass(frozen=True)
class Places:
    """Addresses of everything that holds data."""

    databases: dict[str, str]
    services: dict[str, str]
    redis: str
    kafka: str
    topic_prefix: str
    folder: Path


def find_places(found: Settings) -> Places:
    """Our own servers, and those that the environment points at. Raises PlatformIsNotUp."""
    state = State(found.state)
    names = [spec.name for spec in SERVICES if spec.has_database]
    return Places(
        databases=_databases(found, state, names),
        services={name: found.get(f"{name.upper()}_URL") or f"http://{HOST}:{state.port(name)}" for name in names},
        redis=found.get("REDIS_URL") or _own_redis(state),
        kafka=kafka_servers(),
        topic_prefix=found.topic_prefix,
        folder=found.state,
    )


def _databases(found: Settings, state: State, names: list[str]) -> dict[str, str]:
    """As their owners: a service's own role may not read all of its tables."""
    server = Postgres(state.data / "postgres", state.log("postgres"), state.port("postgres"))
    elsewhere = environment.external_databases(names, found)
    return {name: (elsewhere.get(name) or databases.urls_of(name, server, state)).migrate for name in names}


def _own_redis(state: State) -> str:
    password = state.find_secret("valkey") or ""
    return Valkey(state.data / "valkey", state.log("valkey"), state.port("valkey"), password=password).address
