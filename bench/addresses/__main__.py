"""`python -m bench.addresses [--json] [--count N]`: medians of answers about known and about unknown addresses.

One `stoa-auth api` on servers of its own, with its usual cost of hashing; known and unknown take turns, one request at
a time, so that whatever else the machine does is felt by both.
"""

import argparse
import asyncio
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from stoa_common.testing.servers import Servers, clone_database, drop_database
from stoa_devkit import settings
from stoa_devkit.ports import free_port
from stoa_devkit.servers.together import start_all, throwaway_servers

PASSWORD = "seven purple otters"
READY_SECONDS = 120.0
DOORS: dict[str, dict[str, Any]] = {
    "register": {"password": PASSWORD, "name": "Ada"},
    "login": {"password": "a wrong password"},
    "forgot-password": {},
}
Figures = dict[str, dict[str, float]]


async def measure(servers: Servers, *, count: int) -> Figures:
    """Medians in milliseconds of each door, for addresses that have an account and that have none."""
    made = await clone_database(servers, "auth")
    try:
        async with _auth(servers, made.url, count=count) as auth:
            known = [_address() for _ in range(count)]
            for email in known:
                await _ask(auth, "register", email)
            return {door: await _compare(auth, door, known) for door in DOORS}
    finally:
        await drop_database(servers, made.url)


@contextmanager
def _servers() -> Iterator[Servers]:
    """PostgreSQL with fsync on, and Valkey; the api role needs no Kafka."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        made = throwaway_servers(Path(folder), cache=settings.read().cache)
        found = {server.name: server for server in made if server.name in ("postgres", "valkey")}
        for server in found.values():
            server.durable = True
        try:
            start_all(list(found.values()))
            yield Servers(found["postgres"].address, found["valkey"].address, "")
        finally:
            for server in found.values():
                server.stop()


@asynccontextmanager
async def _auth(servers: Servers, database_url: str, *, count: int) -> AsyncIterator[httpx2.AsyncClient]:
    """Its own process, with room for all these failures from one network."""
    port = free_port()
    environment = {
        **os.environ,
        "AUTH_PORT": str(port),
        "AUTH_DATABASE_URL": database_url,
        "AUTH_KEYS_SECRET": secrets.token_hex(32),
        "AUTH_JWKS_URL": f"http://127.0.0.1:{port}/.well-known/jwks.json",
        "AUTH_LOG_IN_NETWORK_FREE_FAILURES": str(count * 10),
        "REDIS_URL": servers.redis_url,
    }
    program = str(Path(sys.executable).with_name("stoa-auth"))
    process = await asyncio.create_subprocess_exec(program, "api", env=environment, stdout=sys.stderr)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await _wait_for(client)
            yield client
    finally:
        process.terminate()
        await process.wait()


async def _wait_for(client: httpx2.AsyncClient) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            if (await client.get("/readyz")).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        if time.monotonic() > deadline:
            raise SystemExit(f"auth was not ready within {READY_SECONDS:.0f} s; see the lines above.")
        await asyncio.sleep(0.2)


async def _compare(auth: httpx2.AsyncClient, door: str, known: list[str]) -> dict[str, float]:
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    for number, email in enumerate(known):
        # Who goes first changes, so that neither is always the one that waits for what the other left to do.
        turns = [("known", email), ("unknown", _address())]
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


def _address() -> str:
    return f"{secrets.token_hex(8)}@example.org"


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
    with _servers() as servers:
        found = asyncio.run(measure(servers, count=wanted.count))
    if wanted.json:
        print(json.dumps(found))
    else:
        Console().print(table(found, count=wanted.count))


if __name__ == "__main__":
    main()
