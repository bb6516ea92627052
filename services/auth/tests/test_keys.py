"""Signing keys: published, shared by replicas, rotated without an outage."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import KeySet
from sqlalchemy import delete

from stoa_auth.database import SigningKey
from stoa_auth.keys import domain, signing
from stoa_auth.keys.service import KeyRing
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.errors import Unauthenticated
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.testing.identities import ISSUER

from .conftest import Doors

SECRET = "another secret, for keys of these tests alone"


class Published:
    """Keys as another service sees them: the JSON at the well-known address."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._keys = KeySet.import_key_set(document)  # type: ignore[arg-type]

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        return self._keys


@pytest_asyncio.fixture(loop_scope="session")
async def no_keys(database: Database) -> AsyncIterator[None]:
    """A database without signing keys; those of the service come back afterwards."""
    async with database.transaction() as session:
        removed = (await session.execute(delete(SigningKey).returning(SigningKey))).scalars().all()
        kept = [{c.key: getattr(key, c.key) for c in SigningKey.__table__.columns} for key in removed]
    yield
    async with database.transaction() as session:
        await session.execute(delete(SigningKey))
        session.add_all([SigningKey(**values) for values in kept])


async def test_any_service_verifies_a_token_by_the_published_keys(doors: Doors) -> None:
    ada = await doors.newcomer()

    published = await doors.client.get("/.well-known/jwks.json")

    assert published.headers["cache-control"] == "public, max-age=60"
    principal = await TokenVerifier(Published(published.json()), issuer=ISSUER).verify(ada.access_token)
    assert str(principal.person_id) == ada.person_id
    assert str(principal.organization) == ada.organization_id
    assert principal.roles == {"admin"}
    assert principal.may("member:write")


async def test_no_private_part_is_published(doors: Doors) -> None:
    published = (await doors.client.get("/.well-known/jwks.json")).json()

    assert [(key["kty"], key["crv"], key["alg"], key["use"]) for key in published["keys"]] == [
        ("OKP", "Ed25519", "EdDSA", "sig")
    ]
    assert "d" not in published["keys"][0]


async def test_the_private_half_is_not_in_the_database(doors: Doors, database: Database, resources: Resources) -> None:
    [public] = await resources.get(KeyRing).public_keys()

    async with database.transaction() as session:
        row = await session.get_one(SigningKey, public["kid"])

    assert b'"d"' not in row.sealed
    assert b"Ed25519" not in row.sealed


async def test_a_token_of_another_key_is_refused(doors: Doors) -> None:
    published = (await doors.client.get("/.well-known/jwks.json")).json()
    forged = signing.sign({"sub": "ada"}, signing.new_key())

    with pytest.raises(Unauthenticated):
        await TokenVerifier(Published(published), issuer=ISSUER).verify(forged)


async def test_replicas_that_start_at_once_share_one_key(database: Database, no_keys: None) -> None:
    replicas = [KeyRing(database, secret=SECRET) for _ in range(8)]

    published = await asyncio.gather(*(replica.public_keys() for replica in replicas))

    assert len(published[0]) == 1
    assert all(keys == published[0] for keys in published)


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_counts_on(
    database: Database, no_keys: None
) -> None:
    [old] = await KeyRing(database, secret=SECRET).public_keys()
    pair = signing.new_key()
    ahead = clock.now() + 2 * domain.RING_TTL
    async with database.transaction() as session:
        session.add(SigningKey(kid=signing.kid(pair), sealed=signing.seal(pair, secret=SECRET), signs_from=ahead))

    ring = KeyRing(database, secret=SECRET)

    assert {key["kid"] for key in await ring.public_keys()} == {old["kid"], pair.kid}
    assert f'"kid":"{old["kid"]}"' in _header(await ring.sign({"sub": "ada"}))


async def test_a_retired_key_is_published_no_more(database: Database, no_keys: None) -> None:
    [old] = await KeyRing(database, secret=SECRET).public_keys()
    pair = signing.new_key()
    at = clock.now()
    async with database.transaction() as session:
        (await session.get_one(SigningKey, old["kid"])).retired_at = at - timedelta(seconds=1)
        session.add(SigningKey(kid=signing.kid(pair), sealed=signing.seal(pair, secret=SECRET), signs_from=at))

    published = await KeyRing(database, secret=SECRET).public_keys()

    assert [key["kid"] for key in published] == [pair.kid]


async def test_a_lost_secret_is_told_at_the_start(database: Database, no_keys: None) -> None:
    await KeyRing(database, secret=SECRET).public_keys()

    with pytest.raises(signing.WrongKeysSecret, match="AUTH_KEYS_SECRET"):
        await KeyRing(database, secret="not the secret that sealed these keys").public_keys()


def _header(token: str) -> str:
    import base64

    encoded = token.partition(".")[0]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
