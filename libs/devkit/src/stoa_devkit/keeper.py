"""Keep one part running: start it, see it ready, start it again when it dies."""

import asyncio
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from stoa_devkit import leftovers
from stoa_devkit.running import Running
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A part that ran this long starts again at once; one that dies sooner waits longer each time."""
DEATHS_BEFORE_FIRST_READY = 3


class Part(Protocol):
    """A server or a service."""

    @property
    def name(self) -> str: ...
    @property
    def log(self) -> Path: ...
    @property
    def address(self) -> str: ...

    running: Running | None

    def command(self) -> list[str]: ...
    def start(self) -> Running: ...
    def ready(self) -> bool: ...
    def stop(self) -> None: ...


class Condition(StrEnum):
    """How a part is."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class Keeper:
    """Runs one part until it is cancelled. `told` hears of each change."""

    def __init__(self, part: Part, state: State, *, told: Callable[["Keeper"], None]) -> None:
        self.part = part
        self.condition = Condition.WAITING
        self.restarts = 0
        self.ready = asyncio.Event()
        self._state = state
        self._told = told

    async def keep(self) -> None:
        """Never returns. Raises Trouble where the part does not get ready even once."""
        while True:
            began = time.monotonic()
            await self._start()
            await self._watch()
            self.restarts += 1
            self._is(Condition.RESTARTING)
            if not self.ready.is_set() and self.restarts >= DEATHS_BEFORE_FIRST_READY:
                raise Trouble(
                    f"{self.part.name} ends while it starts; its log {self.part.log} says: {self.last_words()}"
                )
            await asyncio.to_thread(self._clear_remains)
            await asyncio.sleep(self._pause(time.monotonic() - began))

    def facts(self) -> Mapping[str, Any]:
        """What `stoa status` shows."""
        running = self.part.running
        return {
            "name": self.part.name,
            "condition": str(self.condition),
            "address": _without_password(self.part.address),
            "pid": running.pid if running else None,
            "started": running.started if running else None,
            "restarts": self.restarts,
            "log": str(self.part.log),
        }

    def last_words(self) -> str:
        """The end of the part's log, on one line."""
        text = self.part.log.read_text(errors="replace") if self.part.log.exists() else ""
        return " / ".join(line.strip() for line in text.splitlines()[-3:] if line.strip()) or "nothing"

    async def _start(self) -> None:
        # A part that an earlier supervisor left, and that was adopted, runs already.
        if self.part.running is None or not self.part.running.alive():
            self._state.record(self.part.name, self.part.start(), self.part.command())
            self._is(Condition.STARTING)

    async def _watch(self) -> None:
        while self.part.running is not None and self.part.running.alive():
            if self.condition is not Condition.READY and await asyncio.to_thread(self.part.ready):
                self._is(Condition.READY)
                self.ready.set()
            await asyncio.sleep(0.2 if self.condition is Condition.READY else 0.05)

    def _clear_remains(self) -> None:
        # After kill -9 of a parent its children may live on, and hold the port.
        if self.part.running is not None:
            leftovers.end_group(self.part.running.pid, self._state.folder)

    def _pause(self, lasted: float) -> float:
        if lasted > STEADY_SECONDS:
            return 0.0
        return min(0.2 * 2.0 ** min(self.restarts - 1, 10), LONGEST_PAUSE_SECONDS)

    def _is(self, condition: Condition) -> None:
        self.condition = condition
        self._told(self)


def _without_password(address: str) -> str:
    scheme, _, rest = address.rpartition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if scheme else rest
