"""Ten thousand clients of `/api/v1/stream` on one worker."""

import resource
from statistics import median

from bench import streams
from bench.gateway.figures import Failed, Figure
from stoa_common.testing.servers import Servers

CONNECTIONS = 10_000
#: Each takes most of a minute, and its memory hardly differs from one to the next.
MOST_RUNS = 3


async def measure(servers: Servers, *, runs: int) -> list[Figure]:
    """Medians of the runs."""
    _allow_files(CONNECTIONS + 1_000)
    done = [await streams.measure(servers.redis_url, connections=CONNECTIONS) for _ in range(min(runs, MOST_RUNS))]
    found = {name: median(run[name] for run in done) for name in done[0]}
    name = f"{CONNECTIONS:,} SSE clients on one worker"
    memory = (
        f"{found['kb_per_connection']:.1f} kB each; CPU while idle {found['idle_cpu_percent']:.1f} %; {len(done)} runs"
    )
    event = f"the longest of {streams.EVENTS}; the median {found['event_seconds']:.2f} s"
    return [
        Figure("streams", f"{name}: RSS", found["rss_mb"], 300, 180, "MB", note=memory),
        Figure("streams", f"{name}: dropped", max(run["dropped"] for run in done), 0, 0, ""),
        Figure("streams", f"{name}: an event reaches all", found["event_seconds_max"], 2, 1, "s", note=event),
    ]


def _allow_files(wanted: int) -> None:
    """For ourselves, and the gateway that we start."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < wanted:
        raise Failed(f"{wanted} open files are needed, and {most} allowed; see `ulimit -Hn`.")
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
