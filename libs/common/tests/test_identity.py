"""Who gets in, and how far."""

import base64
import hmac
import json
import time

import httpx2
import pytest
from dirty_equals import IsPartialDict
from joserfc import jwt
from joserfc.jwk import OKPKey

from stoa_common import permissions
from stoa_common.security import MissingPermission
from stoa_common.testing import Identities

NOTES = "/api/v1/sample/notes"


async def _status(client: httpx2.AsyncClient, token: str) -> int:
    return (await client.get(NOTES, headers={"Authorization": f"Bearer {token}"})).status_code


async def test_without_a_token_the_answer_says_how_to_send_one(client: httpx2.AsyncClient) -> None:
    answer = await client.get(NOTES)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json() == IsPartialDict(type="urn:stoa:problem:unauthenticated")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody"},
        {"aud": "another"},
        {"exp": int(time.time()) - 60},
        {"iat": int(time.time()) + 3600, "nbf": int(time.time()) + 3600},
        {"sub": "not a person"},
        {"sid": None},
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(
    client: httpx2.AsyncClient, identities: Identities, changed: dict[str, object]
) -> None:
    assert await _status(client, identities.token(identities.principal("admin"), **changed)) == 401


def _hmac_signed(header: dict[str, object], claims: dict[str, object], secret: bytes) -> str:
    """A forger's token: the public key as an HMAC secret, which libraries refuse to make."""
    signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    signature = base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=") if secret else b""
    return (signed + b"." + signature).decode()


async def test_a_token_of_another_key_type_or_algorithm_is_refused(
    client: httpx2.AsyncClient, identities: Identities
) -> None:
    good = identities.token(identities.principal("admin"))
    claims = jwt.decode(good, identities.key, algorithms=["EdDSA"]).claims
    stranger = OKPKey.generate_key("Ed25519", {"kid": identities.key.kid})
    header = {"typ": "at+jwt", "kid": identities.key.kid}

    forged = [
        jwt.encode({**header, "alg": "EdDSA"}, claims, stranger, algorithms=["EdDSA"]),
        _hmac_signed({**header, "alg": "HS256"}, claims, identities.key.as_pem(private=False)),
        _hmac_signed({**header, "alg": "none"}, claims, b""),
        jwt.encode({**header, "alg": "EdDSA", "typ": "JWT"}, claims, identities.key, algorithms=["EdDSA"]),
        good.rsplit(".", 1)[0] + ".",
        "not.a.token",
    ]

    assert [await _status(client, token) for token in forged] == [401] * 6
    assert await _status(client, good) == 200


async def test_a_learner_may_not_do_what_an_author_may(client: httpx2.AsyncClient, identities: Identities) -> None:
    learner = identities.headers(identities.principal("learner"))

    answer = await client.post(f"{NOTES}/import", headers=learner)

    assert answer.status_code == 403
    assert "course:write" in answer.json()["detail"]


async def test_a_stranger_gets_404_for_what_another_organization_has(
    client: httpx2.AsyncClient, identities: Identities
) -> None:
    owner, stranger = identities.principal("admin"), identities.principal("admin")
    made = await client.post(NOTES, json={"text": "ours"}, headers=identities.headers(owner))

    answer = await client.get(made.headers["location"], headers=identities.headers(stranger))

    assert answer.status_code == 404


def test_own_permissions_reach_only_what_is_ones_own(identities: Identities) -> None:
    learner = identities.principal("learner")

    assert learner.scope("attempt:read") == "own"
    assert identities.principal("author").scope("attempt:read") == "any"
    with pytest.raises(MissingPermission, match="analytics:read"):
        learner.scope("analytics:read")


def test_an_owner_may_all_that_anybody_in_an_organization_may() -> None:
    owner = permissions.of_roles(["owner"])

    assert all(permissions.of_roles([role]) <= owner for role in ("learner", "author", "coach", "manager", "admin"))
    assert not {name for name in owner if name.startswith("platform:")}


def test_what_reaches_everything_covers_what_is_ones_own() -> None:
    assert permissions.covers({"attempt:read"}, "attempt:read:own")
    assert not permissions.covers({"attempt:read:own"}, "attempt:read")


def test_every_permission_has_a_sentence_and_a_role() -> None:
    assert all(p.sentence.endswith(".") and p.roles for p in permissions.PERMISSIONS.values())
