"""The parts of a running platform, and what can happen to one of them."""

import contextlib
import signal
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from stoa_devkit.commands.status import facts
from stoa_devkit.state import State

from .models import Models

SERVICES = ("auth", "content", "ai", "analytics", "feed")
#: What answers `/v1`, and writes the answers of the tutor.
MODELS = "models"
TARGETS = (*SERVICES, "valkey", "kafka", "postgres", MODELS)


class Happening(StrEnum):
    """What happens to a part; the supervisor starts again what has ended."""

    KILLED = "killed"
    PAUSED = "paused"
    RESTARTED = "restarted"


@dataclass(frozen=True)
class Fault:
    """One thing that happens to one part; a pause lasts for so many seconds."""

    target: str
    happening: Happening
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.target} {self.happening}" + (f" for {self.seconds:.0f} s" if self.seconds else "")


class PartIsAway(RuntimeError):
    """The supervisor is just starting it again."""


class Parts:
    """The processes of one platform, found anew each time: they are started again meanwhile."""

    def __init__(self, state: Path, models: Models) -> None:
        self._state, self._models = State(state), models

    def are_ready(self) -> bool:
        """Whether the supervisor sees every part ready, and the models are there."""
        return bool(facts(self._state)["ready"]) and self._models.is_ready()

    def process(self, name: str) -> psutil.Process:
        """The part's first process. Raises PartIsAway."""
        pid = self._models.pid if name == MODELS else self._part(name)["pid"]
        if pid is None or not psutil.pid_exists(pid):
            raise PartIsAway(name)
        return psutil.Process(pid)

    def kill(self, name: str) -> None:
        self.process(name).kill()

    def end(self, name: str) -> None:
        """Ask it to end. PostgreSQL would wait for all its clients on SIGTERM, and does not on SIGINT."""
        self.process(name).send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)

    def pause(self, name: str) -> None:
        """It and its children stay, and do nothing at all."""
        for process in self._family(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def resume(self, name: str) -> None:
        """Go on; nothing happens where the part has ended meanwhile."""
        with contextlib.suppress(PartIsAway, psutil.NoSuchProcess):
            for process in reversed(self._family(name)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def _family(self, name: str) -> list[psutil.Process]:
        first = self.process(name)
        return [first, *first.children(recursive=True)]

    def _part(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(part for part in facts(self._state)["parts"] if part["name"] == name)
        return found
