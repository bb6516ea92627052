"""One person in several organizations, in one session."""

import asyncio
from datetime import timedelta

import httpx2
import pytest

from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.testing import Identities

from .conftest import Doors, Someone
from .test_refresh import pretend_it_was_used_earlier
from .test_revoking import Elsewhere, elsewhere  # noqa: F401  # a fixture

SWITCH = "/api/v1/auth/sessions/switch"


async def of_two(doors: Doors, *roles: str) -> tuple[Someone, str]:
    """Somebody in their own organization, and another that they belong to."""
    owner, ada = await doors.newcomer(), await doors.newcomer()
    token = await doors.invite(owner, *(roles or ("coach",)))
    await doors.client.post("/api/v1/auth/invitations/accept", json={"invitation": token}, headers=ada.headers)
    assert owner.organization_id is not None
    return ada, owner.organization_id


async def switch(doors: Doors, who: Someone, organization_id: object) -> httpx2.Response:
    return await doors.client.post(SWITCH, json={"organization_id": str(organization_id)}, headers=who.headers)


async def test_a_session_goes_on_in_another_organization(doors: Doors, elsewhere: Elsewhere) -> None:  # noqa: F811
    ada, there = await of_two(doors)
    before = await elsewhere.verifier.verify(ada.access_token)

    answer = await switch(doors, ada, there)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    now = await elsewhere.verifier.verify(answer.json()["access_token"])
    assert (str(now.organization), now.roles) == (there, frozenset({"coach"}))
    assert (now.session_id, now.authenticated_at) == (before.session_id, before.authenticated_at)


async def test_what_the_session_had_before_is_worth_nothing(
    doors: Doors,
    elsewhere: Elsewhere,  # noqa: F811
) -> None:
    ada, there = await of_two(doors)
    other = await doors.enter(ada.email)
    new = (await switch(doors, ada, there)).json()

    assert not await elsewhere.takes_within_a_second(ada.access_token, expected=False)
    assert await elsewhere.takes(new["access_token"])
    assert await elsewhere.takes(other.access_token)
    assert (await doors.refresh(ada.refresh_token)).status_code == 409


async def test_a_refresh_stays_in_the_new_organization(doors: Doors) -> None:
    ada, there = await of_two(doors)
    new = (await switch(doors, ada, there)).json()

    refreshed = await doors.refresh(new["refresh_token"])

    assert (refreshed.status_code, refreshed.json()["organization_id"]) == (200, there)


async def test_an_old_refresh_token_that_turns_up_late_ends_the_session(doors: Doors, database: Database) -> None:
    ada, there = await of_two(doors)
    new = (await switch(doors, ada, there)).json()
    await pretend_it_was_used_earlier(database, ada.refresh_token, by=timedelta(seconds=11))

    late = await doors.refresh(ada.refresh_token)

    assert late.status_code == 401
    assert (await doors.refresh(new["refresh_token"])).status_code == 401


@pytest.mark.parametrize("reason", ["stranger", "unknown", "suspended"])
async def test_nobody_switches_to_where_they_do_not_act(doors: Doors, reason: str) -> None:
    ada = await doors.newcomer()
    owner = await doors.newcomer()
    wanted = {"stranger": owner.organization_id, "unknown": new_id(), "suspended": owner.organization_id}[reason]
    if reason == "suspended":
        token = await doors.invite(owner, "learner")
        await doors.client.post("/api/v1/auth/invitations/accept", json={"invitation": token}, headers=ada.headers)
        place = f"/api/v1/auth/organizations/{owner.organization_id}/members/{ada.person_id}"
        await doors.client.post(f"{place}/suspend", headers=owner.headers)

    answer = await switch(doors, ada, wanted)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:stoa:problem:no-such-membership")
    assert (await doors.refresh(ada.refresh_token)).status_code == 200


async def test_what_is_no_session_does_not_switch(doors: Doors, identities: Identities) -> None:
    ada, there = await of_two(doors)
    owner = await doors.newcomer()
    stranger = identities.principal("learner")
    ended = await doors.client.post("/api/v1/auth/logout", headers=ada.headers)

    answers = [
        await switch(doors, ada, there),
        await doors.client.post(
            SWITCH, json={"organization_id": owner.organization_id}, headers=identities.headers(stranger)
        ),
    ]

    assert ended.status_code == 204
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_switches_and_refreshes_at_once_leave_a_session_that_goes_on(doors: Doors) -> None:
    ada, there = await of_two(doors)
    here = ada.organization_id

    answers = await asyncio.gather(
        *(switch(doors, ada, place) for place in (there, here, there)), doors.refresh(ada.refresh_token)
    )

    assert [answer.status_code for answer in answers[:3]] == [200, 200, 200]
    assert answers[3].status_code in {200, 409}
    opened = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
    assert [(await doors.refresh(token)).status_code for token in opened].count(200) == 1


async def test_the_audit_log_tells_of_the_switch(doors: Doors, identities: Identities) -> None:
    ada, there = await of_two(doors)
    await switch(doors, ada, there)

    operator = identities.headers(identities.principal("operator"))
    query = {"action": "session.switch", "actor": ada.person_id}
    items = (await doors.client.get("/api/v1/auth/audit", params=query, headers=operator)).json()["items"]

    assert [(item["before"], item["after"]) for item in items] == [
        ({"organization_id": ada.organization_id}, {"organization_id": there})
    ]
