"""Parallel twins: equal writes with the same `Idempotency-Key`, at the same time, make one request to the service.

The service keeps the keys. What is joined here is only what is under way in this process: nothing is left behind when
it ends, and where the first of them breaks off without an answer, the next one asks the service itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final

from starlette.types import Message, Send

from stoa_common.errors import Refusal
from stoa_common.security import Principal
from stoa_gateway.proxy.trail import Trail

#: Longer bodies and answers are not held in memory for others: each request then asks by itself.
LONGEST_BODY: Final = 262_144
_LONGEST_ANSWER: Final = 1_048_576
_REPLAYED: Final = (b"idempotency-replayed", b"true")
Key = tuple[Any, ...]
Outcome = list[Message] | Refusal | None


def twin_key(caller: Principal, method: str, target: str, idempotency_key: bytes, body: bytes) -> Key:
    """Equal for requests that are each other's twins: of the same caller with the same powers, and of equal bodies.

    Powers are what a token says: who acts in the person's place, and how long ago they proved who they are.
    """
    who = (caller.person_id, caller.organization, caller.session_id, caller.client_id, caller.permissions)
    proof = (caller.actor, caller.methods, caller.authenticated_at)
    return (*who, *proof, method, target, idempotency_key, sha256(body).digest())


class Twins:
    """The requests under way that others may join."""

    def __init__(self) -> None:
        self._first: dict[Key, asyncio.Future[Outcome]] = {}

    async def join(self, key: Key, send: Send, forward: Callable[[Send], Awaitable[None]], *, trail: Trail) -> None:
        """Forward the request, or answer what its twin is answered; refusals are shared, too."""
        while (first := self._first.get(key)) is not None:
            # Shielded: one client that leaves does not take the answer from the others.
            outcome = await asyncio.shield(first)
            if isinstance(outcome, Refusal):
                raise outcome
            if outcome is not None:
                trail.outcome = "joined"
                await _replay(outcome, send)
                return
        await self._lead(key, send, forward)

    async def _lead(self, key: Key, send: Send, forward: Callable[[Send], Awaitable[None]]) -> None:
        outcome = asyncio.get_running_loop().create_future()
        self._first[key] = outcome
        recording = _Recording(send, given_up=lambda: self._end(key, outcome, None))
        try:
            await forward(recording)
            self._end(key, outcome, recording.answer)
        except Refusal as refusal:
            self._end(key, outcome, None if recording.has_begun else refusal)
            raise
        finally:
            self._end(key, outcome, None)

    def _end(self, key: Key, outcome: "asyncio.Future[Outcome]", told: Outcome) -> None:
        """Tell the others, once; whoever comes later starts anew."""
        if self._first.get(key) is outcome:
            del self._first[key]
        if not outcome.done():
            outcome.set_result(told)


class _Recording:
    """Passes an answer on, and keeps a copy if it is short."""

    def __init__(self, send: Send, *, given_up: Callable[[], None]) -> None:
        self.has_begun = False
        self._send = send
        self._given_up = given_up
        self._messages: list[Message] = []
        self._length = 0
        self._is_whole = False

    @property
    def answer(self) -> list[Message] | None:
        """All of it; None where it was broken off, or too long to keep."""
        return self._messages if self._is_whole else None

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        self._length += _LONGEST_ANSWER + 1 if _is_stream(message) else len(message.get("body", b""))
        if self._length <= _LONGEST_ANSWER:
            self._messages.append(dict(message))
            self._is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        else:
            self._messages.clear()
            self._is_whole = False
            self._given_up()
        await self._send(message)


def _is_stream(message: Message) -> bool:
    """Its end is nothing to wait for."""
    headers = message.get("headers", ())
    return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)


async def _replay(answer: list[Message], send: Send) -> None:
    for message in answer:
        copy = dict(message)
        if copy["type"] == "http.response.start":
            copy["headers"] = [*copy["headers"], _REPLAYED]
        await send(copy)
