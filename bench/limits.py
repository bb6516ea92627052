"""What counting a request costs: `python -m bench.limits [--json] [--redis URL]`.

CPU of the gateway's process and of Redis for one request of a person with an API key (four quotas in one script), one
request after the other and 32 at a time; and beside it the same script called by redis-py's client.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from redis.asyncio import Redis

from bench.counting_on_redis import add_redis, parse
from stoa_common.ids import new_id
from stoa_common.security import Principal
from stoa_common.testing.identities import Identities
from stoa_gateway.limits import service as limits
from stoa_gateway.limits.domain import Decision
from stoa_gateway.limits.provider import SCRIPT
from stoa_gateway.limits.rates import read_classes

ROUNDS = 3
REQUESTS = 6400
TOGETHER = 32
LIMITS = {"limits, 32 at a time": 60.0}
RATES = dict.fromkeys(("address", "person", "key", "organization"), "900000/s")
Take = Callable[[], Awaitable[object]]


async def measure(url: str) -> dict[str, dict[str, float]]:
    """The best of some rounds, in microseconds of CPU a request: the gateway's, and Redis'."""
    prefix, principal = f"bench{new_id().hex}.", Identities().principal()
    redis = Redis.from_url(url)
    async with limits.opened(url, read_classes({"read": RATES}), prefix=prefix, answer_seconds=5) as counting:
        ways = {
            "limits": _by_limits(counting, principal),
            "redis-py": await _by_client(redis, prefix),
        }
        found = {
            f"{name}, {f'{together} at a time' if together > 1 else 'one by one'}": await _best(redis, take, together)
            for name, take in ways.items()
            for together in (1, TOGETHER)
        }
    await redis.aclose()
    return found


def _by_limits(counting: limits.Limits, principal: Principal) -> Take:
    async def take() -> object:
        return await counting.take("read", address="198.51.100.7", principal=principal, key_id="key")

    return take


async def _by_client(redis: "Redis", prefix: str) -> Take:
    sha = await redis.script_load(SCRIPT)
    keys = [f"{{{prefix}}}:{number}" for number in range(4)]
    numbers = [1, *[1, 900_000] * 4]

    async def take() -> object:
        reply: Any = await redis.evalsha(sha, 4, *keys, *numbers)
        return Decision(*reply)

    return take


async def _best(redis: "Redis", take: Take, together: int) -> dict[str, float]:
    rounds = [await _round(redis, take, together) for _ in range(ROUNDS)]
    return min(rounds, key=lambda one: one["gateway"])


async def _round(redis: "Redis", take: Take, together: int) -> dict[str, float]:
    async def some() -> None:
        for _ in range(REQUESTS // together):
            await take()

    before = await _redis_seconds(redis)
    began = time.process_time()
    await asyncio.gather(*(some() for _ in range(together)))
    gateway = time.process_time() - began
    theirs = await _redis_seconds(redis) - before
    return {"gateway": round(gateway / REQUESTS * 1e6, 1), "redis": round(theirs / REQUESTS * 1e6, 1)}


async def _redis_seconds(redis: "Redis") -> float:
    told = await redis.info("cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.limits", description="Measure what counting costs.")
    parser.add_argument("--json", action="store_true", help="One JSON object, for programs.")
    add_redis(parser)
    asked = parse(parser)
    found = uvloop.run(measure(asked.redis))
    if asked.json:
        print(json.dumps({"cpu_microseconds": found, "limits": LIMITS}))
        return
    print(f"CPU a request in microseconds, the best of {ROUNDS} rounds of {REQUESTS}, four quotas each")
    print(f"  {'':<24}{'gateway':>9}{'redis':>9}")
    for name, cost in found.items():
        limit = f"  (limit {LIMITS[name]:.0f})" if name in LIMITS else ""
        print(f"  {name:<24}{cost['gateway']:>9.1f}{cost['redis']:>9.1f}{limit}")


if __name__ == "__main__":
    main()
