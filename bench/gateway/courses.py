"""A signed-in read of a course: through the gateway and content to PostgreSQL, the api roles and nothing else."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from bench.gateway import generator
from bench.gateway.figures import Failed, Figure
from bench.gateway.generator import Request
from bench.gateway.place import People, until_answered
from bench.gateway.process import cpu_seconds
from bench.streams import Gateway, a_gateway
from stoa_common.testing.servers import Servers, clone_database, drop_database
from stoa_devkit.demo.archive import read_course
from stoa_devkit.demo.course import SHIPPED
from stoa_devkit.ports import free_port

CONNECTIONS, PEOPLE = 32, 100
SECONDS, WARM_UP_SECONDS = 6.0, 8.0
IMPORT_SECONDS = 60.0
CONTENT = "/api/v1/content"


@dataclass(frozen=True, slots=True)
class Content:
    """The api role of content, behind a gateway."""

    gateway: Gateway
    pid: int
    environment: Mapping[str, str]


async def measure(servers: Servers, *, runs: int) -> list[Figure]:
    """Requests a second, and milliseconds; medians of the runs."""
    people = People()
    async with _running(servers, people) as content:
        course_id = await _import(content, people.headers("author"))
        readers = [people.headers("learner") for _ in range(PEOPLE)]
        request = Request(f"{content.gateway.url}{CONTENT}/courses/{course_id}", readers)
        size = len(await until_answered(request))
        await generator.load(request, connections=CONNECTIONS, seconds=WARM_UP_SECONDS)
        before = _used(content)
        done = [await generator.load(request, connections=CONNECTIONS, seconds=SECONDS) for _ in range(runs)]
        answered = sum(run.answered for run in done)
        gateway, service = ((now - then) / answered * 1000 for now, then in zip(_used(content), before, strict=True))
    rate, p50, p99 = (median(getattr(run, name) for run in done) for name in ("per_second", "p50_ms", "p99_ms"))
    note = f"{PEOPLE} learners, {size:,} bytes; CPU of a read: gateway {gateway:.2f} ms, content {service:.2f} ms"
    name = f"signed-in read of a course, {CONNECTIONS} connections"
    return [
        Figure("courses", name, rate, 1000, 1800, "/s", is_rate=True, note=note),
        Figure("courses", f"{name}: p50", p50, 40, 40, "ms"),
        Figure("courses", f"{name}: p99", p99, 150, 150, "ms"),
    ]


def _used(content: Content) -> tuple[float, float]:
    return content.gateway.cpu_seconds(), cpu_seconds(content.pid)


@asynccontextmanager
async def _running(servers: Servers, people: People) -> AsyncIterator[Content]:
    """As they are delivered, with limits that are counted and that nobody reaches."""
    port, database = free_port(), await clone_database(servers, "content")
    told = {"CONTENT_URL": f"http://127.0.0.1:{port}", "GATEWAY_LIMITS_SCALE": "1000"}
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            async with a_gateway(
                servers.redis_url, people.identities, told=told, log=Path(folder, "gateway.log")
            ) as gateway:
                environment = {
                    **gateway.environment,
                    "CONTENT_PORT": str(port),
                    "CONTENT_DATABASE_URL": database.url,
                    "CONTENT_OBJECTS_URL": Path(folder, "objects").as_uri(),
                }
                async with _role("api", environment, Path(folder, "content.log")) as pid:
                    yield Content(gateway, pid, environment)
    finally:
        await drop_database(servers, database.url)


@asynccontextmanager
async def _role(role: str, environment: Mapping[str, str], log: Path | str) -> AsyncIterator[int]:
    program = str(Path(sys.executable).with_name("stoa-content"))
    output = os.open(log, os.O_WRONLY | os.O_CREAT)
    process = await asyncio.create_subprocess_exec(program, role, env=dict(environment), stdout=output)
    os.close(output)
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _import(content: Content, author: Mapping[str, str]) -> str:
    """The id of the course that comes with Stoa, published; by its public doors, and a worker for that long."""
    async with httpx2.AsyncClient(base_url=content.gateway.url, headers=dict(author), timeout=30) as client:
        await until_answered(Request(f"{content.gateway.url}{CONTENT}/courses", [author]))
        archive = read_course(SHIPPED)
        headers = {"Content-Type": archive.content_type}
        job = _ok(await client.post(f"{CONTENT}/imports", content=archive.content, headers=headers))
        async with _role("worker", {**content.environment, "CONTENT_PORT": str(free_port())}, os.devnull):
            course_id = await _course_of(client, job["id"])
        _ok(await client.post(f"{CONTENT}/courses/{course_id}/publish"))
        return course_id


async def _course_of(client: httpx2.AsyncClient, job_id: str) -> str:
    async with asyncio.timeout(IMPORT_SECONDS):
        while True:
            job = _ok(await client.get(f"{CONTENT}/jobs/{job_id}"))
            if job["status"] == "succeeded":
                return str(job["result"]["id"])
            if job["status"] not in ("queued", "running"):
                raise Failed(f"the course was not imported: {job}")
            await asyncio.sleep(0.3)


def _ok(answer: httpx2.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise Failed(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found
