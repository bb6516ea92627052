"""The platform of one checkout, put together: which servers run here, which services, with which addresses."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stoa_devkit import databases, environment, leftovers, machine
from stoa_devkit.running import adopt
from stoa_devkit.servers import Kafka, Postgres, Server, Valkey
from stoa_devkit.services import SERVICES, Service, Spec
from stoa_devkit.settings import Settings
from stoa_devkit.state import State


@dataclass
class Platform:
    """Everything that the supervisor runs."""

    settings: Settings
    state: State
    table: Sequence[Spec] = SERVICES
    postgres: Postgres | None = None
    valkey: Valkey | None = None
    kafka: Kafka | None = None
    services: list[Service] = field(default_factory=list)
    addresses: environment.Addresses | None = None

    @property
    def servers(self) -> list[Server]:
        """The servers that run here."""
        return [server for server in (self.postgres, self.valkey, self.kafka) if server is not None]

    @property
    def gateway(self) -> str:
        """The address that people use."""
        return f"http://127.0.0.1:{self.settings.gateway_port}"

    @property
    def bootstrap_servers(self) -> str:
        """Where Kafka is: ours, or the one that the environment points at."""
        return self.kafka.address if self.kafka else self.settings.get("KAFKA_BOOTSTRAP_SERVERS") or ""

    def own_databases(self) -> list[Spec]:
        """The services whose database is in our own server."""
        elsewhere = environment.external_databases(self._with_database(), self.settings)
        return [spec for spec in self.table if spec.has_database and spec.name not in elsewhere]

    def _with_database(self) -> list[str]:
        return [spec.name for spec in self.table if spec.has_database]


def assemble(settings: Settings, table: Sequence[Spec] = SERVICES) -> Platform:
    """Adopt the servers that still run, end everything else that was left, choose ports, and build the parts.

    Raises Trouble where this machine is in the way: a full disk, a taken port, lost secrets.
    """
    platform = Platform(settings, State(settings.state), table)
    machine.refuse_full_disk(platform.state)
    machine.refuse_lost_secrets(platform.state)
    _build_servers(platform)
    _adopt_or_end(platform)
    machine.refuse_taken_port(settings.gateway_port)
    _move_from_taken_ports(platform)
    _build_services(platform)
    return platform


def _build_servers(platform: Platform) -> None:
    state, settings = platform.state, platform.settings
    if platform.own_databases():
        port, password = state.port("postgres"), state.secret("postgres")
        platform.postgres = Postgres(
            state.data / "postgres", state.log("postgres"), port, password=password, max_connections=300
        )
    if not settings.get("REDIS_URL"):
        port, password = state.port("valkey"), state.secret("valkey")
        platform.valkey = Valkey(state.data / "valkey", state.log("valkey"), port, password=password)
    if not settings.get("KAFKA_BOOTSTRAP_SERVERS"):
        port, controller = state.port("kafka"), state.port("kafka-controller")
        platform.kafka = Kafka(
            state.data / "kafka", state.log("kafka"), port, controller_port=controller, cache=settings.cache
        )


def _adopt_or_end(platform: Platform) -> None:
    """Servers may go on if they are the ones that we would start. Services start anew: their code may have changed."""
    records = platform.state.records()
    for server in platform.servers:
        record = records.get(server.name)
        if record is not None and server.is_same_command(record.command):
            server.running = adopt(record.pid, started=record.started)
    adopted = [server.running.pid for server in platform.servers if server.running is not None]
    leftovers.end(platform.state.folder, besides=adopted)


def _move_from_taken_ports(platform: Platform) -> None:
    for server in platform.servers:
        if server.running is None:
            server.port = platform.state.free_port(server.name)
            if isinstance(server, Kafka):
                server.controller_port = platform.state.free_port("kafka-controller")


def _build_services(platform: Platform) -> None:
    state, settings = platform.state, platform.settings
    ports = {spec.name: state.free_port(spec.name) for spec in platform.table if spec.name != "gateway"}
    if any(spec.name == "gateway" for spec in platform.table):
        ports["gateway"] = settings.gateway_port
    addresses = environment.Addresses(
        kafka=platform.bootstrap_servers,
        redis=platform.valkey.address if platform.valkey else settings.get("REDIS_URL") or "",
        databases=_database_urls(platform),
        ports=ports,
    )
    platform.addresses = addresses
    platform.services = [_service(spec, platform, addresses) for spec in platform.table]


def _service(spec: Spec, platform: Platform, addresses: environment.Addresses) -> Service:
    state, settings = platform.state, platform.settings
    return Service(
        spec,
        addresses.ports[spec.name],
        state.log(spec.name),
        environment.of_service(spec, settings, state, addresses),
        environment.of_migrate(spec, settings, state, addresses) if spec.has_database else {},
    )


def _database_urls(platform: Platform) -> dict[str, environment.Urls]:
    names = [spec.name for spec in platform.table if spec.has_database]
    urls = environment.external_databases(names, platform.settings)
    if platform.postgres is not None:
        server = platform.postgres
        urls |= {spec.name: databases.urls_of(spec.name, server, platform.state) for spec in platform.own_databases()}
    return urls
