"""API keys whose text changes, and keys that end."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from stoa_auth.database import ApiKeySecret, AuditRecord
from stoa_common import api_keys
from stoa_common.database import Database
from stoa_common.testing import Delivery
from stoa_events.contracts.auth import ApiKeyCreated, ApiKeyRevoked, ApiKeyRotated

from .conftest import Doors

BASE = "/api/v1/auth/api-keys"


async def test_a_rotated_key_opens_by_both_texts_until_the_grace_ends(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    old = await doors.make_key(ada)

    new = (await doors.rotate_key(ada, old, grace_seconds=3600)).json()

    assert (new["id"], [r["prefix"] for r in new["retiring"]]) == (old["id"], [old["prefix"]])
    assert await doors.opens(old["key"])
    assert await doors.opens(new["key"])
    async with database.transaction() as session:
        replaced = await session.get_one(ApiKeySecret, old["prefix"])
        replaced.valid_until = replaced.created_at
    assert not await doors.opens(old["key"])
    assert await doors.opens(new["key"])


async def test_a_leaked_text_ends_at_once(doors: Doors) -> None:
    ada = await doors.newcomer()
    leaked = await doors.make_key(ada)

    new = (await doors.rotate_key(ada, leaked, grace_seconds=0)).json()

    assert not await doors.opens(leaked["key"])
    assert await doors.opens(new["key"])


async def test_of_parallel_rotations_exactly_one_succeeds(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)

    answers = await asyncio.gather(*(doors.rotate_key(ada, key) for _ in range(20)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert await doors.opens(winner["key"])
    async with database.transaction() as session:
        kept = select(ApiKeySecret.prefix).where(ApiKeySecret.api_key_id == UUID(winner["id"]))
        assert set(await session.scalars(kept)) == {key["prefix"], winner["prefix"]}


async def test_a_repeated_rotation_is_told_the_current_prefix(doors: Doors) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    new = (await doors.rotate_key(ada, key)).json()

    again = await doors.rotate_key(ada, key)

    assert again.status_code == 409
    assert new["prefix"] in again.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prefix": "x" * 51},
        {"prefix": "x", "grace_seconds": -1},
        {"prefix": "x", "grace_seconds": 10**12},
        {"prefix": "x", "key": "mine"},
    ],
)
async def test_what_is_no_rotation_is_told_so(doors: Doors, body: dict[str, Any]) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)

    answer = await doors.client.post(f"{BASE}/{key['id']}/rotate", json=body, headers=ada.headers)

    assert answer.status_code == 422


async def test_a_revoked_key_stays_listed_and_opens_nothing(doors: Doors) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    assert await doors.opens(key["key"])

    answers = [await doors.client.delete(f"{BASE}/{key['id']}", headers=ada.headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert not await doors.opens(key["key"])
    assert (await doors.client.get(BASE, headers=ada.headers)).json()["items"][0]["revoked_at"]
    assert (await doors.rotate_key(ada, key)).status_code == 409


async def test_a_rotation_and_a_revocation_at_once_leave_the_key_revoked(doors: Doors) -> None:
    ada = await doors.newcomer()
    for _ in range(5):
        key = await doors.make_key(ada)

        ended, new = await asyncio.gather(
            doors.client.delete(f"{BASE}/{key['id']}", headers=ada.headers), doors.rotate_key(ada, key)
        )

        assert ended.status_code == 204
        assert not await doors.opens(key["key"])
        if new.status_code == 200:
            assert not await doors.opens(new.json()["key"])


async def test_what_happens_to_a_key_is_recorded_without_what_opens_it(doors: Doors, delivery: Delivery) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    new = (await doors.rotate_key(ada, key)).json()
    await doors.client.delete(f"{BASE}/{key['id']}", headers=ada.headers)
    await doors.client.delete(f"{BASE}/{key['id']}", headers=ada.headers)

    facts = [
        fact
        for kind in (ApiKeyCreated, ApiKeyRotated, ApiKeyRevoked)
        for fact in await delivery.recorded(kind)
        if str(fact.api_key_id) == key["id"]
    ]

    assert [type(fact) for fact in facts] == [ApiKeyCreated, ApiKeyRotated, ApiKeyRevoked]
    assert {str(fact.acts_for) for fact in facts} == {ada.organization_id}
    assert {fact.orgid for fact in facts} == {None}
    told = "".join(fact.data().decode() for fact in facts)
    for shown in (key, new):
        assert shown["key"].rsplit("_", 1)[1] not in told
        assert api_keys.digest(shown["key"]).hex() not in told
    assert "Nightly import" not in told


async def test_what_happens_to_a_key_is_in_the_audit_log(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    new = (await doors.rotate_key(ada, key)).json()
    await doors.client.delete(f"{BASE}/{key['id']}", headers=ada.headers)

    async with database.transaction() as session:
        query = select(AuditRecord).where(AuditRecord.target == key["id"]).order_by(AuditRecord.number)
        records = (await session.scalars(query)).all()

    assert [record.action for record in records] == ["api-key.create", "api-key.rotate", "api-key.revoke"]
    assert {str(record.person_id) for record in records} == {ada.person_id}
    assert new["prefix"] in records[1].body
    assert new["key"].rsplit("_", 1)[1] not in records[1].body
