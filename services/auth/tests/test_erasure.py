"""Being forgotten."""

import asyncio
import json
from collections import Counter
from uuid import UUID

from sqlalchemy import select, text

from stoa_auth.database import Invitation, LoginSession, Membership, Person
from stoa_common.database import Database
from stoa_common.outbox.tables import event_log
from stoa_common.personal_keys import open_field
from stoa_common.testing import Delivery
from stoa_events.contracts.auth import UserErased, UserRegistered

from .conftest import Doors, an_address

ME = "/api/v1/auth/me"


async def test_a_person_is_forgotten_and_the_address_becomes_free(doors: Doors) -> None:
    ada = await doors.newcomer(name="Ada")

    answer = await doors.client.delete(ME, headers=ada.headers)

    assert answer.status_code == 204
    assert (await doors.log_in(ada.email)).status_code == 401
    assert (await doors.refresh(ada.refresh_token)).status_code == 401
    assert (await doors.client.get(ME, headers=ada.headers)).status_code == 404
    await doors.register(ada.email)
    assert (await doors.enter(ada.email)).person_id != ada.person_id


async def test_no_row_of_the_person_stays(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    await doors.invite(ada, "learner")
    person = UUID(ada.person_id)

    await doors.client.delete(ME, headers={**ada.headers, "Idempotency-Key": "forget-me"})

    async with database.transaction() as session:
        for column in (Person.id, Membership.person_id, Invitation.created_by, LoginSession.person_id):
            assert await session.scalar(select(column).where(column == person)) is None


async def test_erasure_is_recorded_and_makes_the_sealed_fields_unreadable(
    doors: Doors, delivery: Delivery, database: Database
) -> None:
    ada = await doors.newcomer(name="Ada")
    [registered] = [e for e in await delivery.recorded(UserRegistered) if str(e.person_id) == ada.person_id]

    await doors.client.delete(ME, headers=ada.headers)

    erased = [e for e in await delivery.recorded(UserErased) if str(e.person_id) == ada.person_id]
    assert len(erased) == 1
    async with database.transaction() as session:
        assert await open_field(session, "email", registered.email) is None
        assert await open_field(session, "name", registered.name) is None


async def test_the_event_log_never_held_the_address_in_the_clear(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer(name="Augusta Ada King")

    async with database.transaction() as session:
        rows = (await session.execute(select(event_log.c.headers, event_log.c.data))).all()

    everything = json.dumps([[row.headers, row.data] for row in rows])
    assert ada.person_id in everything
    assert ada.email not in everything
    assert "Augusta" not in everything


async def test_the_only_owner_does_not_leave_others_behind(doors: Doors) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")

    refused = await doors.client.delete(ME, headers=admin.headers)

    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:stoa:problem:last-owner-must-stay"
    assert admin.organization_id is not None
    assert admin.organization_id in refused.json()["detail"]
    assert (await doors.client.delete(ME, headers=member.headers)).status_code == 204
    assert (await doors.client.delete(ME, headers=admin.headers)).status_code == 204


async def test_erasing_twice_finds_nobody(doors: Doors) -> None:
    ada = await doors.newcomer()

    answers = [await doors.client.delete(ME, headers=ada.headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 404]


async def test_a_token_that_outlives_its_person_invites_nobody(doors: Doors) -> None:
    ada = await doors.newcomer()
    await doors.client.delete(ME, headers=ada.headers)

    path = f"/api/v1/auth/organizations/{ada.organization_id}/invitations"
    answer = await doors.client.post(path, json={"roles": ["learner"]}, headers=ada.headers)

    assert answer.status_code == 404


async def test_of_two_parallel_erasures_one_is_recorded(doors: Doors, delivery: Delivery) -> None:
    ada = await doors.newcomer()

    answers = await asyncio.gather(*(doors.client.delete(ME, headers=ada.headers) for _ in range(5)))

    assert Counter(answer.status_code for answer in answers) == {204: 1, 404: 4}
    assert len([e for e in await delivery.recorded(UserErased) if str(e.person_id) == ada.person_id]) == 1


async def test_nobody_joins_an_organization_that_its_last_owner_leaves(doors: Doors) -> None:
    for _ in range(10):
        admin = await doors.newcomer()
        token = await doors.invite(admin, "learner")

        left, joined = await asyncio.gather(
            doors.client.delete(ME, headers=admin.headers), doors.register(an_address(), invitation=token)
        )

        assert (left.status_code, joined.status_code) in {(204, 422), (409, 202)}


async def test_no_table_holds_the_address_afterwards(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    await doors.client.delete(ME, headers=ada.headers)

    async with database.transaction() as session:
        tables = (await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        for table in tables:
            query = text(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE :wanted')
            assert await session.scalar(query, {"wanted": f"%{ada.email}%"}) == 0, table
