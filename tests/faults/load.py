"""The load: commands at a steady rate, each in the ledger before it is sent."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp

from .ledger import Answer, Ledger

TICK_SECONDS = 0.02
CALL_SECONDS = 10.0
CALLS_AT_ONCE = 100
#: Events of a mean command, by the shares in `_command`.
EVENTS_PER_COMMAND = 1.9
REFUSED, DAWDLING = 0.05, 0.03


@dataclass(frozen=True, slots=True)
class Pending:
    """Since when the reader owes the effects of a command, and how many."""

    since: float
    events: int


@dataclass
class Load:
    """Keeps its pace whatever the system does: calls that hang are not waited for, up to a bound."""

    url: str
    ledger: Ledger
    rng: random.Random
    events_per_second: float
    enrollments: int = 100
    """In use at the same time."""
    calls: int = 0
    pending: dict[UUID, "Pending"] = field(default_factory=dict)
    """Accepted, and not yet seen at the reader."""
    _is_stopped: bool = False
    _running: set["asyncio.Task[None]"] = field(default_factory=set)
    _enrollments: list[UUID] = field(default_factory=list)

    async def run(self) -> None:
        """Until `stop`, and then to the answers of the calls that are out."""
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        due, looked = 0.0, time.monotonic()
        async with aiohttp.ClientSession(self.url, timeout=timeout) as client:
            while not self._is_stopped:
                await asyncio.sleep(TICK_SECONDS)
                now = time.monotonic()
                due += self.events_per_second / EVENTS_PER_COMMAND * (now - looked)
                looked = now
                # What a hanging system could not take is not made up for later.
                due = min(due, CALLS_AT_ONCE - len(self._running) + 1)
                while due >= 1:
                    self._start(client)
                    due -= 1
            while self._running:
                await asyncio.wait(set(self._running), timeout=CALL_SECONDS)

    def stop(self) -> None:
        self._is_stopped = True

    def owed(self) -> int:
        """Events of accepted commands that are not yet seen at the reader."""
        return sum(pending.events for pending in self.pending.values())

    def some_key(self) -> UUID:
        """An enrollment that commands move on just now."""
        return self.rng.choice(self._enrollments)

    def _start(self, client: aiohttp.ClientSession) -> None:
        call = asyncio.create_task(self._call(client, self._command()))
        self._running.add(call)
        call.add_done_callback(self._running.discard)
        self.calls += 1

    async def _call(self, client: aiohttp.ClientSession, command: dict[str, Any]) -> None:
        intent = {"lessons": command["lessons"], "is_graded": command["is_graded"]}
        await self.ledger.write(intends=command["command_id"], **intent)
        answer = await _send(client, command)
        if answer is Answer.ACCEPTED:
            events = command["lessons"] + command["is_graded"]
            self.pending[UUID(command["command_id"])] = Pending(time.monotonic(), events)
        await self.ledger.write(told=command["command_id"], answer=answer)

    def _command(self) -> dict[str, Any]:
        chance = self.rng.random()
        return {
            "command_id": str(self._new_id()),
            "enrollment_id": str(self._enrollment()),
            "lessons": 0 if chance < 0.2 else self.rng.randint(1, 3),
            "is_graded": chance < 0.3,
            "is_refused": self.rng.random() < REFUSED,
            "dawdles_seconds": self.rng.uniform(0.05, 0.3) if self.rng.random() < DAWDLING else 0,
        }

    def _enrollment(self) -> UUID:
        """One of those that are in use; now and then a new one takes a place."""
        if len(self._enrollments) < self.enrollments:
            self._enrollments.append(self._new_id())
        elif self.rng.random() < 0.02:
            self._enrollments[self.rng.randrange(self.enrollments)] = self._new_id()
        return self.rng.choice(self._enrollments)

    def _new_id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)


async def _send(client: aiohttp.ClientSession, command: dict[str, Any]) -> Answer:
    try:
        async with client.post("/api/v1/enroller/commands", json=command) as response:
            if response.status == 204:
                return Answer.ACCEPTED
            return Answer.REFUSED if response.status == 409 else Answer.UNKNOWN
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Answer.UNKNOWN
