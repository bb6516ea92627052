"""Whether the gateway's memory grows: everything on, at a steady rate, for as long as one likes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, linear_regression

from bench.gateway import generator, whole
from bench.gateway.figures import Figure
from bench.gateway.generator import Run
from bench.streams import Gateway
from stoa_common.testing.servers import Servers

RATE, CONNECTIONS, PEOPLE = 300, 32, 1_000
EVERY_SECONDS = 1.0
#: Memory is averaged over so many parts of the time: neighboring samples are nearly the same, and would feign
#: certainty. The first parts are left out: caches fill, and pools grow.
PARTS, LEFT_OUT = 36, 6
#: wrk asks for it before each request; a request that is late is not made up for by more than a second's worth.
_PACE = f"""
local ffi, time = require("ffi"), nil
ffi.cdef("typedef struct {{ long seconds; long nanoseconds; }} stoa_time; int clock_gettime(int, stoa_time *);")
time = ffi.new("stoa_time")
local due = nil
delay = function()
  ffi.C.clock_gettime(1, time)
  local now = tonumber(time.seconds) * 1000 + tonumber(time.nanoseconds) / 1000000
  due = math.max((due or now) + {1000 / RATE}, now - 1000)
  return math.max(0, math.floor(due - now + 0.5))
end
"""
Sample = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Slope:
    """Of a straight line by least squares, with its standard error; both in units of y for one of x."""

    value: float
    error: float


async def measure(servers: Servers, *, seconds: int) -> list[Figure]:
    """The most memory, errors, and in a note how memory changes."""
    async with whole.running(servers) as ours:
        request = ours.request(people=PEOPLE)
        watching = asyncio.create_task(_watch(ours.gateway, seconds=seconds))
        run = await generator.try_load(request, connections=CONNECTIONS, seconds=seconds, script=_PACE)
        return _figures(run, await watching)


def _figures(run: Run, samples: Sequence[Sample]) -> list[Figure]:
    slope = slope_of(parts(samples))
    bad = run.refused + run.broken
    told = f"{slope.value * 3600:+.1f} ± {slope.error * 3600:.1f} MB an hour (least squares, one standard error)"
    rate = f"{PEOPLE:,} people; p50 {run.p50_ms:.1f} ms, p99 {run.p99_ms:.1f} ms, longest {run.max_ms:.0f} ms"
    name = f"{run.seconds / 60:.0f} minutes at {RATE}/s"
    return [
        Figure("soak", f"{name}: most RSS of the worker", max(mb for _, mb in samples), 512, 512, "MB", note=told),
        Figure("soak", f"{name}: errors", bad, 0, 0, "", note=f"of {run.answered:,} requests"),
        Figure("soak", f"{name}: answered", run.per_second, RATE * 0.98, RATE * 0.99, "/s", is_rate=True, note=rate),
    ]


async def _watch(gateway: Gateway, *, seconds: float) -> list[Sample]:
    """Seconds, and MB."""
    began, samples = time.monotonic(), []
    while (now := time.monotonic() - began) < seconds:
        samples.append((now, gateway.rss_mb()))
        await asyncio.sleep(EVERY_SECONDS)
    return samples


def parts(samples: Sequence[Sample]) -> list[Sample]:
    """Averages over equal parts of the time, without the first."""
    size = max(1, len(samples) // PARTS)
    groups = [samples[start : start + size] for start in range(0, len(samples) - size + 1, size)]
    kept = groups[LEFT_OUT:] if len(groups) > LEFT_OUT + 2 else groups
    return [(fmean(at for at, _ in group), fmean(mb for _, mb in group)) for group in kept]


def slope_of(points: Sequence[Sample]) -> Slope:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    line = linear_regression(xs, ys)
    rest = sum((y - line.intercept - line.slope * x) ** 2 for x, y in points)
    spread = sum((x - fmean(xs)) ** 2 for x in xs)
    return Slope(line.slope, sqrt(rest / (len(points) - 2) / spread))
