"""An API key for an access token: what the token says, and which texts get none."""

import asyncio
import base64
import json
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from stoa_auth.database import ApiKey, Membership, Revocation
from stoa_common import api_keys, clock, privacy, revocations
from stoa_common.database import Database
from stoa_common.security import TokenVerifier

from .conftest import SCOPES, Doors, Someone

TOKEN = "/api/v1/auth/token"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
KIND = "urn:stoa:token-type:api-key"


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


async def permissions_of(doors: Doors, key: dict[str, Any]) -> list[str]:
    answer = await doors.exchange(key["key"])
    assert answer.status_code == 200, answer.text
    permissions: list[str] = claims_of(answer.json()["access_token"])["permissions"]
    return permissions


async def change_roles(doors: Doors, admin: Someone, member: Someone, *roles: str) -> None:
    path = f"/api/v1/auth/organizations/{admin.organization_id}/members/{member.person_id}"
    answer = await doors.client.patch(path, json={"roles": list(roles)}, headers=admin.headers)
    assert answer.status_code == 200, answer.text


async def test_a_key_becomes_a_token_of_its_person_for_a_minute(doors: Doors, app: FastAPI) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)

    answer = await doors.exchange(key["key"])

    told = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 60)
    assert told["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    claims = claims_of(told["access_token"])
    assert (claims["sub"], claims["org"]) == (ada.person_id, ada.organization_id)
    assert (claims["client_id"], claims["amr"]) == (f"api-key:{key['id']}", ["api-key"])
    assert (claims["permissions"], claims["roles"]) == (SCOPES, [])
    assert 59 <= claims["exp"] - claims["iat"] <= 60
    verifier: TokenVerifier = app.state.verifier
    principal = await verifier.verify(told["access_token"])
    assert (str(principal.person_id), principal.permissions) == (ada.person_id, frozenset(SCOPES))


async def test_a_keys_token_opens_what_its_scopes_say_and_nothing_else(doors: Doors) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada, scopes=["member:read"])
    headers = {"Authorization": f"Bearer {(await doors.exchange(key['key'])).json()['access_token']}"}
    members = f"/api/v1/auth/organizations/{ada.organization_id}/members"

    assert (await doors.client.get(members, headers=headers)).status_code == 200
    assert (await doors.client.get("/api/v1/auth/me", headers=headers)).status_code == 403
    assert (await doors.client.delete("/api/v1/auth/me", headers=headers)).status_code == 403
    assert (await doors.client.get("/api/v1/auth/api-keys", headers=headers)).status_code == 403


async def test_a_key_itself_is_no_access_token(doors: Doors) -> None:
    key = await doors.make_key(await doors.newcomer(), scopes=["account:read:own"])

    answer = await doors.client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {key['key']}"})

    assert answer.status_code == 401


async def test_texts_that_open_nothing_are_refused_alike(doors: Doors) -> None:
    key = (await doors.make_key(await doors.newcomer()))["key"]
    head, secret = key.rsplit("_", 1)
    somebody_elses = f"{head}_{api_keys.new_key().rsplit('_', 1)[1]}"
    hostile = [
        api_keys.new_key(),
        somebody_elses,
        key[:-1],
        key[:-1] + ("0" if key[-1] != "0" else "1"),
        key[:30],
        key + "0",
        key.upper(),
        key.lower(),
        key.swapcase(),
        f" {key}",
        f"{key} ",
        f"{key}\n",
        f"{head} _{secret}",
        key.replace("stoa_", "stoa__"),
        head,
        f"{head}_",
        "stoa_",
        "\x00",
        "' OR 1=1 --",
        "é" * 65,
    ]

    answers = [await doors.exchange(text) for text in hostile]

    assert Counter(answer.status_code for answer in answers) == {401: len(hostile)}
    assert {answer.json()["type"] for answer in answers} == {"urn:stoa:problem:api-key-is-not-valid"}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert not any(key in answer.text for answer in answers)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"grant_type": "password", "subject_token": "x", "subject_token_type": KIND},
        {"grant_type": GRANT, "subject_token": "x", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
        {"grant_type": GRANT, "subject_token": "", "subject_token_type": KIND},
        {"grant_type": GRANT, "subject_token": "x" * 201, "subject_token_type": KIND},
        {"grant_type": GRANT, "subject_token": "x", "subject_token_type": KIND, "scope": "platform:write"},
    ],
)
async def test_what_is_no_exchange_is_told_so_without_what_was_sent(doors: Doors, form: dict[str, str]) -> None:
    answer = await doors.client.post(TOKEN, data=form)

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json()["error"] in {"invalid_request", "unsupported_grant_type", "invalid_client"}
    assert answer.json()["error_description"] == answer.json()["detail"]
    assert "xxx" not in answer.text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}", "application/json"),
        (b"\xff\xfe=\x00", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
    ],
)
async def test_a_broken_form_is_the_callers_fault(doors: Doors, content: bytes, kind: str) -> None:
    answer = await doors.client.post(TOKEN, content=content, headers={"Content-Type": kind})

    assert answer.status_code in {400, 422}
    assert answer.json()["error"] == "invalid_request"
    assert answer.json()["type"].startswith("urn:stoa:problem:")


