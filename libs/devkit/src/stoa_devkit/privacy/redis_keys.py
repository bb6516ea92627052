"""Every key of Redis, its name and its value, whatever its type."""

from collections.abc import Iterable
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from stoa_devkit.privacy.findings import Findings
from stoa_devkit.privacy.needles import Needles

_EVERYTHING: Final = (0, -1)


class _UnknownKind(Exception):
    """A key holds what we cannot read."""


async def look(url: str, needles: Needles, findings: Findings) -> None:
    """Redis holds nobody's id: what stands there is a digest, or goes with its person."""
    findings.looked_at.append("redis: keys")
    redis: Redis = Redis.from_url(url)
    try:
        async for key in redis.scan_iter(count=1000):
            for name in needles.found_in([key, *_flat(await _value(redis, key))]):
                findings.add("redis", name)
    except (RedisError, OSError, _UnknownKind) as error:
        findings.miss("redis", f"it cannot be read ({type(error).__name__})")
    finally:
        await redis.aclose()


async def _value(redis: Redis, key: bytes) -> Any:
    kind = await redis.type(key)
    if kind == b"string":
        return await redis.get(key)
    if kind == b"hash":
        return await redis.hgetall(key)
    if kind == b"list":
        return await redis.lrange(key, *_EVERYTHING)
    if kind == b"set":
        return await redis.smembers(key)
    if kind == b"zset":
        return await redis.zrange(key, *_EVERYTHING)
    if kind == b"stream":
        return await redis.xrange(key)
    if kind == b"none":
        # It had its time while we looked.
        return None
    raise _UnknownKind


def _flat(value: Any) -> Iterable[bytes]:
    """All bytes in a value, however it is nested."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _flat(name)
            yield from _flat(each)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _flat(each)
