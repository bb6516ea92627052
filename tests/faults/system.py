"""The system under test: the probe's services as real processes, started again whenever they die."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stoa_common import migrations, provisioning
from stoa_common import topics as kafka_topics
from stoa_devkit import running
from stoa_devkit.ports import HOST, free_port
from stoa_devkit.running import Running
from stoa_devkit.settings import read as read_settings

from .stage import SERVICES, Stage

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "probe"
PARTITIONS = 3
PASSWORD = "only-for-faults"
RESTART_PAUSE = 0.1
ROLES = {"api": ("enroller", "api"), "relay": ("enroller", "relay"), "consumer": ("reader", "consumer")}


@dataclass
class Part:
    """One process: `variables` is what it starts with; a fault adds to `armed`, and restarts it."""

    name: str
    role: str
    port: int
    variables: Mapping[str, str]
    log: Path
    mutant: str | None = None
    is_wanted: bool = True
    armed: dict[str, str] = field(default_factory=dict)
    running: Running | None = None
    starts: int = 0

    @property
    def service(self) -> str:
        return ROLES[self.role][0]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def is_alive(self) -> bool:
        return self.running is not None and self.running.alive()

    def start(self) -> None:
        service, role = ROLES[self.role]
        module = f"stoa_{service}.processes"
        run = ["tests.faults.mutants", self.mutant, module] if self.mutant else [module]
        command = [sys.executable, "-m", *run, role]
        self.running = running.start(command, log=self.log, env={**self.variables, **self.armed}, folder=ROOT)
        self.starts += 1

    def send(self, number: signal.Signals) -> None:
        if self.running is not None:
            self.running.send(number)


class System:
    """An api, two relays and two consumers, with databases and topics of this run alone."""

    def __init__(self, stage: Stage, folder: Path, *, name: str, mutant: str | None = None, relays: int = 2) -> None:
        self.stage = stage
        self.prefix = f"{name}."
        self._database = f"faults_{name}"
        self._folder = folder
        self._mutant = mutant
        self._relays = [f"relay-{number}" for number in range(1, relays + 1)]
        self.urls: dict[str, provisioning.Provisioned] = {}
        self.parts: dict[str, Part] = {}

    async def prepare(self) -> None:
        """Make the databases and topics, and lay out the processes."""
        for service in SERVICES:
            await self._make_database(service)
        await kafka_topics.make_all(self.stage.kafka, prefix=self.prefix, partitions=PARTITIONS)
        for name in ("api", *self._relays, "consumer-1", "consumer-2"):
            self._lay_out(name)

    def of_role(self, role: str) -> list[Part]:
        return [part for part in self.parts.values() if part.role == role]

    @property
    def wanted(self) -> list[Part]:
        return [part for part in self.parts.values() if part.is_wanted]

    async def keep(self) -> None:
        """Start what is wanted and does not run, until cancelled."""
        while True:
            for part in self.wanted:
                if not part.is_alive:
                    part.start()
            await asyncio.sleep(RESTART_PAUSE)

    async def stop(self, part: Part) -> None:
        """Stop it in order, and leave it stopped."""
        part.is_wanted = False
        if part.running is not None:
            await asyncio.to_thread(part.running.stop, seconds=20)

    def end(self) -> None:
        """At once, for good: nothing that runs is worth keeping any more."""
        for part in self.parts.values():
            part.is_wanted = False
            part.send(signal.SIGKILL)

    async def _make_database(self, service: str) -> None:
        server = self.stage.databases[service]
        self.urls[service] = await provisioning.provision(
            server.address, service, password=PASSWORD, migrate_password=PASSWORD, database=self._database
        )
        await asyncio.to_thread(migrations.upgrade_to_head, service, self.urls[service].migrate_url)

    def _lay_out(self, name: str) -> None:
        role = name.partition("-")[0]
        port = free_port(besides=[part.port for part in self.parts.values()])
        log = self._folder / f"{name}.log"
        self.parts[name] = Part(name, role, port, self._variables(name, role, port), log, self._mutant)

    def _variables(self, name: str, role: str, port: int) -> dict[str, str]:
        service = ROLES[role][0]
        prefix = service.upper()
        inherited = {k: v for k, v in read_settings().variables.items() if not k.startswith(("STOA_TEST_", "KAFKA_"))}
        return {
            **inherited,
            "PYTHONPATH": f"{PROBE}:{ROOT}",
            f"{prefix}_DATABASE_URL": self.urls[service].url,
            f"{prefix}_PORT": str(port),
            "KAFKA_BOOTSTRAP_SERVERS": self.stage.kafka,
            "KAFKA_TOPIC_PREFIX": self.prefix,
            "KAFKA_INSTANCE_ID": name,
            "REDIS_URL": self.stage.valkey.address,
        }
