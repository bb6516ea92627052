"""Public answers, kept for a while in this process and given to all who ask (RFC 9111, 5861).

An answer is kept only if its route's policy and the answer itself allow it, and it is nobody's in particular: the
service is told the path, the query and what the caller accepts, and nothing that says who asks. Events end answers
before their time.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import Counter, Gauge
from starlette.types import ASGIApp, Receive, Scope, Send

from stoa_common.errors import Refusal
from stoa_gateway.caching import domain
from stoa_gateway.caching.domain import Answer, Purge
from stoa_gateway.caching.flights import AnswerIsLong, Flight, Flights, Landed
from stoa_gateway.caching.provider import Purges
from stoa_gateway.caching.sending import send_answer, send_through
from stoa_gateway.caching.store import Entry, Store
from stoa_gateway.routing.domain import CacheRule

#: So long a service that could not renew an answer is left alone while the answer may still be shown.
_REST_SECONDS: Final = 1.0

ANSWERS: Final = Counter("stoa_gateway_cache_answers", "Public answers, by where they came from.", ["outcome"])
BYTES: Final = Gauge("stoa_gateway_cache_bytes", "Bytes of public answers kept in memory.")
PURGED: Final = Counter("stoa_gateway_cache_purged", "Kept answers that events ended before their time.")


@dataclass(frozen=True, slots=True)
class _Caller:
    """One request for what everybody may see, and how its service is asked."""

    rule: CacheRule
    scope: Scope
    receive: Receive
    send: Send
    fetch: ASGIApp

    @property
    def target(self) -> bytes:
        """Path and query as they were written."""
        path: bytes = self.scope.get("raw_path") or self.scope["path"].encode()
        query: bytes = self.scope["query_string"]
        return path + b"?" + query

    def nobodys(self, entry: Entry | None) -> Scope:
        """The request without the caller; conditional, where an answer is known."""
        headers = domain.negotiated(self.scope["headers"])
        if entry is not None and (tag := entry.answer.header(b"etag")):
            headers.append((b"if-none-match", tag))
        return {**self.scope, "method": "GET", "headers": headers, "client": None}

    async def get_through(self, why: bytes) -> None:
        await send_through(self.fetch, self.scope, self.receive, self.send, status=why)


@asynccontextmanager
async def opened(purges: Purges, *, max_bytes: int) -> AsyncIterator["Cache"]:
    """A cache that the purges end answers of, while it is open."""
    cache = Cache(max_bytes=max_bytes)
    following = asyncio.create_task(purges.follow(cache))
    try:
        yield cache
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await cache.close()


class Cache:
    """Answers public reads. One a process; `now` is a monotonic clock."""

    def __init__(self, *, max_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self._store = Store(max_bytes)
        self._flights = Flights()
        self._now = now

    async def serve(self, rule: CacheRule, scope: Scope, receive: Receive, send: Send, fetch: ASGIApp) -> None:
        """Answer with what is kept, or with what `fetch` answers, which is asked once for all who want the same.

        `fetch` is an ASGI application that asks the service. Raises what it raises, unless a kept answer may be shown
        in that case.
        """
        caller = _Caller(rule, scope, receive, send, fetch)
        if not domain.is_everybodys(scope["method"], scope["headers"]):
            ANSWERS.labels("bypass").inc()
            await caller.get_through(b"fwd=bypass")
            return
        entry, now = self._store.find(caller.target, scope["headers"]), self._now()
        if entry is None or not entry.may_be_shown(now):
            await self._answer_anew(caller, entry)
            return
        if not entry.is_fresh(now):
            self._renew(caller, entry)
        outcome = "hit" if entry.is_fresh(now) else "stale"
        await self._show(entry, caller, b"hit; ttl=%d" % entry.seconds_left(now), outcome)

    def purge(self, purge: Purge) -> None:
        """End what the event makes untrue, also what is on its way."""
        self._flights.purge(purge)
        PURGED.inc(self._store.purge(purge))
        BYTES.set(self._store.bytes)

    def clear(self) -> None:
        """End everything, as when nobody knows which events were missed."""
        self._flights.clear()
        self._store.clear()
        BYTES.set(0)

    async def close(self) -> None:
        """End the requests that are on their way."""
        await self._flights.close()

    async def _answer_anew(self, caller: _Caller, stale: Entry | None) -> None:
        """Wait for the service's answer, and show the stale one where the service fails and that is allowed."""
        key = self._key(caller)
        is_first = not self._flights.has(key)
        why = b"fwd=stale" if stale else b"fwd=miss"
        try:
            if is_first:
                self._ask(key, caller, stale)
            landed = await self._flights.join(key)
        except AnswerIsLong:
            await caller.get_through(why)
            return
        except Refusal as refusal:
            if stale is None or refusal.status < 500 or not stale.may_replace_errors(self._now()):
                raise
            landed = Landed(Answer(refusal.status, (), b""), None)
        await self._settle(caller, landed, stale, why=why, is_first=is_first)

    async def _settle(
        self, caller: _Caller, landed: Landed, stale: Entry | None, *, why: bytes, is_first: bool
    ) -> None:
        """Give the caller what the request brought: it is everybody's, or it was the first one's alone."""
        answer, entry, now = landed.answer, landed.entry, self._now()
        told = b"%s; fwd-status=%d%s" % (why, answer.status, b"" if is_first else b"; collapsed")
        if stale is not None and answer.has_failed and stale.may_replace_errors(now):
            stale.rests_until = now + _REST_SECONDS
            await self._show(stale, caller, told, "error")
        elif entry is not None and entry.fits(caller.scope["headers"]):
            is_stored = self._store.find(caller.target, caller.scope["headers"]) is entry
            outcome = "miss" if is_first else "collapsed"
            await self._show(entry, caller, told + (b"; stored" if is_stored else b""), outcome)
        elif is_first and not answer.is_unchanged:
            ANSWERS.labels("uncacheable").inc()
            await send_answer(answer, caller.scope, caller.send, status=told)
        else:
            await caller.get_through(why)

    def _renew(self, caller: _Caller, entry: Entry) -> None:
        """Ask for a newer answer without waiting for it, once at a time and not at each failure at once again."""
        now, key = self._now(), self._key(caller)
        if now >= entry.rests_until and not self._flights.has(key):
            entry.rests_until = now + _REST_SECONDS
            self._ask(key, caller, entry)

    def _key(self, caller: _Caller) -> object:
        """What requests have in common that get one answer, as far as it is known before the answer."""
        known = self._store.vary(caller.target)
        names = domain.NEGOTIATED if known is None else known
        return caller.target, names, domain.variant(names, caller.scope["headers"])

    def _ask(self, key: object, caller: _Caller, known: Entry | None) -> None:
        flight = Flight(caller.rule, domain.ids_in(caller.scope["path"]))
        land = partial(self._land, caller, known, self._now())
        self._flights.start(key, flight, caller.fetch, caller.nobodys(known), land=land)

    def _land(self, caller: _Caller, known: Entry | None, asked_at: float, flight: Flight, answer: Answer) -> Landed:
        """Keep what came, if it may be kept."""
        whole = domain.renewed(known.answer, answer) if known is not None and answer.is_unchanged else answer
        lifetime = domain.lifetime(whole, caller.rule)
        if lifetime is None:
            return Landed(answer, None)
        made_at = asked_at - domain.age(whole)
        entry = Entry(domain.kept(whole), lifetime, caller.rule, flight.ids, made_at, domain.vary(whole) or ())
        entry.variant = domain.variant(entry.vary, caller.scope["headers"])
        if not flight.is_outdated:
            self._store.add(caller.target, entry)
            BYTES.set(self._store.bytes)
        return Landed(answer, entry)

    async def _show(self, entry: Entry, caller: _Caller, status: bytes, outcome: str) -> None:
        ANSWERS.labels(outcome).inc()
        age = entry.age(self._now())
        await send_answer(entry.answer, caller.scope, caller.send, status=status, age=age)
