"""The servers of a fault run: a PostgreSQL for each service, Kafka with one or three brokers, and Valkey."""

import asyncio
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stoa_devkit.ports import free_port
from stoa_devkit.servers import Kafka, Postgres, Server, Valkey
from stoa_devkit.servers.kafka_cluster import bootstrap_servers, start_together, three_brokers
from stoa_devkit.servers.together import start_all
from stoa_devkit.trouble import Trouble

SERVICES = ("enroller", "reader")
TMPFS_MB = 1_500
START_SECONDS = 60.0


@dataclass
class Stage:
    """Servers that a fault may stop, kill and start; several runs may follow each other on one stage."""

    folder: Path
    databases: dict[str, Postgres]
    brokers: list[Kafka]
    valkey: Valkey
    small_disk: Path | None = None
    """The reader's database lies on it, where this machine lets us mount one."""
    away: set[str] = field(default_factory=set)

    @property
    def kafka(self) -> str:
        return bootstrap_servers(self.brokers)

    def servers(self) -> dict[str, Server]:
        named: dict[str, Server] = {f"{name}-postgres": server for name, server in self.databases.items()}
        brokers: dict[str, Server] = {f"kafka-{broker.node}": broker for broker in self.brokers}
        return {**named, **brokers, "valkey": self.valkey}

    def take_away(self, name: str, *, by: signal.Signals = signal.SIGKILL) -> None:
        """End a server at once, and note that it is away."""
        server = self.servers()[name]
        self.away.add(name)
        if server.running is not None:
            server.running.send(by)
            server.running.wait(seconds=20)

    async def bring_back(self, name: str) -> None:
        """Start it, as often as it takes: the killed one's sessions may hold what the new one needs."""
        server = self.servers()[name]
        until = time.monotonic() + START_SECONDS
        while True:
            server.start()
            try:
                await asyncio.to_thread(server.wait, seconds=START_SECONDS)
                break
            except Trouble:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)
        self.away.discard(name)


@contextmanager
def a_stage(folder: Path, *, cache: Path, brokers: int = 1) -> Iterator[Stage]:
    """Everything started, with data that must survive a killed server; stopped at the end."""
    disk = _small_disk(folder / "small-disk")
    stage = _plan(folder, cache=cache, brokers=brokers, disk=disk)
    try:
        if brokers == 1:
            start_all(list(stage.servers().values()))
        else:
            start_together(stage.brokers)
            start_all([*stage.databases.values(), stage.valkey])
        yield stage
    finally:
        for server in stage.servers().values():
            server.stop()
        if disk is not None:
            subprocess.run(["umount", "--lazy", str(disk)], check=False)


def _plan(folder: Path, *, cache: Path, brokers: int, disk: Path | None) -> Stage:
    homes = {"enroller": folder, "reader": disk or folder}
    databases = {
        name: Postgres(
            homes[name] / f"{name}-postgres",
            folder / f"{name}-postgres.log",
            free_port(),
            password=secrets.token_urlsafe(18),
        )
        for name in SERVICES
    }
    valkey = Valkey(folder / "valkey", folder / "valkey.log", free_port())
    return Stage(folder, databases, _brokers(folder, cache, brokers), valkey, disk)


def _brokers(folder: Path, cache: Path, count: int) -> list[Kafka]:
    if count == 3:
        return three_brokers(folder, cache=cache)
    port = free_port()
    controller = free_port(besides=[port])
    return [Kafka(folder / "kafka-1", folder / "kafka-1.log", port, controller_port=controller, cache=cache)]


def _small_disk(place: Path) -> Path | None:
    """A disk of its own, that a fault can fill without harm to the machine; None where mounting is not allowed."""
    if shutil.which("mount") is None:
        return None
    place.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MB}m,mode=0755", "tmpfs", str(place)],
        check=False,
        capture_output=True,
    )
    return place if mounted.returncode == 0 else None
