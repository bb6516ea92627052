"""Where the keys come from that access tokens are verified with."""

import asyncio
import time
import warnings
from typing import Protocol

import aiohttp
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from stoa_common.errors import Unavailable

# RFC 9864 prefers the name Ed25519; we sign with EdDSA while client libraries catch up, and accept both.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)


class Keys(Protocol):
    """Where verification keys come from."""

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        """The current keys; `missing` is a `kid` that the last set did not have."""
        ...


class JwksKeys:
    """Keys from a JWKS URL (RFC 7517), kept some minutes; an unknown `kid` asks again, at most once in five seconds."""

    def __init__(self, url: str, *, ttl_seconds: float = 300, retry_seconds: float = 5) -> None:
        self._url = url
        self._ttl = ttl_seconds
        self._retry = retry_seconds
        self._keys: KeySet | None = None
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        if self._keys is None or self._age() > (self._retry if missing else self._ttl):
            async with self._lock:
                if self._keys is None or self._age() > (self._retry if missing else self._ttl):
                    await self._fetch()
        if self._keys is None:
            raise Unavailable("Identity is not reachable yet; try again in a moment.")
        return self._keys

    def _age(self) -> float:
        return time.monotonic() - self._fetched

    async def _fetch(self) -> None:
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(self._url) as response:
                response.raise_for_status()
                self._keys = KeySet.import_key_set(await response.json())
                self._fetched = time.monotonic()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            # Keys that were good a moment ago stay good while auth restarts.
            if self._keys is None:
                raise Unavailable("Identity is not reachable yet; try again in a moment.") from None
