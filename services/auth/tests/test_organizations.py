"""Members and their roles: who may see and do what."""

import asyncio
import base64
from typing import Any

import pytest

from stoa_common.ids import new_id
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import MemberRolesChanged

from .conftest import Doors, Someone

BASE = "/api/v1/auth/organizations"


def members_of(someone: Someone) -> str:
    return f"{BASE}/{someone.organization_id}/members"


async def test_an_admin_sees_members_with_their_addresses(doors: Doors) -> None:
    admin = await doors.newcomer(name="Ada")
    member = await doors.member(admin, "learner")

    items = (await doors.client.get(members_of(admin), headers=admin.headers)).json()["items"]

    assert [(m["person_id"], m["email"], m["name"], m["roles"]) for m in items] == [
        (admin.person_id, admin.email, "Ada", ["owner"]),
        (member.person_id, member.email, None, ["learner"]),
    ]


async def test_an_author_sees_members_without_their_addresses(doors: Doors) -> None:
    admin = await doors.newcomer(name="Ada")
    author = await doors.member(admin, "author")

    answer = await doors.client.get(members_of(admin), headers=author.headers)

    assert {(m["email"], m["name"]) for m in answer.json()["items"]} == {(None, None)}
    assert admin.email not in answer.text


async def test_members_come_in_pages(doors: Doors) -> None:
    admin = await doors.newcomer()
    token = await doors.invite(admin, "learner", max_uses=4)
    everybody = {admin.person_id} | {(await doors.newcomer(invitation=token)).person_id for _ in range(4)}

    seen: list[str] = []
    after: dict[str, str] = {}
    while page := (
        await doors.client.get(members_of(admin), params={"limit": 2, **after}, headers=admin.headers)
    ).json():
        seen += [member["person_id"] for member in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}

    assert len(seen) == 5
    assert set(seen) == everybody


@pytest.mark.parametrize("values", ['["x"]', "[5]", '[["a"]]', "{}", "[]", '["\\u0000"]', "no json"])
async def test_a_cursor_of_somebody_elses_making_is_refused(doors: Doors, values: str) -> None:
    ada = await doors.newcomer()
    after = base64.urlsafe_b64encode(values.encode()).decode()

    answer = await doors.client.get(BASE, params={"after": after}, headers=ada.headers)

    assert answer.status_code == 422


async def test_changed_roles_are_recorded(doors: Doors, delivery: Delivery) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")

    answer = await doors.client.patch(
        f"{members_of(admin)}/{member.person_id}", json={"roles": ["author", "learner"]}, headers=admin.headers
    )

    assert answer.status_code == 200
    assert answer.json()["roles"] == ["learner", "author"]
    changed = [e for e in await delivery.recorded(MemberRolesChanged) if str(e.person_id) == member.person_id]
    assert [event.roles for event in changed] == [["learner", "author"]]


@pytest.mark.parametrize("roles", [["boss"], ["operator"], [], ["learner", 7], "learner"])
async def test_roles_that_members_cannot_have_are_refused(doors: Doors, roles: Any) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")

    answer = await doors.client.patch(
        f"{members_of(admin)}/{member.person_id}", json={"roles": roles}, headers=admin.headers
    )

    assert answer.status_code == 422


async def test_the_last_owner_keeps_that_role(doors: Doors) -> None:
    owner = await doors.newcomer()
    await doors.member(owner, "admin")

    answer = await doors.client.patch(
        f"{members_of(owner)}/{owner.person_id}", json={"roles": ["admin"]}, headers=owner.headers
    )

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:stoa:problem:last-owner-must-stay"


