"""Members leave, are removed, suspended and resumed; an owner stays, and nobody takes from who may do more."""

import asyncio
from collections.abc import Sequence

import httpx2
import pytest

from stoa_auth.api_keys.consumers import router as ending_keys
from stoa_common.ids import new_id
from stoa_common.testing import Delivery
from stoa_events.contracts import MemberJoined, MemberLeft, MemberResumed, MemberSuspended

from .conftest import Doors, Someone, an_address

BASE = "/api/v1/auth/organizations"


def place_of(member: Someone) -> str:
    return f"{BASE}/{member.organization_id}/members/{member.person_id}"


async def leave(doors: Doors, who: Someone) -> httpx2.Response:
    return await doors.client.post(f"{BASE}/{who.organization_id}/leave", headers=who.headers)


async def left(delivery: Delivery, who: Someone) -> list[str]:
    """The reasons why they left, as told."""
    told = await delivery.recorded(MemberLeft)
    return [
        e.reason for e in told if (str(e.person_id), str(e.organization_id)) == (who.person_id, who.organization_id)
    ]


async def organizations_of(doors: Doors, who: Someone) -> list[str]:
    items = (await doors.client.get(BASE, headers=who.headers)).json()["items"]
    return [item["id"] for item in items]


async def test_a_member_leaves_and_it_is_told(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")

    answer = await leave(doors, member)

    assert answer.status_code == 204
    assert await left(delivery, member) == ["left"]
    assert await organizations_of(doors, member) == []
    assert (await doors.refresh(member.refresh_token)).status_code == 401


async def test_who_has_left_everywhere_still_has_an_account(doors: Doors) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")
    await leave(doors, member)

    alone = await doors.enter(member.email)

    assert alone.organization_id is None
    assert (await doors.client.get("/api/v1/auth/me", headers=alone.headers)).status_code == 200
    assert (await doors.client.delete("/api/v1/auth/me", headers=alone.headers)).status_code == 204


async def test_nobody_leaves_where_they_are_not(doors: Doors) -> None:
    ada, stranger = await doors.newcomer(), await doors.newcomer()

    answer = await doors.client.post(f"{BASE}/{ada.organization_id}/leave", headers=stranger.headers)

    assert answer.status_code == 404


async def test_the_only_owner_stays_even_when_alone(doors: Doors) -> None:
    owner = await doors.newcomer()

    answers = [
        await leave(doors, owner),
        await doors.client.delete(place_of(owner), headers=owner.headers),
        await doors.client.post(f"{place_of(owner)}/suspend", headers=owner.headers),
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert {answer.json()["type"] for answer in answers} == {"urn:stoa:problem:last-owner-must-stay"}


async def test_two_owners_who_leave_at_once_leave_one(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    other = await doors.member(owner, "owner")

    answers = await asyncio.gather(leave(doors, owner), leave(doors, other))

    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert sorted([*await left(delivery, owner), *await left(delivery, other)]) == ["left"]


async def test_of_many_owners_who_go_in_all_ways_at_once_one_stays(doors: Doors) -> None:
    owner = await doors.newcomer()
    owners = [owner, *[await doors.member(owner, "owner") for _ in range(5)]]

    answers = await asyncio.gather(
        *(leave(doors, who) for who in owners[:2]),
        *(doors.client.post(f"{place_of(who)}/suspend", headers=who.headers) for who in owners[2:4]),
        *(doors.client.patch(place_of(who), json={"roles": ["learner"]}, headers=who.headers) for who in owners[4:]),
    )

    assert [answer.status_code for answer in answers].count(409) == 1


async def test_an_owner_is_erased_once_another_has_taken_over(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")
    refused = await doors.client.delete("/api/v1/auth/me", headers=owner.headers)

    await doors.client.patch(place_of(member), json={"roles": ["owner"]}, headers=owner.headers)
    erased = await doors.client.delete("/api/v1/auth/me", headers=owner.headers)

    assert (refused.status_code, erased.status_code) == (409, 204)
    assert await left(delivery, owner) == ["erased"]


async def test_feeds_learn_of_each_organization_that_an_erased_person_leaves(doors: Doors, delivery: Delivery) -> None:
    here, there = await doors.newcomer(), await doors.newcomer()
    member = await doors.member(here, "learner")
    token = await doors.invite(there, "learner")
    await doors.client.post("/api/v1/auth/invitations/accept", json={"invitation": token}, headers=member.headers)

    assert (await doors.client.delete("/api/v1/auth/me", headers=member.headers)).status_code == 204

    told = [e for e in await delivery.recorded(MemberLeft) if str(e.person_id) == member.person_id]
    assert {str(e.orgid) for e in told} == {here.organization_id, there.organization_id}
    assert {e.reason for e in told} == {"erased"}


async def test_a_member_is_removed_and_may_come_back(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")

    removed = await doors.client.delete(place_of(member), headers=owner.headers)
    again = await doors.client.delete(place_of(member), headers=owner.headers)
    token = await doors.invite(owner, "coach")
    alone = await doors.enter(member.email)
    back = await doors.client.post("/api/v1/auth/invitations/accept", json={"invitation": token}, headers=alone.headers)

    assert (removed.status_code, again.status_code) == (204, 404)
    assert await left(delivery, member) == ["removed"]
    assert (back.status_code, back.json()["roles"]) == (200, ["coach"])
    joined = [e for e in await delivery.recorded(MemberJoined) if str(e.person_id) == member.person_id]
    assert [e.roles for e in joined] == [["learner"], ["coach"]]


async def test_a_suspended_member_acts_elsewhere_only(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")

    suspended = await doors.client.post(f"{place_of(member)}/suspend", headers=owner.headers)

    assert suspended.json()["suspended_at"] is not None
    assert (await doors.refresh(member.refresh_token)).status_code == 401
    assert (await doors.enter(member.email)).organization_id is None
    assert (await doors.log_in(member.email, organization_id=member.organization_id)).status_code == 404
    told = await delivery.recorded(MemberSuspended)
    assert [str(e.organization_id) for e in told if str(e.person_id) == member.person_id] == [owner.organization_id]


async def test_a_resumed_member_is_what_they_were(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "author")
    await doors.client.post(f"{place_of(member)}/suspend", headers=owner.headers)

    resumed = await doors.client.post(f"{place_of(member)}/resume", headers=owner.headers)

    assert (resumed.json()["roles"], resumed.json()["suspended_at"]) == (["author"], None)
    assert (await doors.enter(member.email)).organization_id == owner.organization_id
    assert any(str(e.person_id) == member.person_id for e in await delivery.recorded(MemberResumed))


async def test_a_suspended_owner_is_no_owner_to_rely_on(doors: Doors) -> None:
    owner = await doors.newcomer()
    other = await doors.member(owner, "owner")
    await doors.client.post(f"{place_of(other)}/suspend", headers=owner.headers)

    assert (await leave(doors, owner)).status_code == 409


ACTS: Sequence[tuple[str, str, dict[str, list[str]] | None]] = [
    ("PATCH", "", {"roles": ["learner"]}),
    ("DELETE", "", None),
    ("POST", "/suspend", None),
    ("POST", "/resume", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ACTS, ids=["roles", "remove", "suspend", "resume"])
@pytest.mark.parametrize(("actor", "target"), [("admin", "owner"), ("manager", "admin"), ("manager", "author")])
async def test_nobody_takes_anything_from_who_may_do_more(
    doors: Doors, actor: str, target: str, method: str, path: str, body: dict[str, list[str]] | None
) -> None:
    owner = await doors.newcomer()
    doer, member = await doors.member(owner, actor), await doors.member(owner, target)

    answer = await doors.client.request(method, f"{place_of(member)}{path}", json=body, headers=doer.headers)

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:stoa:problem:permission-is-lacking"


@pytest.mark.parametrize(("actor", "gives"), [("admin", "owner"), ("manager", "admin"), ("manager", "author")])
async def test_nobody_gives_a_role_that_allows_more_than_theirs(doors: Doors, actor: str, gives: str) -> None:
    owner = await doors.newcomer()
    doer, member = await doors.member(owner, actor), await doors.member(owner, "learner")
    invitations = f"{BASE}/{owner.organization_id}/invitations"

    answers = [
        await doors.client.patch(place_of(member), json={"roles": [gives]}, headers=doer.headers),
        await doors.client.patch(place_of(doer), json={"roles": [actor, gives]}, headers=doer.headers),
        await doors.client.post(invitations, json={"roles": [gives]}, headers=doer.headers),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


@pytest.mark.parametrize("name", ["a\x00b", "\x00", "nobody"])
async def test_a_role_that_cannot_be_is_refused_like_one_that_is_not_there(doors: Doors, name: str) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")
    invitations = f"{BASE}/{owner.organization_id}/invitations"

    answers = [
        await doors.client.patch(place_of(member), json={"roles": [name]}, headers=owner.headers),
        await doors.client.post(invitations, json={"roles": [name]}, headers=owner.headers),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]


async def test_keys_of_who_left_end_and_stay_ended(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")
    key, kept = await doors.make_key(member), await doors.make_key(owner)
    await doors.client.delete(place_of(member), headers=owner.headers)
    [told] = [e for e in await delivery.recorded(MemberLeft) if str(e.person_id) == member.person_id]

    record = delivery.record_of(told)
    outcomes = [await delivery.deliver(ending_keys, record) for _ in range(2)]

    assert len(outcomes) == 2
    alone = await doors.enter(member.email)
    token = await doors.invite(owner, "learner")
    await doors.client.post("/api/v1/auth/invitations/accept", json={"invitation": token}, headers=alone.headers)
    assert not await doors.opens(key["key"])
    assert await doors.opens(kept["key"])


async def test_an_unknown_member_is_neither_suspended_nor_removed(doors: Doors) -> None:
    owner = await doors.newcomer()
    place = f"{BASE}/{owner.organization_id}/members/{new_id()}"

    answers = [
        await doors.client.delete(place, headers=owner.headers),
        await doors.client.post(f"{place}/suspend", headers=owner.headers),
        await doors.client.post(f"{place}/resume", headers=owner.headers),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


async def test_the_audit_log_tells_who_was_removed_and_by_whom(doors: Doors) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")
    await doors.client.delete(place_of(member), headers=owner.headers)

    records = (await doors.client.get("/api/v1/auth/audit", headers=owner.headers)).json()["items"]

    [removal] = [record for record in records if record["action"] == "member.remove"]
    assert (removal["person_id"], removal["target"]) == (owner.person_id, member.person_id)


async def test_a_removed_admins_invitation_admits_nobody(doors: Doors) -> None:
    owner = await doors.newcomer()
    admin = await doors.member(owner, "admin")
    token = await doors.invite(admin, "admin")
    await doors.client.delete(place_of(admin), headers=owner.headers)

    answer = await doors.register(an_address(), invitation=token)

    assert answer.status_code == 422
    assert "could not make it any more" in answer.json()["detail"]
