"""The streams in Redis: one a person, one an organization, and one of all that every gateway reads.

Places are those of the stream of all, so a client names one place for whatever it reads. All keys have one hash tag:
the scripts change several at once. People are digests of their ids here.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from stoa_common.revocation_log import open_redis
from stoa_gateway.streams import domain
from stoa_gateway.streams.domain import Message

#: All that is told goes by here; a gateway that was cut off for longer tells its clients to begin anew.
LIVE_MS: Final = 600_000
LIVE_MOST: Final = 10_000
#: An event that comes again within this time is not told again.
REMEMBERED_MS: Final = 900_000
#: Somebody who was erased is told nothing more; by then Kafka has forgotten what was published before.
GONE_SECONDS: Final = 8 * 86_400
READ_AT_ONCE: Final = 500
#: How long one question may take; and, of a read that waits for news, what comes on top of its waiting.
ANSWER_SECONDS: Final = 1.0
WAIT_SECONDS: Final = 1.0
WRITE_AT_ONCE: Final = 200


class RedisIsAway(ConnectionError):
    """Redis did not answer, or could not do what was asked."""


@dataclass(frozen=True, slots=True)
class Told:
    """A message, and its place."""

    place: str
    message: Message


@dataclass(frozen=True, slots=True)
class Live:
    """A message as it goes by. Numbers have no gaps: a missing one was missed."""

    number: int
    told: Told


@dataclass(frozen=True, slots=True)
class Newest:
    """How far the stream of all is; number 0 for one that nothing was told in since Redis knows of it."""

    place: str
    number: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client is told first; `is_whole` unless what followed its place is not kept."""

    place: str
    is_whole: bool
    missed: Sequence[Told]


class StreamLog:
    """Writes and reads the streams. Every method raises RedisIsAway."""

    def __init__(self, asking: "Redis", waiting: "Redis", *, prefix: str, kept_seconds: float, most: int) -> None:
        """`waiting` is the client for reads that wait for news; `most` messages are kept for each reader."""
        # The number is that of the entries' form: gateways of two versions share a Redis while one replaces the other.
        root = f"{prefix}{{stoa:streams}}:1"
        self._root, self._state, self._live = root, f"{root}:state", f"{root}:live"
        self._waiting = waiting
        self._asking = asking
        self.kept = timedelta(seconds=kept_seconds)
        self._kept_ms, self._most = int(kept_seconds * 1000), most
        self._write = asking.register_script(_script("write.lua"))
        self._open = asking.register_script(_script("open.lua"))

    async def write(self, messages: Sequence[Message]) -> int:
        """Tell these, in their order, but those that were told a while ago; how many were."""
        told = 0
        for at in range(0, len(messages), WRITE_AT_ONCE):
            told += await self._write_some(messages[at : at + WRITE_AT_ONCE])
        return told

    async def erase(self, person: str) -> None:
        """Forget what the person was told, and tell them nothing more."""
        with _asked():
            await self._asking.set(self._gone(person), "", ex=GONE_SECONDS)
            await self._asking.delete(self._stream("person", person))

    async def open(self, person: str, organization_id: UUID | None, *, after: str | None) -> Opening:
        """Where a client begins; with a place of its own, what it has missed, in order."""
        keys = [self._state, self._stream("person", person)]
        if organization_id is not None:
            keys.append(self._stream("organization", organization_id.hex))
        with _asked():
            place, is_whole, *streams = await self._open(keys=keys, args=[self._kept_ms, after or ""])
        missed = [Told(at, _read(fields[1])) for entries in streams for at, fields in entries]
        return Opening(place, bool(is_whole), sorted(missed, key=lambda told: domain.order(told.place)))

    async def newest(self) -> Newest:
        """How far the stream of all is."""
        with _asked():
            known: list[Any] = await self._asking.hmget(self._state, ["since", "last", "number"])
        since, last, number = known
        return Newest(last or since or "0-0", int(number or 0))

    async def follow(self, place: str) -> list[Live]:
        """What was told after this place; if that is nothing, waits for it a while."""
        wait_ms = int(WAIT_SECONDS * 1000)
        with _asked():
            answer: Any = await self._waiting.xread({self._live: place}, count=READ_AT_ONCE, block=wait_ms)
        return [Live(int(one["n"]), Told(at, _read(one["m"]))) for _, entries in answer for at, one in entries]

    async def _write_some(self, messages: Sequence[Message]) -> int:
        keys = [self._state, self._live, *(key for message in messages for key in self._keys(message))]
        limits = [self._kept_ms, self._most, LIVE_MS, LIVE_MOST, REMEMBERED_MS]
        with _asked():
            return int(await self._write(keys=keys, args=[*limits, *map(_written, messages)]))

    def _keys(self, message: Message) -> tuple[str, str, str]:
        seen = f"{self._root}:seen:{message.event_id.hex}"
        if message.person is not None:
            return seen, self._stream("person", message.person), self._gone(message.person)
        assert message.organization_id is not None
        return seen, self._stream("organization", message.organization_id.hex), self._gone("nobody")

    def _stream(self, kind: str, reader: str) -> str:
        return f"{self._root}:{kind}:{reader}"

    def _gone(self, person: str) -> str:
        return f"{self._root}:gone:{person}"


@asynccontextmanager
async def opened(url: str, *, prefix: str, kept_seconds: float, most: int) -> AsyncIterator[StreamLog]:
    """The streams of one platform. Redis need not be there yet."""
    async with (
        open_redis(url, answer_seconds=ANSWER_SECONDS) as asking,
        open_redis(url, answer_seconds=WAIT_SECONDS + ANSWER_SECONDS) as waiting,
    ):
        yield StreamLog(asking, waiting, prefix=prefix, kept_seconds=kept_seconds, most=most)


@contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise RedisIsAway(type(error).__name__) from error


def _script(name: str) -> str:
    return (files("stoa_gateway.streams") / name).read_text()


def _written(message: Message) -> str:
    organization = None if message.organization_id is None else message.organization_id.hex
    reader = (message.person, organization, message.permission)
    return orjson.dumps([message.event_id.hex, message.type, *reader, message.body]).decode()


def _read(text: str) -> Message:
    event_id, kind, person, organization, permission, body = orjson.loads(text)
    organization_id = None if organization is None else UUID(organization)
    return Message(UUID(event_id), kind, person, organization_id, permission, body)
