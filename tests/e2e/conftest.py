"""A whole platform of this test run's own, started as a user starts it, with a collector beside it."""

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from collector import Collector
from world import World, make_world

ROOT = Path(__file__).parents[2]
STOA = Path(sys.executable).with_name("stoa")
START_SECONDS = 240


@dataclass(frozen=True)
class Platform:
    """A running platform: its gateway, its state folder, and the command line pointed at it."""

    gateway: str
    environment: dict[str, str]

    def stoa(self, *arguments: str, seconds: float = START_SECONDS) -> subprocess.CompletedProcess[str]:
        command = [str(STOA), *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.stoa("status", "--json").stdout)
        return told


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    collector = Collector()
    collector.start()
    yield collector
    collector.stop()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Platform]:
    port = _free_port()
    # What the test run's own servers are called must not point the platform away from its embedded ones.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_TEST_", "KAFKA_"))}
    environment = kept | {
        "STOA_STATE_DIR": str(tmp_path_factory.mktemp("platform") / "state"),
        "STOA_GATEWAY_PORT": str(port),
        "AUTH_OPERATOR_PASSWORD": secrets.token_urlsafe(16),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        # All tests ask from one address, and in a hurry.
        "GATEWAY_LIMITS_SCALE": "100",
    }
    platform = Platform(f"http://127.0.0.1:{port}", environment)
    started = platform.stoa("up", "--detach")
    assert started.returncode == 0, started.stdout + started.stderr + platform.stoa("logs").stdout[-5000:]
    yield platform
    platform.stoa("down")


@pytest.fixture(scope="session")
def api(platform: Platform) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=platform.gateway, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def world(api: httpx2.Client, platform: Platform) -> World:
    return make_world(api, platform.stoa)
