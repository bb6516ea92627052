"""One request to a service for all who want the same at the same time; whoever leaves takes it from nobody."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.types import ASGIApp, Message, Scope

from stoa_common.errors import BadGateway
from stoa_gateway.caching import domain
from stoa_gateway.caching.domain import Answer, Purge
from stoa_gateway.caching.store import Entry
from stoa_gateway.routing.domain import CacheRule

#: A longer answer is not gathered: each caller gets it as a stream.
LONGEST_ANSWER: Final = 1_000_000


class AnswerIsShort(BadGateway):
    """The service closed the connection in the middle of its answer."""


class AnswerIsLong(Exception):
    """The answer is no small document, so it is not gathered for others."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What a service answered; and as an entry, where it is everybody's."""

    answer: Answer
    entry: Entry | None


@dataclass(slots=True, eq=False)
class Flight:
    """A request on its way, and whom its answer is about."""

    rule: CacheRule
    ids: frozenset[UUID]
    #: An event came after it had left: its answer may be of before, and is not kept.
    is_outdated: bool = False


class Flights:
    """The requests that are on their way, by what they ask for."""

    def __init__(self) -> None:
        self._flying: dict[object, tuple[Flight, asyncio.Task[Landed]]] = {}
        self._tasks: set[asyncio.Task[Landed]] = set()

    def has(self, key: object) -> bool:
        """Whether a request for this is on its way."""
        return key in self._flying

    async def join(self, key: object) -> Landed:
        """What the request that is on its way brings; raises what it raises."""
        # Shielded: one caller that leaves does not take the answer from the others.
        return await asyncio.shield(self._flying[key][1])

    def start(
        self, key: object, flight: Flight, fetch: ASGIApp, scope: Scope, *, land: Callable[[Flight, Answer], Landed]
    ) -> None:
        """Send the request; `land` makes of its answer what all get who wait for it."""

        async def fly() -> Landed:
            try:
                return land(flight, await gathered(fetch, scope))
            finally:
                if key in self._flying and self._flying[key][0] is flight:
                    del self._flying[key]

        task = asyncio.create_task(fly())
        self._flying[key] = (flight, task)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def purge(self, purge: Purge) -> None:
        """Who asks from now on gets an answer that is asked for from now on."""
        for key, (flight, _) in list(self._flying.items()):
            if domain.is_ended(flight.rule, flight.ids, purge):
                self._outdate(key)

    def clear(self) -> None:
        for key in list(self._flying):
            self._outdate(key)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _outdate(self, key: object) -> None:
        flight, _ = self._flying.pop(key)
        flight.is_outdated = True

    def _ended(self, task: "asyncio.Task[Landed]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Nobody may be waiting any more; an error that nobody looks at would be reported as a bug.
            task.exception()


async def gathered(fetch: ASGIApp, scope: Scope) -> Answer:
    """The whole answer of an application; raises what it raises, AnswerIsShort, AnswerIsLong."""
    gathering = _Gathering()
    await fetch(scope, gathering.receive, gathering.send)
    return gathering.answer()


class _Gathering:
    """Both ends of an exchange: a request of nobody in particular, which never hangs up; and its answer."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body = bytearray()
        self._is_asked = self._is_whole = False

    async def receive(self) -> Message:
        if self._is_asked:
            await asyncio.Event().wait()
        self._is_asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            self._is_whole = not message.get("more_body", False)
        if len(self._body) > LONGEST_ANSWER:
            raise AnswerIsLong

    def answer(self) -> Answer:
        if not self._is_whole:
            raise AnswerIsShort("The service broke off its answer; try again.")
        headers = tuple((name.lower(), value) for name, value in self._start["headers"])
        return Answer(self._start["status"], headers, bytes(self._body))