async def test_no_token_given_around_a_revocation_outlives_it(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    for _ in range(5):
        key = await doors.make_key(ada)
        path = f"/api/v1/auth/api-keys/{key['id']}"

        *answers, ended = await asyncio.gather(
            *(doors.exchange(key["key"]) for _ in range(10)), doors.client.delete(path, headers=ada.headers)
        )

        assert ended.status_code == 204
        given = [answer.json()["access_token"] for answer in answers if answer.status_code == 200]
        async with database.transaction() as session:
            mine = Revocation.subject == revocations.of_session(UUID(key["id"]))
            [refused] = await session.scalars(select(Revocation.not_before).where(mine))
        assert all(claims_of(token)["iat"] <= refused.timestamp() for token in given)
        assert {answer.status_code for answer in answers} <= {200, 401}


async def test_what_old_texts_were_given_ends_with_a_rotation_without_grace(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    old = claims_of((await doors.exchange(key["key"])).json()["access_token"])

    new = (await doors.rotate_key(ada, key, grace_seconds=0)).json()

    later = claims_of((await doors.exchange(new["key"])).json()["access_token"])
    async with database.transaction() as session:
        mine = Revocation.subject == revocations.of_session(UUID(key["id"]))
        [refused] = await session.scalars(select(Revocation.not_before).where(mine))
    assert old["iat"] <= refused.timestamp() < later["iat"]


async def test_an_expired_key_opens_nothing(doors: Doors, database: Database) -> None:
    key = await doors.make_key(await doors.newcomer())
    assert await doors.opens(key["key"])

    async with database.transaction() as session:
        (await session.get_one(ApiKey, UUID(key["id"]))).expires_at = clock.now()

    assert not await doors.opens(key["key"])


async def test_a_key_shrinks_and_grows_with_its_person(doors: Doors) -> None:
    admin = await doors.newcomer()
    author = await doors.member(admin, "author")
    key = await doors.make_key(author, scopes=["course:read", "course:write"])
    assert await permissions_of(doors, key) == ["course:read", "course:write"]

    await change_roles(doors, admin, author, "learner")
    lessened = await permissions_of(doors, key)
    await change_roles(doors, admin, author, "admin")

    assert lessened == ["course:read"]
    assert await permissions_of(doors, key) == ["course:read", "course:write"]


async def test_a_demoted_person_gives_a_key_no_more_than_they_have_now(doors: Doors) -> None:
    admin = await doors.newcomer()
    author = await doors.member(admin, "author")
    await change_roles(doors, admin, author, "learner")
    body = {"name": "While the token lasts", "scopes": ["course:write"]}

    answer = await doors.client.post("/api/v1/auth/api-keys", json=body, headers=author.headers)

    assert answer.status_code in {401, 422}


async def test_who_has_left_the_organization_has_keys_that_open_nothing(doors: Doors, database: Database) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "author")
    key = await doors.make_key(member)

    async with database.transaction() as session:
        membership = await session.scalar(select(Membership).where(Membership.person_id == UUID(member.person_id)))
        await session.delete(membership)

    assert not await doors.opens(key["key"])


async def test_the_last_use_is_told_but_not_written_at_each_use(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    path = f"/api/v1/auth/api-keys/{key['id']}"
    assert key["last_used_at"] is None

    await asyncio.gather(*(doors.exchange(key["key"]) for _ in range(5)))
    first = (await doors.client.get(path, headers=ada.headers)).json()["last_used_at"]
    await doors.exchange(key["key"])
    second = (await doors.client.get(path, headers=ada.headers)).json()["last_used_at"]
    async with database.transaction() as session:
        used = await session.get_one(ApiKey, UUID(key["id"]))
        used.last_used_at = clock.now() - timedelta(minutes=6)
    await doors.exchange(key["key"])
    third = (await doors.client.get(path, headers=ada.headers)).json()["last_used_at"]

    assert first is not None
    assert first == second
    assert third > second


async def test_an_export_holds_the_keys_and_nothing_that_opens_them(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)

    async with database.transaction() as session:
        exported = await privacy.registry.export(session, UUID(ada.person_id))

    [row] = exported["api_keys"]
    assert (str(row["id"]), row["name"], row["scopes"]) == (key["id"], "Nightly import", SCOPES)
    assert api_keys.digest(key["key"]) not in row.values()
