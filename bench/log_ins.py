"""`python -m bench.log_ins [--json] [--people N]`: whether other requests keep their latency while many log in at once.

One `stoa-auth api` on servers of its own. A person reads their account thirty times a second: first while nothing else
happens, then while 200 others log in at the same moment. Both are measured in one run, so that a slow or busy machine
shows in both; the ratio is what counts.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from bench import auth_alone
from stoa_common.testing.servers import Servers

PASSWORD = "seven purple otters"
EVERY_SECONDS = 1 / 30
CALM_SECONDS = 10.0
Figures = dict[str, dict[str, float]]


async def measure(servers: Servers, *, count: int) -> Figures:
    """Milliseconds of a small read, in a calm time and meanwhile; and what came of the log-ins."""
    async with auth_alone.running_auth(servers, {"AUTH_ARGON2_QUEUE": str(count + 56)}) as auth:
        emails = [auth_alone.an_address() for _ in range(count + 1)]
        for email in emails:
            await _post(auth, "register", email)
        token = (await _post(auth, "login", emails[-1])).json()["access_token"]
        reader = {"Authorization": f"Bearer {token}"}
        await _read_until(auth, reader, asyncio.create_task(asyncio.sleep(2)))
        calm = await _read_until(auth, reader, asyncio.create_task(asyncio.sleep(CALM_SECONDS)))
        began = time.perf_counter()
        all_in = asyncio.ensure_future(_log_in_all(auth, emails[:-1]))
        meanwhile = await _read_until(auth, reader, all_in)
        log_ins = {"seconds": time.perf_counter() - began, "succeeded": float(all_in.result()), "of": float(count)}
    return {"calm": _summary(calm), "meanwhile": _summary(meanwhile), "log-ins": log_ins}


async def _log_in_all(auth: httpx2.AsyncClient, emails: list[str]) -> int:
    """How many got in."""
    answers = await asyncio.gather(*(_post(auth, "login", email) for email in emails))
    return sum(answer.status_code == httpx2.codes.OK for answer in answers)


async def _post(auth: httpx2.AsyncClient, door: str, email: str) -> httpx2.Response:
    return await auth.post(f"/api/v1/auth/{door}", json={"email": email, "password": PASSWORD})


async def _read_until(auth: httpx2.AsyncClient, reader: dict[str, str], end: "asyncio.Future[Any]") -> list[float]:
    """Milliseconds of each read. The next one starts on time, though the last has not been answered yet."""
    reads = []
    while not end.done():
        reads.append(asyncio.create_task(_timed(auth.get("/api/v1/auth/me", headers=reader))))
        await asyncio.sleep(EVERY_SECONDS)
    return list(await asyncio.gather(*reads))


async def _timed(asked: Awaitable[httpx2.Response]) -> float:
    began = time.perf_counter()
    answer = await asked
    if answer.status_code != httpx2.codes.OK:
        raise SystemExit(f"The account was not read: {answer.status_code} {answer.text}")
    return (time.perf_counter() - began) * 1000


def _summary(took: list[float]) -> dict[str, float]:
    centiles = statistics.quantiles(took, n=100, method="inclusive")
    return {"reads": float(len(took)), "median": statistics.median(took), "p95": centiles[94], "p99": centiles[98]}


def table(found: Figures) -> Table:
    calm, meanwhile, log_ins = found["calm"], found["meanwhile"], found["log-ins"]
    title = f"{log_ins['succeeded']:.0f} of {log_ins['of']:.0f} logged in, within {log_ins['seconds']:.1f} s"
    shown = Table("a read of one's account", "calm", "meanwhile", "ratio", title=title)
    for name in ("median", "p95", "p99"):
        ratio = meanwhile[name] / calm[name]
        shown.add_row(name, f"{calm[name]:.1f} ms", f"{meanwhile[name]:.1f} ms", f"{ratio:.1f}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.log_ins", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--people", type=int, default=200, help="who log in at once (200)")
    wanted = parser.parse_args()
    with auth_alone.servers() as servers:
        found = asyncio.run(measure(servers, count=wanted.people))
    if wanted.json:
        print(json.dumps(found))
    else:
        Console().print(table(found))


if __name__ == "__main__":
    main()
