"""What the rows stand on: PostgreSQL and Redis, a person with a token, and the gateway in front of an upstream."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import httpx2

from bench import auth_alone
from bench.gateway.figures import Failed
from bench.gateway.generator import Request
from bench.gateway.nginx import PLACES
from stoa_common.ids import new_id
from stoa_common.settings import read_variable
from stoa_common.testing.identities import Identities
from stoa_common.testing.servers import Servers

READY_SECONDS = 180.0
#: Programs of C that Python's package index does not have, and Debian's packages of them.
PROGRAMS = {"wrk": "wrk", "nginx": "nginx-light"}


def missing() -> str | None:
    """What to install; None where all is there."""
    packages = [package for program, package in PROGRAMS.items() if not shutil.which(program, path=PLACES)]
    return f"install {' and '.join(packages)} (Debian: apt install {' '.join(packages)})" if packages else None


@contextmanager
def servers() -> Iterator[Servers]:
    """Those that `stoa with-servers` has started around us, else PostgreSQL and Valkey of our own."""
    postgres, redis = read_variable("STOA_TEST_POSTGRES_URL"), read_variable("STOA_TEST_REDIS_URL")
    if postgres and redis:
        yield Servers(postgres, redis, "")
        return
    with auth_alone.servers() as started:
        yield started


@dataclass
class People:
    """Those of one organization; their tokens outlive the measurement."""

    identities: Identities = field(default_factory=Identities)
    organization_id: UUID = field(default_factory=new_id)

    def headers(self, *roles: str) -> dict[str, str]:
        """Somebody new."""
        principal = self.identities.principal(*roles, organization_id=self.organization_id)
        return {"Authorization": f"Bearer {self.identities.token(principal, exp=2**31)}"}


async def until_answered(request: Request) -> bytes:
    """The body of the first 200: a gateway learns its routes after it has begun to listen."""
    deadline = time.monotonic() + READY_SECONDS
    async with httpx2.AsyncClient(timeout=60) as client:
        while True:
            try:
                headers = dict(request.people[0])
                answer = await client.request(
                    request.method, request.url, headers=headers, content=request.body or None
                )
            except httpx2.TransportError as error:
                said = type(error).__name__
            else:
                if answer.status_code == httpx2.codes.OK:
                    return answer.content
                said = f"{answer.status_code} {answer.text[:300]}"
            if time.monotonic() > deadline:
                raise Failed(f"{request.url} did not answer within {READY_SECONDS:.0f} s: {said}")
            await asyncio.sleep(0.2)
