"""Services and gateways as processes of their own, and what is read of their answers."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from stoa_common.testing.ports import free_port

LOOPBACK = Path(__file__).with_name("loopback.py")


class PortIsTaken(RuntimeError):
    """Somebody else on this machine was faster."""


class Program:
    """A content service of its own process, at an address that stays."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = [sys.executable, str(LOOPBACK), str(self._port)]
        self._process = await asyncio.create_subprocess_exec(*command)
        async with asyncio.timeout(40):
            while not await self._answers():
                if self._process.returncode is not None:
                    raise PortIsTaken
                await asyncio.sleep(0.1)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self.send(signal.SIGKILL)
            await self._process.wait()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        return True


async def started() -> Program:
    for _ in range(5):
        program = Program(free_port())
        with contextlib.suppress(PortIsTaken):
            await program.start()
            return program
    raise PortIsTaken


@asynccontextmanager
async def running() -> AsyncIterator[Program]:
    program = await started()
    try:
        yield program
    finally:
        await program.kill()


async def problem(answer: aiohttp.ClientResponse) -> str:
    return str((await answer.json(content_type="application/problem+json"))["type"]).removeprefix("urn:stoa:problem:")


class Gateway:
    """A gateway of its own process, in front of a content service."""

    def __init__(self, content_url: str, redis_url: str, **variables: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = ""
        self._written = tempfile.TemporaryFile()  # noqa: SIM115  # it goes with the object
        self._process: asyncio.subprocess.Process | None = None
        self._variables = {
            "PATH": os.environ["PATH"],
            "STOA_GATEWAY_PORT": str(self.port),
            "CONTENT_URL": content_url,
            "REDIS_URL": redis_url,
            **variables,
        }

    async def start(self) -> None:
        """Returns when `/readyz` says so, and the service's routes are there."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from stoa_gateway.processes import main; main()", "api"),
            env=self._variables,
            # A pipe that nobody reads would fill, and hold the process.
            stdout=self._written,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(60), aiohttp.ClientSession() as client:
            while await self.readiness(client) != 200:
                assert self._process.returncode is None, self._read()
                await asyncio.sleep(0.1)

    async def readiness(self, client: aiohttp.ClientSession) -> int | None:
        """The status of `/readyz`; None where nobody answers."""
        try:
            async with client.get(f"{self.url}/readyz") as answer:
                return answer.status
        except aiohttp.ClientError:
            return None

    def leave(self) -> None:
        """Ask it to end, as Kubernetes does."""
        assert self._process is not None
        self._process.terminate()

    async def ended(self) -> int:
        """Its exit code, when it has ended."""
        assert self._process is not None
        async with asyncio.timeout(60):
            code = await self._process.wait()
        self.output = self._read()
        return code

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _read(self) -> str:
        self._written.seek(0)
        return self._written.read().decode()


@asynccontextmanager
async def gateways(*made: Gateway) -> AsyncIterator[None]:
    """Started, and ended whatever happens."""
    try:
        for gateway in made:
            await gateway.start()
        yield
    finally:
        for gateway in made:
            await gateway.kill()
