"""Signing keys: published, shared by replicas, rotated without an outage."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import delete, select, update

from stoa_auth.database import AuditRecord, SigningKey
from stoa_auth.keys import domain, service, signing
from stoa_auth.keys.schemas import SigningKeyOut
from stoa_auth.keys.service import Algorithm, KeyRing
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

    async def rotate(self, algorithm: Algorithm = "EdDSA") -> SigningKeyOut:
        async with self.database.transaction() as session:
            ring = KeyRing(self.database, secret=SECRET)
            return await service.rotate(session, ring, caller=self.caller, algorithm=algorithm)

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
    assert principal.roles == {"owner"}
    assert principal.may("member:write")


async def test_no_private_part_is_published(doors: Doors) -> None:
    published = (await doors.client.get("/.well-known/jwks.json")).json()

    assert {(key["kty"], key["alg"], key["use"]) for key in published["keys"]} == {
        ("OKP", "EdDSA", "sig"),
        ("RSA", "RS256", "sig"),
    }
    assert not [key for key in published["keys"] if key.keys() & {"d", "p", "q", "dp", "dq", "qi"}]


async def test_the_private_half_is_not_in_the_database(doors: Doors, database: Database, resources: Resources) -> None:
    published = await resources.get(KeyRing).public_keys()

    async with database.transaction() as session:
        rows = [await session.get_one(SigningKey, public["kid"]) for public in published]

    assert {row.algorithm for row in rows} == {"EdDSA", "RS256"}
    assert not [row for row in rows if b'"d"' in row.sealed or b"Ed25519" in row.sealed or b"RSA" in row.sealed]


async def test_a_token_of_another_key_is_refused(doors: Doors) -> None:
    published = (await doors.client.get("/.well-known/jwks.json")).json()
    forged = signing.sign({"sub": "ada"}, signing.new_key())

    with pytest.raises(Unauthenticated):
        await TokenVerifier(Published(published), issuer=ISSUER).verify(forged)


async def test_replicas_that_start_at_once_share_one_key(database: Database, no_keys: None) -> None:
    replicas = [KeyRing(database, secret=SECRET) for _ in range(8)]

    published = await asyncio.gather(*(replica.public_keys() for replica in replicas))

    assert sorted(key["alg"] for key in published[0]) == ["EdDSA", "RS256"]
    assert all(_by_id(keys) == _by_id(published[0]) for keys in published)


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_counts_on(
    database: Database, no_keys: None
) -> None:
    old = await _access_key(database)
    pair = signing.new_key()
    ahead = clock.now() + 2 * domain.RING_TTL
    async with database.transaction() as session:
        session.add(SigningKey(kid=signing.kid(pair), sealed=signing.seal(pair, secret=SECRET), signs_from=ahead))

    ring = KeyRing(database, secret=SECRET)

    assert await _access_kids(ring) == [pair.kid, old["kid"]]
    assert f'"kid":"{old["kid"]}"' in _header(await ring.sign({"sub": "ada"}))


async def test_a_retired_key_is_published_no_more(database: Database, no_keys: None) -> None:
    old = await _access_key(database)
    pair = signing.new_key()
    at = clock.now()
    async with database.transaction() as session:
        (await session.get_one(SigningKey, old["kid"])).retired_at = at - timedelta(seconds=1)
        session.add(SigningKey(kid=signing.kid(pair), sealed=signing.seal(pair, secret=SECRET), signs_from=at))

    assert await _access_kids(KeyRing(database, secret=SECRET)) == [pair.kid]


async def test_a_lost_secret_is_told_at_the_start(database: Database, no_keys: None) -> None:
    await KeyRing(database, secret=SECRET).public_keys()

    with pytest.raises(signing.WrongKeysSecret, match="AUTH_KEYS_SECRET"):
        await KeyRing(database, secret="not the secret that sealed these keys").public_keys()


async def test_a_rotation_publishes_the_new_key_and_the_old_one_signs_on(
    rotating: Rotating, database: Database, no_keys: None
) -> None:
    old = await _access_key(database)

    made = await rotating.rotate()

    ring = KeyRing(database, secret=SECRET)
    assert made.state == "waiting"
    assert await _access_kids(ring) == [made.kid, old["kid"]]
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
    still = await _access_kids(KeyRing(database, secret=SECRET))
    await rotating.pass_time(timedelta(minutes=2))

    assert len(still) == 2
    assert await _access_kids(KeyRing(database, secret=SECRET)) == [made.kid]


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
    # Whoever else rotated lately has left one that waits; of each algorithm exactly one signs.
    signs = [key["algorithm"] for key in shown.json()["items"] if key["state"] == "signing"]
    assert sorted(signs) == ["EdDSA", "RS256"]
    assert "sealed" not in shown.text


async def test_a_rotation_is_audited(rotating: Rotating, database: Database, no_keys: None) -> None:
    await KeyRing(database, secret=SECRET).public_keys()

    made = await rotating.rotate()

    async with database.transaction() as session:
        noted = select(AuditRecord.action).where(AuditRecord.target == made.kid)
        assert (await session.scalars(noted)).all() == ["signing-key.rotate"]


async def test_keys_of_id_tokens_rotate_by_themselves(rotating: Rotating, database: Database, no_keys: None) -> None:
    ring = KeyRing(database, secret=SECRET)
    access, earlier = await _access_key(database), await ring.sign_id_token({"sub": "ada"}, "RS256")

    made = await rotating.rotate("RS256")
    await rotating.pass_time(domain.PUBLISHED_AHEAD + timedelta(seconds=1))

    ring = KeyRing(database, secret=SECRET)
    later = await ring.sign_id_token({"sub": "ada"}, "RS256")
    assert (made.algorithm, f'"kid":"{made.kid}"' in _header(later)) == ("RS256", True)
    assert await _access_kids(ring) == [access["kid"]]
    assert [await ring.read_id_token(token) for token in (earlier, later)] == [{"sub": "ada"}] * 2


async def test_a_ring_that_has_no_rsa_key_yet_gets_one(database: Database, no_keys: None) -> None:
    access = await _access_key(database)
    async with database.transaction() as session:
        await session.execute(delete(SigningKey).where(SigningKey.algorithm == "RS256"))

    published = await KeyRing(database, secret=SECRET).public_keys()

    assert sorted(key["alg"] for key in published) == ["EdDSA", "RS256"]
    assert access["kid"] in [key["kid"] for key in published]


@pytest.mark.parametrize("trick", ["RS256", "EdDSA by the RSA key's id", "HS256 by the RSA key", "an ID token"])
async def test_the_published_rsa_key_verifies_no_access_token(database: Database, no_keys: None, trick: str) -> None:
    """Algorithm confusion (RFC 8725, section 3.1): each token would be good if the verifier asked the header."""
    ring = KeyRing(database, secret=SECRET)
    published = await ring.public_keys()
    rsa = next(key for key in published if key["alg"] == "RS256")
    async with database.transaction() as session:
        rows = {row.algorithm: row for row in await session.scalars(select(SigningKey))}
    private = {name: signing.unseal(row.kid, row.sealed, secret=SECRET) for name, row in rows.items()}
    pem = RSAKey.import_key(rsa).as_pem(private=False)
    header = {"typ": "at+jwt", "kid": rsa["kid"]}
    forged = {
        "RS256": lambda: jwt.encode({**header, "alg": "RS256"}, _claims(), private["RS256"], algorithms=["RS256"]),
        "EdDSA by the RSA key's id": lambda: jwt.encode(
            {**header, "alg": "EdDSA"}, _claims(), private["EdDSA"], algorithms=["EdDSA"]
        ),
        "HS256 by the RSA key": lambda: _hmac({**header, "alg": "HS256"}, _claims(), pem),
        "an ID token": lambda: signing.sign_id_token(_claims(), private["EdDSA"]),
    }[trick]()

    verifier = TokenVerifier(Published({"keys": published}), issuer=ISSUER)
    await verifier.verify(await ring.sign(_claims()))
    with pytest.raises(Unauthenticated):
        await verifier.verify(forged)


async def _access_key(database: Database) -> dict[str, Any]:
    """The one key of access tokens."""
    [found] = [key for key in await KeyRing(database, secret=SECRET).public_keys() if key["alg"] == "EdDSA"]
    return found


async def _access_kids(ring: KeyRing) -> list[str]:
    """The ids of the keys of access tokens, the newest first."""
    return [key["kid"] for key in await ring.public_keys() if key["alg"] == "EdDSA"]


def _by_id(keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(keys, key=lambda key: str(key["kid"]))


def _hmac(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """By hand: libraries refuse a public key as a secret."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    signed = ".".join(parts)
    signature = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=").decode()
    return f"{signed}.{signature}"


def _claims() -> dict[str, Any]:
    now = int(clock.now().timestamp())
    ids = {name: str(new_id()) for name in ("sub", "sid", "jti")}
    return {"iss": ISSUER, "aud": "stoa", **ids, "iat": now, "exp": now + 600}


def _header(token: str) -> str:
    encoded = token.partition(".")[0]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
