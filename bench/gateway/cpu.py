"""The CPU of one request with everything on, and beside it that of nginx, which only passes it on."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from bench.gateway import generator, nginx, whole
from bench.gateway.figures import Figure
from bench.gateway.generator import Request, Run
from bench.gateway.nginx import Nginx
from bench.gateway.place import until_answered
from bench.gateway.whole import Whole
from stoa_common.testing.servers import Servers

CONNECTIONS = 32
SECONDS, WARM_UP_SECONDS = 4.0, 4.0


async def measure(servers: Servers, *, runs: int) -> list[Figure]:
    """Medians of the runs; the two take turns, so that both feel what else the machine does."""
    async with whole.running(servers) as ours, _bare(ours) as (proxy, plain):
        request = ours.request()
        for one in (request, plain):
            await generator.load(one, connections=CONNECTIONS, seconds=WARM_UP_SECONDS)
        lines, sent = ours.written()
        pairs = [
            (await _one(request, ours.gateway.cpu_seconds), await _one(plain, proxy.cpu_seconds)) for _ in range(runs)
        ]
        answered = sum(run.answered for (run, _), _ in pairs)
        lines, sent = (now - before for now, before in zip(ours.written(), (lines, sent), strict=True))
    return _figures(pairs, whole.what_was_on(lines, sent, answered=answered))


def _figures(pairs: list[tuple[tuple[Run, float], tuple[Run, float]]], was_on: str) -> list[Figure]:
    rate, bare = (median(pair[side][0].per_second for pair in pairs) for side in (0, 1))
    cost, least = (median(pair[side][1] for pair in pairs) for side in (0, 1))
    ratio = median(mine / theirs for (_, mine), (_, theirs) in pairs)
    told = f"{rate:,.0f}/s at {CONNECTIONS} connections; {was_on}"
    bare_told = f"nginx {least * 1e6:.0f} µs, {bare:,.0f}/s, logs nothing"
    return [
        Figure("cpu", "CPU of a request, all features on", cost * 1000, 0.45, 0.30, "ms", note=told),
        Figure("cpu", "that / nginx as a bare proxy", ratio, 25, 12, "times", note=bare_told),
    ]


@asynccontextmanager
async def _bare(ours: Whole) -> AsyncIterator[tuple[Nginx, Request]]:
    """nginx before the same upstream, and the same request."""
    request = ours.request()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with nginx.proxying(Path(folder), ours.upstream.address) as proxy:
            plain = Request(request.url.replace(ours.gateway.url, proxy.url), request.people)
            await until_answered(plain)
            yield proxy, plain


async def _one(request: Request, cpu_seconds: Callable[[], float]) -> tuple[Run, float]:
    """The run, and CPU seconds a request."""
    before = cpu_seconds()
    run = await generator.load(request, connections=CONNECTIONS, seconds=SECONDS)
    return run, (cpu_seconds() - before) / run.answered
