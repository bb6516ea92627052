"""A whole platform of a test run's own, started as a user starts it, in a folder that is thrown away."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoa_common.testing.ports import free_port

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


@contextmanager
def a_platform(folder: Path, **variables: str) -> Iterator[Platform]:
    """Started with these variables on top of its own, and ended whatever happens."""
    port = free_port()
    # What the test run's own servers are called must not point the platform away from its embedded ones.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_TEST_", "KAFKA_"))}
    environment = kept | {
        "STOA_STATE_DIR": str(folder / "state"),
        "STOA_GATEWAY_PORT": str(port),
        "AUTH_OPERATOR_PASSWORD": secrets.token_urlsafe(16),
        # Everybody here logs in again and again, and guesses at nobody's password.
        "AUTH_ARGON2_MEMORY_KIB": "64",
        "AUTH_ARGON2_ITERATIONS": "1",
        **variables,
    }
    platform = Platform(f"http://127.0.0.1:{port}", environment)
    try:
        started = platform.stoa("up", "--detach")
        assert started.returncode == 0, started.stdout + started.stderr + platform.stoa("logs").stdout[-5000:]
        yield platform
    finally:
        platform.stoa("down")
