"""What the gateway holds at a moment: a leak shows as a figure that does not come back."""

import asyncio
import time
from dataclasses import dataclass

import httpx2
import psutil

#: Kept connections come and go; a request that leaked would keep two files and a place for good.
FILES_MARGIN = 12
TASKS_MARGIN = 12
THREADS_MARGIN = 4
MEMORY_MARGIN_MB = 48.0
#: Connections to services are kept for a while after the last request.
SETTLE_SECONDS = 60.0


@dataclass(frozen=True)
class Figures:
    """Requests at services, waiting ones, tasks of asyncio (`/metrics`); its process' files, threads, memory."""

    requests: int
    waiting: int
    tasks: int
    files: int
    threads: int
    memory_mb: float

    def __str__(self) -> str:
        return (
            f"{self.requests} requests at services, {self.waiting} waiting, {self.tasks} tasks, "
            f"{self.files} open files, {self.threads} threads, {self.memory_mb:.0f} MB"
        )

    def leaks(self, before: "Figures") -> list[str]:
        """What has grown beyond its margin since then."""
        grown = {
            f"{self.requests} requests at services": self.requests > 0,
            f"{self.waiting} requests that wait": self.waiting > 0,
            f"{self.tasks} tasks, {before.tasks} before": self.tasks > before.tasks + TASKS_MARGIN,
            f"{self.files} open files, {before.files} before": self.files > before.files + FILES_MARGIN,
            f"{self.threads} threads, {before.threads} before": self.threads > before.threads + THREADS_MARGIN,
            f"{self.memory_mb:.0f} MB, {before.memory_mb:.0f} before": self.memory_mb
            > before.memory_mb + MEMORY_MARGIN_MB,
        }
        return [f"the gateway keeps {what}" for what, is_so in grown.items() if is_so]


async def read(gateway: str, process: psutil.Process) -> Figures:
    async with httpx2.AsyncClient(base_url=gateway, timeout=20) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    return Figures(
        _sum(lines, "stoa_upstream_requests"),
        _sum(lines, "stoa_upstream_waiting"),
        _sum(lines, "stoa_asyncio_tasks"),
        process.num_fds(),
        process.num_threads(),
        process.memory_info().rss / 1e6,
    )


async def settled(gateway: str, process: psutil.Process, *, before: Figures) -> Figures:
    """As soon as nothing has grown since then, or when it had time enough for that."""
    until = time.monotonic() + SETTLE_SECONDS
    while (now := await read(gateway, process)).leaks(before) and time.monotonic() < until:
        await asyncio.sleep(2)
    return now


def _sum(lines: list[str], name: str) -> int:
    found = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
    assert found, f"/metrics says nothing of {name}."
    return int(sum(float(line.rpartition(" ")[2]) for line in found))
