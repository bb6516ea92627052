"""One `stoa-auth api` on servers of its own, with its usual cost of hashing, for benches that ask nothing else."""

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2

from stoa_common.testing.servers import Servers, clone_database, drop_database
from stoa_devkit import settings
from stoa_devkit.ports import free_port
from stoa_devkit.servers.together import start_all, throwaway_servers

READY_SECONDS = 120.0


@contextmanager
def servers() -> Iterator[Servers]:
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
async def running_auth(servers: Servers, variables: Mapping[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """Its own process on an empty database, with these settings beside what it needs."""
    database, port = await clone_database(servers, "auth"), free_port()
    environment = {
        **os.environ,
        "AUTH_PORT": str(port),
        "AUTH_DATABASE_URL": database.url,
        "AUTH_KEYS_SECRET": secrets.token_hex(32),
        "AUTH_JWKS_URL": f"http://127.0.0.1:{port}/.well-known/jwks.json",
        "REDIS_URL": servers.redis_url,
        **variables,
    }
    program = str(Path(sys.executable).with_name("stoa-auth"))
    process = await asyncio.create_subprocess_exec(program, "api", env=environment, stdout=sys.stderr)
    limits = httpx2.Limits(max_connections=None)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120, limits=limits) as client:
            await _wait_for(client)
            yield client
    finally:
        process.terminate()
        await process.wait()
        await drop_database(servers, database.url)


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


def an_address() -> str:
    return f"{secrets.token_hex(8)}@example.org"
