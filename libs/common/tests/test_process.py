"""A service's process, as a supervisor sees it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from stoa_common.settings import ServiceSettings
from stoa_common.testing.ports import free_port
from stoa_common.testing.servers import Servers

HERE = Path(__file__).parent
PROGRAM = "from stoa_sample.service import service; service.run()"
#: Longer than anything takes on a machine that is busy with other things.
PATIENCE_SECONDS = 120


def _environment(settings: ServiceSettings, servers: Servers, prefix: str, port: int) -> dict[str, str]:
    assert settings.database_url is not None
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HERE),
        "SAMPLE_PORT": str(port),
        "SAMPLE_DATABASE_URL": settings.database_url.get_secret_value(),
        "KAFKA_BOOTSTRAP_SERVERS": servers.kafka_bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": prefix,
    }


@asynccontextmanager
async def _started(environment: dict[str, str], *roles: str) -> AsyncIterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *roles],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def _ready(port: int, process: subprocess.Popen[str]) -> dict[str, object]:
    async with asyncio.timeout(PATIENCE_SECONDS), httpx2.AsyncClient() as http:
        while True:
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            told = await _readiness(http, port)
            if told and told["status"] == "ok":
                return told
            await asyncio.sleep(0.1)


async def _readiness(http: httpx2.AsyncClient, port: int) -> dict[str, object] | None:
    try:
        told: dict[str, object] = (await http.get(f"http://127.0.0.1:{port}/readyz")).json()
    except httpx2.TransportError:
        return None
    return told


@pytest_asyncio.fixture(loop_scope="session")
async def environment(settings: ServiceSettings, servers: Servers, topic_prefix: str) -> dict[str, str]:
    return _environment(settings, servers, topic_prefix, free_port())


async def test_all_roles_run_in_one_process_and_end_cleanly_on_sigterm(environment: dict[str, str]) -> None:
    port = int(environment["SAMPLE_PORT"])

    async with _started(environment, "api", "consumer", "relay", "worker") as process:
        ready = await _ready(port, process)
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE_SECONDS)

    assert ready == {"status": "ok", "parts": {"consumer": "ok", "relay": "ok", "database": "ok"}}
    assert process.returncode == 0, output
    assert "process_stopped" in output
    assert "Traceback" not in output


async def test_a_process_without_the_api_role_still_tells_its_health(environment: dict[str, str]) -> None:
    port = int(environment["SAMPLE_PORT"])

    async with _started(environment, "relay") as process:
        await _ready(port, process)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            statuses = [(await http.get(path)).status_code for path in ("/livez", "/metrics", "/api/v1/sample/notes")]

    assert statuses == [200, 200, 404]


async def test_a_role_that_cannot_work_takes_the_process_down(environment: dict[str, str], servers: Servers) -> None:
    not_migrated = environment | {"SAMPLE_DATABASE_URL": servers.postgres_url}

    async with _started(not_migrated, "api", "consumer", "relay", "worker") as process:
        output, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE_SECONDS)

    assert process.returncode != 0
    assert "does not exist" in output


async def test_while_kafka_is_away_the_api_answers_and_says_that_it_waits(environment: dict[str, str]) -> None:
    port = int(environment["SAMPLE_PORT"])
    nowhere = environment | {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"}

    async with _started(nowhere, "api", "consumer", "relay", "worker") as process:
        async with asyncio.timeout(30), httpx2.AsyncClient() as http:
            while (told := await _readiness(http, port)) is None:
                await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE_SECONDS)

    assert told == {"status": "unready", "parts": {"consumer": "NotAssigned", "relay": "ok", "database": "ok"}}
    assert process.returncode == 0, output
    assert "kafka_not_reachable" in output


def test_a_missing_setting_is_named_and_no_secret_is_shown() -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE)}

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "api"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert ended.returncode != 0
    assert "SAMPLE_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [["nothing"], ["migrate", "api"], []])
def test_roles_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE)}

    command = [sys.executable, "-c", PROGRAM, *arguments]
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )

    assert ended.returncode == 2
    assert "usage: stoa-sample" in ended.stderr
