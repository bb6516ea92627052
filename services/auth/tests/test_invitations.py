"""Joining by invitation, as often as it says and no more."""

import asyncio
from collections import Counter
from datetime import timedelta

from sqlalchemy import update

from stoa_auth.database import Invitation
from stoa_common.database import Database
from stoa_common.testing import Delivery
from stoa_events.contracts.auth import MemberJoined, OrganizationCreated

from .conftest import Doors, an_address


async def test_an_invited_newcomer_joins_with_its_roles_and_founds_nothing(doors: Doors, delivery: Delivery) -> None:
    admin = await doors.newcomer()

    member = await doors.member(admin, "author", "learner")

    assert member.organization_id == admin.organization_id
    organizations = (await doors.client.get("/api/v1/auth/organizations", headers=member.headers)).json()["items"]
    assert [o["roles"] for o in organizations] == [["learner", "author"]]
    joined = [e for e in await delivery.recorded(MemberJoined) if str(e.person_id) == member.person_id]
    assert [str(e.organization_id) for e in joined] == [admin.organization_id]
    assert len([e for e in await delivery.recorded(OrganizationCreated) if e.orgid == joined[0].organization_id]) == 1


async def test_fifty_parallel_newcomers_use_an_invitation_for_seven_exactly_seven_times(doors: Doors) -> None:
    admin = await doors.newcomer()
    token = await doors.invite(admin, "learner", max_uses=7)

    answers = await asyncio.gather(*(doors.register(an_address(), invitation=token) for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {202: 7, 422: 43}
    path = f"/api/v1/auth/organizations/{admin.organization_id}/members"
    members = (await doors.client.get(path, headers=admin.headers)).json()["items"]
    assert len(members) == 8


async def test_a_bad_invitation_is_named_and_makes_no_account(doors: Doors) -> None:
    email = an_address()

    answer = await doors.register(email, invitation="never made")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "invitation"
    assert (await doors.log_in(email)).status_code == 401


async def test_a_bad_invitation_is_told_alike_to_people_who_exist(doors: Doors) -> None:
    known = await doors.newcomer()

    answers = [await doors.register(email, invitation="never made") for email in (known.email, an_address())]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


async def test_an_expired_invitation_admits_nobody(doors: Doors, database: Database) -> None:
    admin = await doors.newcomer()
    token = await doors.invite(admin, "learner")
    async with database.transaction() as session:
        past = Invitation.created_at - timedelta(hours=1)
        mine = Invitation.organization_id == admin.organization_id
        await session.execute(update(Invitation).where(mine).values(expires_at=past))

    answer = await doors.register(an_address(), invitation=token)

    assert answer.status_code == 422
    assert "expired" in answer.json()["detail"]


async def test_somebody_who_exists_neither_joins_nor_uses_an_invitation_up(doors: Doors) -> None:
    admin, known = await doors.newcomer(), await doors.newcomer()
    token = await doors.invite(admin, "learner", max_uses=1)

    assert (await doors.register(known.email, invitation=token)).status_code == 202

    again = await doors.enter(known.email)
    assert again.organization_id == known.organization_id
    assert (await doors.newcomer(invitation=token)).organization_id == admin.organization_id


async def test_an_invitation_may_not_make_operators(doors: Doors) -> None:
    admin = await doors.newcomer()
    path = f"/api/v1/auth/organizations/{admin.organization_id}/invitations"

    answer = await doors.client.post(path, json={"roles": ["operator"]}, headers=admin.headers)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "roles"


async def test_the_token_is_in_no_kept_answer(doors: Doors) -> None:
    admin = await doors.newcomer()
    path = f"/api/v1/auth/organizations/{admin.organization_id}/invitations"
    headers = {**admin.headers, "Idempotency-Key": "the-same"}

    answers = [await doors.client.post(path, json={"roles": ["learner"]}, headers=headers) for _ in range(2)]

    assert answers[0].json()["token"] != answers[1].json()["token"]
