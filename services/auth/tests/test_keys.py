"""Signing keys: published, shared by replicas, rotated without an outage."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import KeySet
from sqlalchemy import delete, select, update

from stoa_auth.database import AuditRecord, SigningKey
from stoa_auth.keys import domain, service, signing
from stoa_auth.keys.schemas import SigningKeyOut
from stoa_auth.keys.service import KeyRing
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.errors import Unauthenticated
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import Principal, TokenVerifier
from stoa_common.testing.identities import ISSUER, Identities

from .conftest import Doors

SECRET = "another secret, for keys of these tests alone"


class Published:
    """Keys as another service sees them: the JSON at the well-known address."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._keys = KeySet.import_key_set(document)  # type: ignore[arg-type]

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        return self._keys


class Following(Published):
    """Keys as a service keeps them: those it knows, until a token names another."""

    newest: dict[str, Any]

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        if missing:
            self._keys = KeySet.import_key_set(self.newest)  # type: ignore[arg-type]
        return self._keys


@dataclass
class Rotating:
    """An operator who rotates the keys of this database, and time that passes for them."""

    database: Database
    caller: Principal

    async def rotate(self) -> SigningKeyOut:
        async with self.database.transaction() as session:
            return await service.rotate(session, KeyRing(self.database, secret=SECRET), caller=self.caller)

    async def pass_time(self, by: timedelta) -> None:
        """The database is moved into the past, which is the same."""
        earlier = {"signs_from": SigningKey.signs_from - by, "retired_at": SigningKey.retired_at - by}
        async with self.database.transaction() as session:
            await session.execute(update(SigningKey).values(earlier))


@pytest.fixture
def rotating(database: Database, identities: Identities) -> Rotating:
    return Rotating(database, identities.principal("operator"))


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


async def test_a_rotation_publishes_the_new_key_and_the_old_one_signs_on(
    rotating: Rotating, database: Database, no_keys: None
) -> None:
    [old] = await KeyRing(database, secret=SECRET).public_keys()

    made = await rotating.rotate()

    ring = KeyRing(database, secret=SECRET)
    assert made.state == "waiting"
    assert [key["kid"] for key in await ring.public_keys()] == [made.kid, old["kid"]]
    assert f'"kid":"{old["kid"]}"' in _header(await ring.sign({"sub": "ada"}))


async def test_once_its_time_has_come_the_new_key_signs_and_what_the_old_one_signed_holds(
    rotating: Rotating, database: Database, no_keys: None
) -> None:
    replica = KeyRing(database, secret=SECRET)
    earlier = await replica.sign(_claims())
    made = await rotating.rotate()
    await rotating.pass_time(domain.PUBLISHED_AHEAD + timedelta(seconds=1))

    ring = KeyRing(database, secret=SECRET)
    later = await ring.sign(_claims())
    # A replica that has not read its ring again signs by the old key for up to a minute more.
    straggler = await replica.sign(_claims())

    assert f'"kid":"{made.kid}"' in _header(later)
    verifier = TokenVerifier(Published({"keys": await ring.public_keys()}), issuer=ISSUER)
    for token in (earlier, later, straggler):
        await verifier.verify(token)


async def test_the_old_key_goes_when_its_last_token_has_expired(
    rotating: Rotating, database: Database, no_keys: None
) -> None:
    await KeyRing(database, secret=SECRET).public_keys()
    made = await rotating.rotate()
    longest = timedelta(minutes=15)

    await rotating.pass_time(domain.PUBLISHED_AHEAD + domain.RING_TTL + longest)
    still = await KeyRing(database, secret=SECRET).public_keys()
    await rotating.pass_time(timedelta(minutes=2))

    assert len(still) == 2
    assert [key["kid"] for key in await KeyRing(database, secret=SECRET).public_keys()] == [made.kid]


async def test_a_second_rotation_waits_for_the_first(rotating: Rotating, database: Database, no_keys: None) -> None:
    await KeyRing(database, secret=SECRET).public_keys()
    await rotating.rotate()

    with pytest.raises(domain.RotationIsUnderWay):
        await rotating.rotate()


async def test_a_verifier_that_knows_only_the_old_key_asks_for_the_new_one(
    rotating: Rotating, database: Database, no_keys: None
) -> None:
    ring = KeyRing(database, secret=SECRET)
    keys = Following({"keys": await ring.public_keys()})
    verifier = TokenVerifier(keys, issuer=ISSUER)
    await verifier.verify(await ring.sign(_claims()))
    await rotating.rotate()
    await rotating.pass_time(domain.PUBLISHED_AHEAD + timedelta(seconds=1))
    ring = KeyRing(database, secret=SECRET)
    keys.newest = {"keys": await ring.public_keys()}

    await verifier.verify(await ring.sign(_claims()))


async def test_operators_alone_rotate_and_see_the_keys(doors: Doors, identities: Identities) -> None:
    path = "/api/v1/auth/signing-keys"
    admin, operator = (identities.headers(identities.principal(role)) for role in ("admin", "operator"))

    refused = [
        await doors.client.get(path, headers=admin),
        await doors.client.post(f"{path}/rotations", headers=admin),
    ]
    shown = await doors.client.get(path, headers=operator)

    assert [answer.status_code for answer in refused] == [403, 403]
    assert [key["state"] for key in shown.json()["items"]] == ["signing"]
    assert "sealed" not in shown.text


async def test_a_rotation_is_audited(rotating: Rotating, database: Database, no_keys: None) -> None:
    await KeyRing(database, secret=SECRET).public_keys()

    made = await rotating.rotate()

    async with database.transaction() as session:
        noted = select(AuditRecord.action).where(AuditRecord.target == made.kid)
        assert (await session.scalars(noted)).all() == ["signing-key.rotate"]


def _claims() -> dict[str, Any]:
    now = int(clock.now().timestamp())
    ids = {name: str(new_id()) for name in ("sub", "sid", "jti")}
    return {"iss": ISSUER, "aud": "stoa", **ids, "iat": now, "exp": now + 600}


def _header(token: str) -> str:
    import base64

    encoded = token.partition(".")[0]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
