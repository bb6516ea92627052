"""The other services, asked for a person's part: with a token that is good for that one route, for a minute."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import orjson

from stoa_auth.keys.service import KeyRing
from stoa_auth.portability.domain import TOKEN_TTL, PartIsMissing
from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.privacy.router import COLLECTOR, audience_of

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)


class Parts:
    """Knows where the services are."""

    def __init__(self, urls: Mapping[str, str], *, keys: KeyRing, issuer: str) -> None:
        self._urls = {name: url.rstrip("/") for name, url in urls.items()}
        self._keys = keys
        self._issuer = issuer

    async def read(self, service: str, person_id: UUID, *, export_id: UUID) -> list[tuple[str, bytes]]:
        """Every table's name and rows, as JSON. Raises PartIsMissing, unless all of it came."""
        token = await self._keys.sign(self._claims(service, person_id, export_id))
        try:
            return await self._read(service, {"Authorization": f"Bearer {token}"})
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError):
            raise PartIsMissing(service) from None

    async def _read(self, service: str, headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
        url = f"{self._urls[service]}/internal/privacy/export"
        tables: list[tuple[str, bytes]] = []
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http, http.get(url, headers=headers) as response:
            response.raise_for_status()
            async for told in _lines(response.content):
                if "end" in told:
                    return tables
                tables.append((told["name"], orjson.dumps(told["rows"])))
        raise PartIsMissing(service)

    def _claims(self, service: str, person_id: UUID, export_id: UUID) -> dict[str, Any]:
        at = clock.now()
        return {
            "iss": self._issuer,
            "aud": audience_of(service),
            "sub": str(person_id),
            "sid": str(export_id),
            "act": {"sub": COLLECTOR},
            "iat": at.timestamp(),
            "exp": int((at + TOKEN_TTL + timedelta(seconds=1)).timestamp()),
            "jti": str(new_id()),
        }


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[dict[str, Any]]:
    """JSON documents, a line each, however long."""
    rest = bytearray()
    async for piece in stream.iter_any():
        # What came before has no end of a line in it, and may be a large table.
        looked_through = len(rest)
        rest += piece
        while (end := rest.find(b"\n", looked_through)) >= 0:
            yield orjson.loads(bytes(rest[:end]))
            del rest[: end + 1]
            looked_through = 0
