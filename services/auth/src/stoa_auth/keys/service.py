"""Use cases of signing keys: make the first, sign with the newest, show the public halves."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import OKPKey

from stoa_auth.keys import domain, signing
from stoa_auth.keys.models import SigningKey
from stoa_auth.keys.repository import KeyRepository
from stoa_common import clock, logs
from stoa_common.database import Database

log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class _Ring:
    read_at: datetime
    signing: OKPKey
    public: list[dict[str, Any]]


class KeyRing:
    """The keys in use, read again once a minute, so that a rotation reaches every replica without a restart."""

    def __init__(self, database: Database, *, secret: str) -> None:
        self._database = database
        self._secret = secret
        self._ring: _Ring | None = None
        self._reading = asyncio.Lock()

    async def sign(self, claims: Mapping[str, Any]) -> str:
        return signing.sign(claims, (await self._current()).signing)

    async def public_keys(self) -> list[dict[str, Any]]:
        """The JSON Web Keys by which tokens are verified (RFC 7517)."""
        return (await self._current()).public

    async def _current(self) -> _Ring:
        async with self._reading:
            ring = self._ring
            if ring is None or clock.now() - ring.read_at >= domain.RING_TTL:
                ring = self._ring = await self._read()
            return ring

    async def _read(self) -> _Ring:
        at = clock.now()
        async with self._database.transaction() as session:
            keys = await self._valid(KeyRepository(session), at=at)
        opened = [signing.unseal(key.kid, key.sealed, secret=self._secret) for key in keys]
        active = domain.signing(keys, at=at)
        return _Ring(
            read_at=at,
            signing=next(key for key in opened if key.kid == active.kid),
            public=[signing.public(key) for key in opened],
        )

    async def _valid(self, repository: KeyRepository, *, at: datetime) -> Sequence[SigningKey]:
        keys = await repository.list_valid(at=at)
        if keys:
            return keys
        # All replicas start at once on an empty database; one of them makes the key, and the others find it.
        await repository.lock()
        return await repository.list_valid(at=at) or [self._add_first(repository, at=at)]

    def _add_first(self, repository: KeyRepository, *, at: datetime) -> SigningKey:
        pair = signing.new_key()
        key = SigningKey(kid=signing.kid(pair), sealed=signing.seal(pair, secret=self._secret), signs_from=at)
        repository.add(key)
        log.info("signing_key_made", kid=key.kid)
        return key
