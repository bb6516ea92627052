"""Nobody is sent to the provider of an organization that is suspended: nobody acts for it, however they log in."""

from typing import Any

import httpx2
import pytest

from stoa_common.testing.identities import Identities

from .browser import PAGES, hidden
from .conftest import Doors, Someone
from .sign_on_world import AUTH, World, a_domain, a_sub, path_of, providing

SIGN_ON = f"{PAGES}/sign-on"


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


async def _turn(world: World, admin: Someone, state: str) -> None:
    operator = world.identities.headers(world.identities.principal("operator"))
    path = f"{AUTH}/organizations/{admin.organization_id}/{state}"
    assert (await world.doors.client.post(path, headers=operator)).status_code == 200


async def _ways(world: World, domain: str) -> list[str]:
    answer = await world.doors.client.get(f"{AUTH}/sign-on", params={"domain": domain})
    items: list[dict[str, Any]] = answer.json()["items"]
    return [item["name"] for item in items]


async def _start(world: World, connection: dict[str, Any]) -> httpx2.Response:
    return await world.browser().get(path_of(connection))


async def test_a_suspended_organizations_provider_is_offered_to_nobody_until_it_is_resumed(
    world: World, doors: Doors
) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    async with providing() as provider:
        await world.prove(domain, admin)
        connection = await world.connect(admin, provider, name="Example University")
        await world.enter(connection, provider, sub=a_sub(), email=f"ada@{domain}", email_verified=True)

        await _turn(world, admin, "suspend")
        while_suspended = await _ways(world, domain), (await _start(world, connection)).status_code
        await _turn(world, admin, "resume")
        afterwards = await _ways(world, domain), (await _start(world, connection)).status_code

    assert while_suspended == ([], 404)
    assert afterwards == (["Example University"], 303)


async def test_the_sign_on_page_says_that_there_is_no_way(world: World, doors: Doors) -> None:
    admin, domain, browser = await doors.newcomer(), a_domain(), world.browser()
    async with providing() as provider:
        await world.prove(domain, admin)
        await world.connect(admin, provider, name="Example University")
    await _turn(world, admin, "suspend")
    page = await browser.get(SIGN_ON)

    shown = await browser.post(SIGN_ON, hidden(page) | {"email": f"ada@{domain}"})

    assert "Example University" not in shown.text
