"""Organizations are renamed by their admins, and suspended and resumed by operators."""

import asyncio
from typing import Any

import httpx2
import pytest

from stoa_common.ids import new_id
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import OrganizationRenamed, OrganizationResumed, OrganizationSuspended

from .conftest import Doors, Someone, an_address
from .test_revoking import Elsewhere, elsewhere  # noqa: F401  # a fixture

BASE = "/api/v1/auth/organizations"


@pytest.fixture
def operator(identities: Identities) -> dict[str, str]:
    return identities.headers(identities.principal("operator"))


async def turn(doors: Doors, who: Someone, state: str, operator: dict[str, str]) -> httpx2.Response:
    return await doors.client.post(f"{BASE}/{who.organization_id}/{state}", headers=operator)


async def told(delivery: Delivery, kind: Any, who: Someone) -> list[Any]:
    return [event for event in await delivery.recorded(kind) if str(event.orgid) == who.organization_id]


async def test_an_organization_is_renamed(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    path = f"{BASE}/{owner.organization_id}"

    answers = [await doors.client.patch(path, json={"name": " Looms "}, headers=owner.headers) for _ in range(2)]

    assert [(answer.status_code, answer.json()["name"]) for answer in answers] == [(200, "Looms"), (200, "Looms")]
    assert [event.name for event in await told(delivery, OrganizationRenamed, owner)] == ["Looms"]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201, None])
async def test_what_is_no_name_is_refused(doors: Doors, name: str | None) -> None:
    owner = await doors.newcomer()

    answer = await doors.client.patch(f"{BASE}/{owner.organization_id}", json={"name": name}, headers=owner.headers)

    assert answer.status_code == 422


async def test_nobody_acts_for_a_suspended_organization(
    doors: Doors,
    elsewhere: Elsewhere,  # noqa: F811
    operator: dict[str, str],
    delivery: Delivery,
) -> None:
    owner, stranger = await doors.newcomer(), await doors.newcomer()
    member = await doors.member(owner, "learner")
    key, invitation = await doors.make_key(owner), await doors.invite(owner, "learner")

    answer = await turn(doors, owner, "suspend", operator)

    assert (answer.status_code, answer.json()["suspended_at"] is not None) == (200, True)
    for who in (owner, member):
        assert not await elsewhere.takes_within_a_second(who.access_token, expected=False)
        assert (await doors.refresh(who.refresh_token)).status_code == 401
    assert await elsewhere.takes(stranger.access_token)
    assert (await doors.enter(member.email)).organization_id is None
    assert not await doors.opens(key["key"])
    assert (await doors.register(an_address(), invitation=invitation)).status_code == 422
    assert len(await told(delivery, OrganizationSuspended, owner)) == 1


async def test_a_resumed_organization_goes_on(doors: Doors, operator: dict[str, str], delivery: Delivery) -> None:
    owner = await doors.newcomer()
    key = await doors.make_key(owner)
    for _ in range(2):
        await turn(doors, owner, "suspend", operator)

    resumed = [await turn(doors, owner, "resume", operator) for _ in range(2)]

    assert [(answer.status_code, answer.json()["suspended_at"]) for answer in resumed] == [(200, None), (200, None)]
    assert (await doors.enter(owner.email)).organization_id == owner.organization_id
    assert await doors.opens(key["key"])
    assert len(await told(delivery, OrganizationSuspended, owner)) == 1
    assert len(await told(delivery, OrganizationResumed, owner)) == 1


async def test_no_token_for_a_suspended_organization_slips_through(
    doors: Doors,
    elsewhere: Elsewhere,  # noqa: F811
    operator: dict[str, str],
) -> None:
    for _ in range(3):
        owner = await doors.newcomer()
        member = await doors.member(owner, "learner")

        suspended, *opened = await asyncio.gather(
            turn(doors, owner, "suspend", operator),
            *(doors.log_in(member.email, organization_id=owner.organization_id) for _ in range(4)),
            doors.refresh(member.refresh_token),
        )

        assert suspended.status_code == 200
        for answer in opened:
            if answer.status_code == 200:
                token = answer.json()["access_token"]
                assert not await elsewhere.takes_within_a_second(token, expected=False)


async def test_an_unknown_organization_is_not_found(doors: Doors, operator: dict[str, str]) -> None:
    answers = [await doors.client.post(f"{BASE}/{new_id()}/{act}", headers=operator) for act in ("suspend", "resume")]

    assert [answer.status_code for answer in answers] == [404, 404]


async def test_suspending_asks_for_a_recent_proof(doors: Doors, identities: Identities) -> None:
    owner = await doors.newcomer()
    principal = identities.principal("operator")
    stale = {"Authorization": f"Bearer {identities.token(principal, auth_time=1_000_000_000)}"}

    answer = await turn(doors, owner, "suspend", stale)

    assert answer.status_code == 401
    assert "insufficient_user_authentication" in answer.headers["WWW-Authenticate"]
