"""Analytics as a process of its own: one owner of its folder, and killed without warning."""

import asyncio
import math
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from aiohttp import web

from stoa_common.ids import new_id
from stoa_common.messaging import kafka
from stoa_common.settings import ServiceSettings
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.ports import free_port
from stoa_common.testing.servers import Servers

from .conftest import Course
from .test_consumer import producing, publish

MAIN = "from stoa_analytics.processes import main; main()"


@pytest_asyncio.fixture(loop_scope="session")
async def jwks_url(identities: Identities) -> AsyncIterator[str]:
    """The public key of the tests' identities, over HTTP, and that nothing was revoked."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"keys": [identities.key.as_dict(private=False)]})

    app = web.Application()

    async def tell_revocations(_: web.Request) -> web.Response:
        return web.json_response({"upto": 0, "revocations": []})

    app.router.add_get("/jwks.json", answer)
    app.router.add_get("/internal/revocations", tell_revocations)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port := free_port()).start()
    yield f"http://127.0.0.1:{port}/jwks.json"
    await runner.cleanup()


@dataclass
class Analytics:
    """The service as the supervisor runs it."""

    environment: dict[str, str]
    port: int = field(default_factory=free_port)

    @asynccontextmanager
    async def running(self, *roles: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """The process, until the block ends; it is then stopped, if it still runs."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MAIN, *roles),
            env={**os.environ, **self.environment, "ANALYTICS_PORT": str(self.port)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), 60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def is_ready(self, http: httpx2.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx2.TransportError:
            return False


@pytest.fixture
def analytics(
    settings: ServiceSettings, servers: Servers, topic_prefix: str, jwks_url: str, tmp_path: Path
) -> Analytics:
    assert settings.database_url is not None
    return Analytics(
        {
            "ANALYTICS_DATABASE_URL": settings.database_url.get_secret_value(),
            "ANALYTICS_CHDB_PATH": str(tmp_path / "warehouse"),
            "AUTH_JWKS_URL": jwks_url,
            "KAFKA_BOOTSTRAP_SERVERS": servers.kafka_bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": topic_prefix,
            "KAFKA_INSTANCE_ID": "test-0",
            "STOA_ISSUER": ISSUER,
        }
    )


async def until_ready(analytics: Analytics, http: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while not await analytics.is_ready(http):
            await asyncio.sleep(0.2)


async def test_a_second_process_on_the_folder_ends_with_one_sentence(analytics: Analytics) -> None:
    async with httpx2.AsyncClient() as http, analytics.running("api", "consumer"):
        await until_ready(analytics, http)

        other = Analytics(analytics.environment)
        async with other.running("api") as second:
            said, _ = await asyncio.wait_for(second.communicate(), 60)

    assert second.returncode == 1
    assert b"Another process has the warehouse at" in said
    assert b"Traceback" not in said


async def test_killed_again_and_again_it_counts_every_event_once(
    analytics: Analytics, servers: Servers, topic_prefix: str, identities: Identities, course: Course
) -> None:
    headers = identities.headers(identities.principal("author", organization_id=course.organization_id))
    cluster = kafka.Cluster(servers.kafka_bootstrap_servers, topic_prefix)
    attempts = [course.graded(new_id(), n / 300, 1.0) for n in range(300)]

    async with httpx2.AsyncClient(base_url=analytics.url, headers=headers) as http, producing(cluster) as producer:
        for start in range(0, 300, 100):
            async with analytics.running("api", "consumer", "relay") as process:
                await until_ready(analytics, http)
                await publish(producer, cluster, *attempts[start : start + 100])
                # In the middle of reading what was just published.
                process.kill()
                await process.wait()
        async with analytics.running("api", "consumer", "relay"):
            await until_ready(analytics, http)
            dashboard = await last_dashboard(http, course)

    assert dashboard["attempts"] == 300
    assert dashboard["mean_score"] == math.fsum(attempt.score for attempt in attempts) / 300
    assert [question["answers"] for question in dashboard["hardest_questions"]] == [300, 300]


async def last_dashboard(http: httpx2.AsyncClient, course: Course) -> dict[str, Any]:
    """The course's dashboard when it has stood still for a second."""
    before: dict[str, Any] = {}
    async with asyncio.timeout(20):
        while True:
            await asyncio.sleep(1)
            now: dict[str, Any] = (await http.get(f"/api/v1/analytics/courses/{course.course_id}")).json()
            if now == before and now.get("attempts"):
                return now
            before = now
