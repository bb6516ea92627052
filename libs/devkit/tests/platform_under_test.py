"""`stoa` over made-up services, driven from outside as a person would."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoa_devkit.state import State

PROGRAM = [sys.executable, str(Path(__file__).with_name("fake_platform.py"))]


@dataclass
class PlatformUnderTest:
    """One checkout's platform."""

    state: State
    variables: dict[str, str]

    def run(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of `stoa` to its end."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env={**self.variables, **more},
        )

    def start_in_foreground(self, **more: str) -> "subprocess.Popen[str]":
        """`stoa up`, as in a terminal that is not one."""
        return subprocess.Popen(
            [*PROGRAM, "up"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self.variables, **more},
        )

    def status(self) -> dict[str, Any]:
        """What `stoa status --json` says."""
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def part(self, name: str) -> Mapping[str, Any]:
        """What it says of one part."""
        return next(part for part in self.status()["parts"] if part["name"] == name)

    @property
    def port(self) -> int:
        """The gateway's port."""
        return int(self.variables["STOA_GATEWAY_PORT"])


def eventually(holds: Callable[[], bool], *, within: float = 20.0) -> bool:
    """Whether it holds before the time is over."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return holds()