async def test_two_owners_who_step_down_at_once_leave_one(doors: Doors) -> None:
    owner = await doors.newcomer()
    other = await doors.member(owner, "owner")

    answers = await asyncio.gather(
        *(
            doors.client.patch(f"{members_of(owner)}/{who.person_id}", json={"roles": ["learner"]}, headers=who.headers)
            for who in (owner, other)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_unknown_member_is_not_found(doors: Doors) -> None:
    admin = await doors.newcomer()

    answer = await doors.client.patch(
        f"{members_of(admin)}/{new_id()}", json={"roles": ["learner"]}, headers=admin.headers
    )

    assert answer.status_code == 404


async def test_an_operator_sees_every_organization_and_belongs_to_none(doors: Doors, identities: Identities) -> None:
    ada = await doors.newcomer()
    operator = identities.headers(identities.principal("operator"))

    shown = await doors.client.get(f"{BASE}/{ada.organization_id}", headers=operator)
    listed = await doors.client.get(BASE, params={"limit": 200}, headers=operator)

    assert (shown.status_code, shown.json()["roles"]) == (200, [])
    assert len(listed.json()["items"]) > 1
    assert (await doors.client.get(members_of(ada), headers=operator)).status_code == 403


ROUTES: dict[str, tuple[str, str, Any]] = {
    "list": ("GET", "", None),
    "get": ("GET", "/{organization}", None),
    "rename": ("PATCH", "/{organization}", {"name": "Looms"}),
    "suspend": ("POST", "/{organization}/suspend", None),
    "resume": ("POST", "/{organization}/resume", None),
    "invite": ("POST", "/{organization}/invitations", {"roles": ["learner"]}),
    "invitations": ("GET", "/{organization}/invitations", None),
    "members": ("GET", "/{organization}/members", None),
    "change roles": ("PATCH", "/{organization}/members/{learner}", {"roles": ["learner"]}),
    "suspend member": ("POST", "/{organization}/members/{learner}/suspend", None),
    "resume member": ("POST", "/{organization}/members/{learner}/resume", None),
    "remove member": ("DELETE", "/{organization}/members/{learner}", None),
    "roles": ("GET", "/{organization}/roles", None),
    "role": ("GET", "/{organization}/roles/learner", None),
    "new role": (
        "POST",
        "/{organization}/roles",
        {"name": "grader", "description": "Looks.", "permissions": ["course:read"]},
    ),
}
MATRIX = [
    # route, learner, author, coach, manager, owner, a stranger who is owner elsewhere
    ("list", 200, 200, 200, 200, 200, 200),
    ("get", 200, 200, 200, 200, 200, 404),
    ("rename", 403, 403, 403, 403, 200, 404),
    ("suspend", 403, 403, 403, 403, 403, 403),
    ("resume", 403, 403, 403, 403, 403, 403),
    ("invite", 403, 403, 403, 201, 201, 404),
    ("invitations", 403, 403, 403, 200, 200, 404),
    ("members", 403, 200, 200, 200, 200, 404),
    ("change roles", 403, 403, 403, 200, 200, 404),
    ("suspend member", 403, 403, 403, 200, 200, 404),
    ("resume member", 403, 403, 403, 200, 200, 404),
    ("remove member", 403, 403, 403, 204, 404, 404),
    ("roles", 403, 403, 403, 200, 200, 404),
    ("role", 403, 403, 403, 200, 200, 404),
    ("new role", 403, 403, 403, 403, 201, 404),
]


@pytest.mark.parametrize(("route", "expected"), [(row[0], row[1:]) for row in MATRIX], ids=[row[0] for row in MATRIX])
async def test_every_role_gets_what_it_may(doors: Doors, route: str, expected: tuple[int, ...]) -> None:
    method, path, body = ROUTES[route]
    owner = await doors.newcomer()
    members = [await doors.member(owner, role) for role in ("learner", "author", "coach", "manager")]
    url = BASE + path.format(organization=owner.organization_id, learner=members[0].person_id)

    answers = [
        await doors.client.request(method, url, json=body, headers=who.headers)
        for who in [*members, owner, await doors.newcomer()]
    ]

    assert tuple(answer.status_code for answer in answers) == expected


async def test_a_list_shows_a_stranger_nothing_of_others(doors: Doors) -> None:
    ada, stranger = await doors.newcomer(), await doors.newcomer()

    items = (await doors.client.get(BASE, headers=stranger.headers)).json()["items"]

    assert [item["id"] for item in items] == [stranger.organization_id]
    assert ada.organization_id != stranger.organization_id
