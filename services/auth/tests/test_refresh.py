"""Refresh tokens rotate; one of many parallel uses succeeds, and late reuse ends the session."""

import asyncio
import hashlib
from collections import Counter
from datetime import timedelta

from sqlalchemy import select, update

from stoa_auth.database import RefreshToken
from stoa_common.database import Database

from .conftest import Doors, Someone


async def pretend_it_was_used_earlier(database: Database, token: str, *, by: timedelta) -> None:
    used = RefreshToken.token_hash == hashlib.sha256(token.encode()).digest()
    async with database.transaction() as session:
        await session.execute(update(RefreshToken).where(used).values(used_at=RefreshToken.used_at - by))


async def test_a_refresh_answers_new_tokens_for_the_same_session(doors: Doors) -> None:
    ada = await doors.newcomer()

    answer = await doors.refresh(ada.refresh_token)

    tokens = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert tokens["refresh_token"] != ada.refresh_token
    assert (tokens["person_id"], tokens["organization_id"]) == (ada.person_id, ada.organization_id)
    assert (await doors.refresh(tokens["refresh_token"])).status_code == 200


async def test_of_fifty_parallel_refreshes_exactly_one_succeeds_and_none_harms(doors: Doors) -> None:
    ada = await doors.newcomer()

    answers = await asyncio.gather(*(doors.refresh(ada.refresh_token) for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
    [granted] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await doors.refresh(granted["refresh_token"])).status_code == 200


async def test_a_repeat_within_ten_seconds_is_a_conflict_and_the_session_lives_on(doors: Doors) -> None:
    ada = await doors.newcomer()
    newer = (await doors.refresh(ada.refresh_token)).json()["refresh_token"]

    repeated = await doors.refresh(ada.refresh_token)

    assert repeated.status_code == 409
    assert repeated.json()["type"] == "urn:stoa:problem:refresh-was-repeated"
    assert (await doors.refresh(newer)).status_code == 200


async def test_later_reuse_revokes_the_family_and_only_this_one(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    elsewhere = await doors.enter(ada.email)
    newer = (await doors.refresh(ada.refresh_token)).json()["refresh_token"]
    await pretend_it_was_used_earlier(database, ada.refresh_token, by=timedelta(seconds=11))

    reused = await doors.refresh(ada.refresh_token)

    assert reused.status_code == 401
    assert (await doors.refresh(newer)).status_code == 401
    assert (await doors.refresh(elsewhere.refresh_token)).status_code == 200


async def test_unknown_expired_and_revoked_tokens_are_told_alike(doors: Doors, database: Database) -> None:
    expired, revoked = await doors.newcomer(), await doors.newcomer()
    await _expire(database, expired)
    await doors.client.post("/api/v1/auth/logout", headers=revoked.headers)

    answers = [await doors.refresh(token) for token in ("unknown", expired.refresh_token, revoked.refresh_token)]

    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.json()["type"], answer.json()["detail"]) for answer in answers}) == 1


async def test_only_a_hash_of_the_token_is_kept(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()

    async with database.transaction() as session:
        kept = (await session.scalars(select(RefreshToken.token_hash))).all()

    assert hashlib.sha256(ada.refresh_token.encode()).digest() in kept
    assert ada.refresh_token.encode() not in kept


async def test_expired_sessions_are_forgotten_at_the_next_log_in(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    await _expire(database, ada)

    await doors.enter(ada.email)

    async with database.transaction() as session:
        old = await session.get(RefreshToken, hashlib.sha256(ada.refresh_token.encode()).digest())
    assert old is None


async def test_a_refresh_takes_roles_anew(doors: Doors) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")
    path = f"/api/v1/auth/organizations/{admin.organization_id}/members/{member.person_id}"
    await doors.client.patch(path, json={"roles": ["author"]}, headers=admin.headers)

    refreshed = (await doors.refresh(member.refresh_token)).json()

    headers = {"Authorization": f"Bearer {refreshed['access_token']}"}
    members = f"/api/v1/auth/organizations/{admin.organization_id}/members"
    assert (await doors.client.get(members, headers=member.headers)).status_code == 403
    assert (await doors.client.get(members, headers=headers)).status_code == 200


async def _expire(database: Database, someone: Someone) -> None:
    theirs = RefreshToken.token_hash == hashlib.sha256(someone.refresh_token.encode()).digest()
    async with database.transaction() as session:
        past = RefreshToken.issued_at - timedelta(seconds=1)
        await session.execute(update(RefreshToken).where(theirs).values(expires_at=past))
