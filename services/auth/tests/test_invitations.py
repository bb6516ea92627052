"""Joining by invitation: as often as it says, and by whom it is for."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from stoa_auth.database import Invitation, Person
from stoa_auth.organizations.domain import MOST_TO_ONE_AN_HOUR
from stoa_common.database import Database
from stoa_common.testing import Delivery
from stoa_events.contracts import MemberJoined, OrganizationCreated

from .conftest import Doors, Someone, an_address
from .postbox import Postbox


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


BASE = "/api/v1/auth/organizations"
ACCEPT = "/api/v1/auth/invitations/accept"


async def mail(doors: Doors, admin: Someone, email: str, **fields: Any) -> dict[str, Any]:
    """What the inviter sees of an invitation to one address."""
    path = f"{BASE}/{admin.organization_id}/invitations"
    headers = admin.headers | fields.pop("headers", {})
    answer = await doors.client.post(path, json={"roles": ["learner"], "email": email, **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def accept(doors: Doors, who: Someone, token: str) -> httpx2.Response:
    return await doors.client.post(ACCEPT, json={"invitation": token}, headers=who.headers)


async def verified(doors: Doors, postbox: Postbox) -> Someone:
    """Somebody new whose address is known to be theirs."""
    someone = await doors.newcomer()
    token = await postbox.code(someone.email, "verify-email")
    assert (await doors.client.post("/api/v1/auth/verify-email", json={"token": token})).status_code == 204
    return someone


async def test_an_invitation_by_mail_brings_a_newcomer_in(doors: Doors, postbox: Postbox) -> None:
    admin, email = await doors.newcomer(organization_name="Analytical Engines"), an_address()

    made = await mail(doors, admin, email, roles=["author"])

    assert made["token"] is None
    [letter] = await postbox.letters(email)
    assert (letter.kind, letter.language) == ("invitation", "en")
    assert "Analytical Engines" in letter.text
    assert letter.token is not None
    assert letter.token in letter.text
    await doors.register(email, invitation=letter.token)
    joined = await doors.enter(email)
    assert joined.organization_id == admin.organization_id


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({"language": "ru"}, "ru"),
        ({"headers": {"Accept-Language": "ru, en;q=0.5"}}, "ru"),
        ({"headers": {"Accept-Language": "ru"}, "language": "en"}, "en"),
    ],
)
async def test_the_mail_is_in_the_language_asked_for(
    doors: Doors, postbox: Postbox, fields: dict[str, Any], language: str
) -> None:
    admin, email = await doors.newcomer(), an_address()

    await mail(doors, admin, email, **fields)

    [letter] = await postbox.letters(email)
    assert (letter.language, "Здравствуйте" in letter.text) == (language, language == "ru")


async def test_somebody_with_an_account_accepts_and_belongs_to_both(doors: Doors, postbox: Postbox) -> None:
    admin, ada = await doors.newcomer(), await verified(doors, postbox)
    await mail(doors, admin, ada.email, roles=["coach"])

    answer = await accept(doors, ada, await postbox.code(ada.email, "invitation"))

    assert (answer.status_code, answer.json()["id"], answer.json()["roles"]) == (200, admin.organization_id, ["coach"])
    items = (await doors.client.get(BASE, headers=ada.headers)).json()["items"]
    assert {item["id"] for item in items} == {ada.organization_id, admin.organization_id}


async def test_a_mailed_invitation_needs_a_verified_address(doors: Doors, postbox: Postbox) -> None:
    admin, ada = await doors.newcomer(), await doors.newcomer()
    await mail(doors, admin, ada.email)

    answer = await accept(doors, ada, await postbox.code(ada.email, "invitation"))

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:stoa:problem:email-is-not-verified")


async def test_a_mailed_invitation_is_nobody_elses(doors: Doors, postbox: Postbox) -> None:
    admin, email, eve = await doors.newcomer(), an_address(), await verified(doors, postbox)
    await mail(doors, admin, email)
    token = await postbox.code(email, "invitation")

    answers = [await accept(doors, eve, token), await doors.register(an_address(), invitation=token)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all(email not in answer.text for answer in answers)
    assert (await doors.register(email, invitation=token)).status_code == 202


async def test_who_belongs_already_uses_nothing_up(doors: Doors) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")
    token = await doors.invite(admin, "author")

    answer = await accept(doors, member, token)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:stoa:problem:already-a-member")
    assert (await doors.newcomer(invitation=token)).organization_id == admin.organization_id


async def test_one_of_two_who_accept_at_once_joins(doors: Doors) -> None:
    admin, ada, bob = await doors.newcomer(), await doors.newcomer(), await doors.newcomer()
    token = await doors.invite(admin, "learner")

    answers = await asyncio.gather(accept(doors, ada, token), accept(doors, bob, token), accept(doors, ada, token))

    assert Counter(answer.status_code for answer in answers)[200] == 1


async def test_an_open_invitation_is_seen_without_its_token_and_revoked(doors: Doors) -> None:
    admin = await doors.newcomer()
    token = await doors.invite(admin, "learner", max_uses=3)
    path = f"{BASE}/{admin.organization_id}/invitations"

    [shown] = (await doors.client.get(path, headers=admin.headers)).json()["items"]
    revoked = [await doors.client.delete(f"{path}/{shown['id']}", headers=admin.headers) for _ in range(2)]

    assert (shown["roles"], shown["max_uses"], shown["uses"], shown["email"]) == (["learner"], 3, 0, None)
    assert "token" not in shown
    assert [answer.status_code for answer in revoked] == [204, 404]
    assert (await doors.client.get(path, headers=admin.headers)).json()["items"] == []
    assert (await doors.register(an_address(), invitation=token)).status_code == 422


async def test_an_invited_address_is_for_who_may_know_people(doors: Doors) -> None:
    owner, email = await doors.newcomer(), an_address()
    roles = f"{BASE}/{owner.organization_id}/roles"
    porter = {"name": "porter", "description": "Lets people in.", "permissions": ["member:write", "member:read"]}
    await doors.client.post(roles, json=porter, headers=owner.headers)
    await mail(doors, owner, email)
    path = f"{BASE}/{owner.organization_id}/invitations"

    seen = [
        (await doors.client.get(path, headers=who.headers)).json()["items"][0]
        for who in (owner, await doors.member(owner, "porter"))
    ]

    assert [(shown["email"], shown["is_mailed"]) for shown in seen] == [(email, True), (None, True)]


async def test_the_newest_mail_to_an_address_is_the_one_that_works(doors: Doors, postbox: Postbox) -> None:
    admin, email = await doors.newcomer(), an_address()
    await mail(doors, admin, email)
    old = await postbox.code(email, "invitation")

    await mail(doors, admin, email)

    assert (await doors.register(email, invitation=old)).status_code == 422
    assert (await doors.register(email, invitation=await postbox.code(email, "invitation"))).status_code == 202


async def test_one_address_is_not_flooded(doors: Doors) -> None:
    admin, email = await doors.newcomer(), an_address()
    for _ in range(MOST_TO_ONE_AN_HOUR):
        await mail(doors, admin, email)

    path = f"{BASE}/{admin.organization_id}/invitations"
    answer = await doors.client.post(path, json={"roles": ["learner"], "email": email}, headers=admin.headers)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")


async def test_a_mailed_invitation_is_for_one(doors: Doors) -> None:
    admin = await doors.newcomer()
    path = f"{BASE}/{admin.organization_id}/invitations"
    body = {"roles": ["learner"], "email": an_address(), "max_uses": 2}

    assert (await doors.client.post(path, json=body, headers=admin.headers)).status_code == 422


async def test_an_inviter_who_may_less_now_has_invited_nobody(doors: Doors) -> None:
    owner = await doors.newcomer()
    admin = await doors.member(owner, "admin")
    tokens = [await doors.invite(admin, "author"), await doors.invite(admin, "learner")]
    place = f"{BASE}/{owner.organization_id}/members/{admin.person_id}"
    await doors.client.patch(place, json={"roles": ["manager"]}, headers=owner.headers)

    answers = [await doors.register(an_address(), invitation=token) for token in tokens]

    assert [answer.status_code for answer in answers] == [422, 202]


async def test_an_operator_joins_nothing(doors: Doors, database: Database) -> None:
    admin, someone = await doors.newcomer(), await doors.newcomer()
    token = await doors.invite(admin, "learner")
    async with database.transaction() as session:
        await session.execute(update(Person).where(Person.email == someone.email).values(operator=True))

    assert (await accept(doors, someone, token)).status_code == 409


async def test_who_is_erased_leaves_no_address_in_an_invitation(
    doors: Doors, database: Database, postbox: Postbox
) -> None:
    admin, ada = await doors.newcomer(), await doors.newcomer()
    await mail(doors, admin, ada.email)

    assert (await doors.client.delete("/api/v1/auth/me", headers=ada.headers)).status_code == 204

    async with database.transaction() as session:
        assert await session.scalar(select(Invitation.id).where(Invitation.email == ada.email)) is None


async def test_no_address_is_in_the_audit_log(doors: Doors) -> None:
    admin, email = await doors.newcomer(), an_address()
    await mail(doors, admin, email)

    answer = await doors.client.get("/api/v1/auth/audit", headers=admin.headers)

    assert "member.invite" in answer.text
    assert email not in answer.text
