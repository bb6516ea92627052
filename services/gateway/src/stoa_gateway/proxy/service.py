"""Forwarding: one request to the service that owns its path, and its answer back, as they come."""

import asyncio
import random
import time
from itertools import count
from typing import Any, Final

import aiohttp
from starlette.types import Send

from stoa_common.errors import Refusal
from stoa_gateway.proxy import domain, provider
from stoa_gateway.proxy.exchange import ClientLeft, Exchange
from stoa_gateway.proxy.provider import AnswerIsBroken, Asked, ServiceTimedOut
from stoa_gateway.routing.domain import Priority, ServiceIsDown
from stoa_gateway.upstreams.service import Door

#: A service that restarts, or closed an idle connection just now, is there again after so long.
_RETRY_AFTER_SECONDS: Final = (0.05, 0.15)


async def forward(
    session: aiohttp.ClientSession,
    door: Door,
    exchange: Exchange,
    asked: Asked,
    send: Send,
    *,
    priority: Priority,
    may_repeat: bool,
) -> None:
    """Stream the request to the service and the answer to the client; a client that leaves ends both.

    `may_repeat`: the request may be sent a second time where the service broke off before it began to answer.
    Raises the refusals of the door and of the provider before the answer has begun. Afterwards a failure of the
    service cuts the client's connection, so that half an answer is not taken for a whole one.
    """
    try:
        async with asyncio.timeout(None) as connection:
            exchange.watch(connection)
            try:
                await _forward(session, door, exchange, asked, send, priority=priority, may_repeat=may_repeat)
            finally:
                exchange.unwatch()
    except (TimeoutError, ClientLeft, AnswerIsBroken, ServiceTimedOut):
        # What ended the exchange from our side breaks it for the service, too: the cause is told, not the effect.
        if exchange.refusal:
            raise exchange.refusal from None
        if not exchange.has_left:
            raise


async def _forward(
    session: aiohttp.ClientSession,
    door: Door,
    exchange: Exchange,
    asked: Asked,
    send: Send,
    *,
    priority: Priority,
    may_repeat: bool,
) -> None:
    await door.enter(priority)
    is_inside = True

    def leave() -> None:
        nonlocal is_inside
        if is_inside:
            is_inside = False
            door.leave()

    try:
        answer = await _ask(session, door, exchange, asked, may_repeat=may_repeat)
        if answer.content_type == "text/event-stream":
            # It may last for hours, and costs the service little: it takes no place from others.
            leave()
        else:
            # Then the service has done its part: how long a client leaves its answer unread is the client's affair.
            answer.content.on_eof(leave)
        await _answer(answer, exchange, send, service=asked.service)
    finally:
        leave()


async def _ask(
    session: aiohttp.ClientSession, door: Door, exchange: Exchange, asked: Asked, *, may_repeat: bool
) -> aiohttp.ClientResponse:
    clock = asyncio.get_running_loop().time
    for attempt in count(1):
        asked_at, began = clock(), time.perf_counter()
        try:
            answer = await provider.ask(session, asked)
        except (ServiceIsDown, AnswerIsBroken, ServiceTimedOut) as failure:
            is_ours = _tell(door, exchange, failure, now=clock(), asked_at=asked_at)
            # A time-out has taken the time that there was, and what was too slow once would be asked for twice.
            is_final = isinstance(failure, ServiceTimedOut) or attempt > 1
            if not is_ours or not may_repeat or is_final or not door.may_retry():
                raise
            await asyncio.sleep(random.uniform(*_RETRY_AFTER_SECONDS))  # noqa: S311  # no secret
        except asyncio.CancelledError:
            _tell(door, exchange, None, now=clock(), asked_at=asked_at)
            raise
        else:
            exchange.trail.upstream_seconds = time.perf_counter() - began
            door.succeeded()
            return answer
    raise AssertionError("count() does not end")


def _tell(door: Door, exchange: Exchange, failure: Refusal | None, *, now: float, asked_at: float) -> bool:
    """Tell the breaker, and whether it was the service that failed: what a client did says nothing of it."""
    cause = exchange.refusal or (None if exchange.has_left else failure)
    if isinstance(cause, ServiceIsDown | AnswerIsBroken | ServiceTimedOut):
        door.failed(now, asked_at=asked_at)
        return True
    door.breaker.abandoned(now)
    return False


async def _answer(answer: aiohttp.ClientResponse, exchange: Exchange, send: Send, *, service: str) -> None:
    try:
        start: dict[str, Any] = {"type": "http.response.start", "status": answer.status}
        start["headers"] = domain.answer_headers(answer.raw_headers)
        if answer.content.is_eof():
            # Most answers. A client that leaves them unread is the server's to cut.
            await send(start)
            await send({"type": "http.response.body", "body": answer.content.read_nowait(), "more_body": False})
            return
        # What the client has asked before may lie unread, too.
        await exchange.hurry(send(start))
        await _send_body(answer.content, exchange, send)
    except provider.FAILURES as error:
        raise provider.failure(error, service) from error
    finally:
        if answer.content.at_eof():
            answer.release()
        else:
            answer.close()


async def _send_body(content: aiohttp.StreamReader, exchange: Exchange, send: Send) -> None:
    """Each piece as it arrives; the next is read when the server has taken the last, so a slow client slows it."""
    piece = await content.readany()
    while not content.at_eof():
        await exchange.hurry(send({"type": "http.response.body", "body": piece, "more_body": True}))
        piece = await content.readany()
    await exchange.hurry(send({"type": "http.response.body", "body": piece, "more_body": False}))
