"""Use cases of signing keys: make the first, sign with the newest, show the public halves, rotate."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import Key

from stoa_auth.audit import service as audit
from stoa_auth.keys import domain, signing
from stoa_auth.keys.domain import ACCESS_TOKENS, ALGORITHMS, ID_TOKENS, Algorithm
from stoa_auth.keys.models import SigningKey
from stoa_auth.keys.repository import KeyRepository
from stoa_auth.keys.schemas import SigningKeyOut
from stoa_common import clock, logs
from stoa_common.database import Database, Session
from stoa_common.pages import Page
from stoa_common.security import Principal

__all__ = ["ALGORITHMS", "ID_TOKENS", "Algorithm", "KeyRing", "list_keys", "rotate"]
log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class _Ring:
    read_at: datetime
    signing: Mapping[str, Key]
    public: list[dict[str, Any]]


class KeyRing:
    """The keys in use, read again once a minute, so that a rotation reaches every replica without a restart."""

    def __init__(self, database: Database, *, secret: str) -> None:
        self._database = database
        self._secret = secret
        self._ring: _Ring | None = None
        self._reading = asyncio.Lock()

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """An access token."""
        return signing.sign(claims, (await self._current()).signing[ACCESS_TOKENS])

    async def sign_id_token(self, claims: Mapping[str, Any], algorithm: str) -> str:
        """Where it is RS256, off the event loop: an RSA signature takes a millisecond."""
        key = (await self._current()).signing[algorithm]
        return await asyncio.to_thread(signing.sign_id_token, claims, key)

    async def read_id_token(self, text: str) -> dict[str, Any] | None:
        """The claims of an ID token of ours, expired or not; None for anything else."""
        return await asyncio.to_thread(signing.read_id_token, text, await self.public_keys())

    async def public_keys(self) -> list[dict[str, Any]]:
        """The JSON Web Keys by which access tokens and ID tokens are verified (RFC 7517)."""
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
        active = [domain.signing(domain.of_algorithm(keys, algorithm), at=at) for algorithm in ALGORITHMS]
        return _Ring(
            read_at=at,
            signing={one.algorithm: next(key for key in opened if key.kid == one.kid) for one in active},
            public=[signing.public(key) for key in opened],
        )

    async def _valid(self, repository: KeyRepository, *, at: datetime) -> Sequence[SigningKey]:
        keys = await repository.list_valid(at=at)
        if not domain.missing(keys):
            return keys
        # All replicas start at once on an empty database; one of them makes the keys, and the others find them.
        await repository.lock()
        keys = await repository.list_valid(at=at)
        return [*keys, *[await self._add_first(repository, algorithm, at=at) for algorithm in domain.missing(keys)]]

    async def new_key(self, algorithm: Algorithm, *, at: datetime) -> SigningKey:
        """A key that nobody has yet, sealed. It is made off the event loop, as RSA has to look for primes."""
        pair = await asyncio.to_thread(signing.new_key, algorithm)
        sealed = signing.seal(pair, secret=self._secret)
        return SigningKey(kid=signing.kid(pair), algorithm=algorithm, sealed=sealed, signs_from=at)

    async def _add_first(self, repository: KeyRepository, algorithm: Algorithm, *, at: datetime) -> SigningKey:
        key = await self.new_key(algorithm, at=at)
        repository.add(key)
        log.info("signing_key_made", kid=key.kid, algorithm=algorithm)
        return key


async def list_keys(session: Session) -> Page[SigningKeyOut]:
    """The keys whose signatures count, the newest first; they are few."""
    at = clock.now()
    keys = await KeyRepository(session).list_valid(at=at)
    return Page(items=[_shown(key, keys, at=at) for key in keys], next=None)


async def rotate(
    session: Session, ring: KeyRing, *, caller: Principal, algorithm: Algorithm = ACCESS_TOKENS
) -> SigningKeyOut:
    """Make a key that takes over from the one that signs, which counts until its last token has expired.

    Replicas publish it as they read their rings again, and so before it signs. Raises RotationIsUnderWay.
    """
    repository, at = KeyRepository(session), clock.now()
    await repository.lock()
    keys = domain.of_algorithm(await repository.list_valid(at=at), algorithm)
    new = await ring.new_key(algorithm, at=at)
    domain.rotate(keys, new, at=at)
    repository.add(new)
    audit.note(session, "signing-key.rotate", actor=caller.person_id, target=new.kid, after={"algorithm": algorithm})
    log.info("signing_key_made", kid=new.kid, algorithm=algorithm)
    return _shown(new, [new, *keys], at=at)


def _shown(key: SigningKey, keys: Sequence[SigningKey], *, at: datetime) -> SigningKeyOut:
    state = domain.state(key, keys, at=at)
    return SigningKeyOut(
        kid=key.kid, algorithm=key.algorithm, state=state, signs_from=key.signs_from, retired_at=key.retired_at
    )
