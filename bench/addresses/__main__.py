"""`python -m bench.addresses [--json] [--count N]`: medians of answers about known and about unknown addresses.

One `stoa-auth api` on servers of its own, with its usual cost of hashing; known and unknown take turns, one request at
a time, so that whatever else the machine does is felt by both.
"""

import argparse
import asyncio
import json
import time
from statistics import median
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from bench import auth_alone
from stoa_common.testing.servers import Servers

PASSWORD = "seven purple otters"
DOORS: dict[str, dict[str, Any]] = {
    "register": {"password": PASSWORD, "name": "Ada"},
    "login": {"password": "a wrong password"},
    "forgot-password": {},
}
Figures = dict[str, dict[str, float]]


async def measure(servers: Servers, *, count: int) -> Figures:
    """Medians in milliseconds of each door, for addresses that have an account and that have none."""
    # Room for all these failures from one network.
    room = {"AUTH_LOG_IN_NETWORK_FREE_FAILURES": str(count * 10)}
    async with auth_alone.running_auth(servers, room) as auth:
        known = [auth_alone.an_address() for _ in range(count)]
        for email in known:
            await _ask(auth, "register", email)
        return {door: await _compare(auth, door, known) for door in DOORS}


async def _compare(auth: httpx2.AsyncClient, door: str, known: list[str]) -> dict[str, float]:
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    for number, email in enumerate(known):
        # Who goes first changes, so that neither is always the one that waits for what the other left to do.
        turns = [("known", email), ("unknown", auth_alone.an_address())]
        for name, address in turns if number % 2 else reversed(turns):
            took[name].append(await _ask(auth, door, address))
    medians = {name: median(times) for name, times in took.items()}
    return {**medians, "difference": medians["known"] / medians["unknown"] - 1}


async def _ask(auth: httpx2.AsyncClient, door: str, email: str) -> float:
    """How many milliseconds the answer took."""
    began = time.perf_counter()
    answer = await auth.post(f"/api/v1/auth/{door}", json={"email": email, **DOORS[door]})
    took = (time.perf_counter() - began) * 1000
    if answer.status_code not in (202, 401):
        raise SystemExit(f"{door} answered {answer.status_code}: {answer.text}")
    return took


def table(found: Figures, *, count: int) -> Table:
    shown = Table(f"median of {count} each", "known", "unknown", "difference")
    for door, one in found.items():
        shown.add_row(door, f"{one['known']:.2f} ms", f"{one['unknown']:.2f} ms", f"{one['difference']:+.1%}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.addresses", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--count", type=int, default=200, help="addresses of each kind (200)")
    wanted = parser.parse_args()
    with auth_alone.servers() as servers:
        found = asyncio.run(measure(servers, count=wanted.count))
    if wanted.json:
        print(json.dumps(found))
    else:
        Console().print(table(found, count=wanted.count))


if __name__ == "__main__":
    main()
