"""The page with the identities at organizations' providers that log in to an account: link one, unlink one."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from stoa_auth.database import LoginSession
from stoa_common import browser_cookies, clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.testing.identities import Identities

from .browser import PAGES, Browser, hidden
from .conftest import PASSWORD, Doors, Someone, an_address
from .sign_on_world import World, a_domain, a_sub, providing

IDENTITIES = f"{PAGES}/identities"
STEP_UP = f"{PAGES}/step-up"
DEMANDED = "admits you only through its own log-in service"


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


@pytest.fixture
async def admin(doors: Doors) -> Someone:
    return await doors.newcomer()


@pytest.fixture
async def ada(doors: Doors, admin: Someone) -> Someone:
    """A member of the admin's organization."""
    return await doors.member(admin, "learner")


@pytest.fixture
async def browser(world: World, ada: Someone) -> Browser:
    """Ada's, logged in."""
    browser = world.browser()
    await browser.log_in(ada.email, PASSWORD)
    return browser


def buttons(page: httpx2.Response, name: str) -> dict[str, str]:
    """The ids that the page's buttons of this name send, by what they say."""
    found = re.findall(rf'name="{name}" value="([^"]+)">([^<]+)</button>', page.text)
    return {unescape(text): value for value, text in found}


async def link(browser: Browser, connection: dict[str, Any]) -> httpx2.Response:
    return await browser.submit(IDENTITIES, link=connection["id"])


def going_to(page: httpx2.Response) -> str:
    """Where a page goes on to by itself."""
    [url] = re.findall(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', page.text)
    return unescape(url)


async def an_hour_passes(database: Database, person_id: str) -> None:
    async with database.transaction() as session:
        theirs = LoginSession.person_id == UUID(person_id)
        await session.execute(
            update(LoginSession).where(theirs).values(authenticated_at=clock.now() - timedelta(hours=1))
        )


async def test_somebody_links_their_identity_logs_in_by_it_and_unlinks_it(
    world: World, admin: Someone, ada: Someone, browser: Browser
) -> None:
    sub = a_sub()
    async with providing() as provider:
        connection = await world.connect(admin, provider, name="Example University")
        before = await browser.get(IDENTITIES)
        going = await link(browser, connection)
        back = await browser.get(provider.vouch(going_to(going), sub=sub))
        page = await browser.get(back.headers["location"])
        elsewhere = world.browser()
        await world.sign_on(connection, provider, browser=elsewhere, sub=sub)

    assert list(buttons(before, "link")) == ["Link Example University"]
    assert going.headers["content-security-policy"].startswith("default-src 'none'")
    assert (back.status_code, back.headers["location"]) == (303, IDENTITIES)
    assert (await world.who(elsewhere))["person_id"] == ada.person_id
    assert buttons(page, "link") == {}
    [identity_id] = buttons(page, "unlink").values()
    answer = await browser.submit(IDENTITIES, unlink=identity_id)
    assert (answer.status_code, answer.headers["location"]) == (303, IDENTITIES)
    assert await world.identities_of(ada) == []
    again = await browser.submit(IDENTITIES, unlink=identity_id)
    assert (again.status_code, "unlinked already" in again.text) == (404, True)


async def test_who_belongs_to_an_organization_that_demands_its_provider_is_led_there(
    world: World, doors: Doors, admin: Someone, browser: Browser
) -> None:
    sub, policy = a_sub(), "/api/v1/auth/sign-on-policy"
    async with providing() as provider:
        connection = await world.connect(admin, provider, name="Example University")
        before = await browser.get(f"{PAGES}/account")
        await doors.client.put(policy, json={"required": True}, headers=admin.headers)
        account = await browser.get(f"{PAGES}/account")
        await browser.get(provider.vouch(going_to(await link(browser, connection)), sub=sub))
        page = await browser.get(IDENTITIES)
        [leads] = re.findall(r'href="([^"]+)">Log in through Example University<', page.text)
        parts = urlsplit(unescape(leads))
        sent = await browser.get(f"{parts.path}?{parts.query}")
        back = await browser.get(provider.vouch(sent.headers["location"], sub=sub))
        after = await browser.get(back.headers["location"])

    said = [DEMANDED in shown.text for shown in (before, account, after)]
    assert said == [False, True, False]
    assert (await world.who(browser))["organization_id"] == admin.organization_id


async def test_what_is_offered_is_of_ones_own_organizations_and_of_ones_address(
    world: World, doors: Doors, admin: Someone
) -> None:
    domain, stranger, somebody = a_domain(), await doors.newcomer(), world.browser()
    await doors.register(f"eve@{domain}")
    owner = await doors.newcomer()
    await world.prove(domain, owner)
    async with providing() as provider:
        await world.connect(stranger, provider, name="Strangers")
        await world.connect(owner, provider, name="Of the address")
        off = await world.connect(owner, provider, name="Switched off")
        await world.change(owner, off, is_enabled=False)
        eve = await doors.enter(f"eve@{domain}")
        await world.connect(eve, provider, name="Of the member")
    await somebody.log_in(eve.email, PASSWORD)

    page = await somebody.get(IDENTITIES)

    assert set(buttons(page, "link")) == {"Link Of the member", "Link Of the address"}


async def test_who_has_not_proved_lately_who_they_are_does_so_first(
    world: World, admin: Someone, ada: Someone, browser: Browser, database: Database
) -> None:
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        await browser.get(provider.vouch(going_to(await link(browser, connection)), sub=a_sub()))
        [identity] = await world.identities_of(ada)
        await an_hour_passes(database, ada.person_id)

        answers = [await link(browser, connection), await browser.submit(IDENTITIES, unlink=identity["id"])]

        assert [answer.status_code for answer in answers] == [303, 303]
        assert {answer.headers["location"] for answer in answers} == {
            f"{STEP_UP}?next=%2Fapi%2Fv1%2Fauth%2Fpages%2Fidentities"
        }
        proved = await browser.submit(answers[0].headers["location"], password=PASSWORD)
        assert proved.headers["location"] == IDENTITIES
        await browser.submit(IDENTITIES, unlink=identity["id"])
    assert await world.identities_of(ada) == []


async def test_who_logged_in_by_a_provider_sees_them_and_changes_nothing(world: World, admin: Someone) -> None:
    browser, sub = world.browser(), a_sub()
    async with providing() as provider:
        connection = await world.connect(admin, provider, name="Example University")
        await world.connect(admin, provider, name="Another")
        await world.sign_on(connection, provider, browser=browser, sub=sub, email=an_address())

    page = await browser.get(IDENTITIES)
    answer = await browser.post(IDENTITIES, hidden(page) | {"unlink": str(new_id())})

    assert "Example University" in page.text
    assert (buttons(page, "unlink"), buttons(page, "link")) == ({}, {})
    assert answer.status_code == 403
    assert "Log in by your own password" in answer.text


async def test_nobody_unlinks_what_is_anothers(
    world: World, doors: Doors, admin: Someone, ada: Someone, browser: Browser
) -> None:
    bob = await doors.member(admin, "learner")
    his = world.browser()
    await his.log_in(bob.email, PASSWORD)
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        await his.get(provider.vouch(going_to(await link(his, connection)), sub=a_sub()))
    [identity] = await world.identities_of(bob)

    answer = await browser.submit(IDENTITIES, unlink=identity["id"])

    assert answer.status_code == 404
    assert len(await world.identities_of(bob)) == 1


async def test_a_form_that_says_nothing_or_nonsense_is_told_so(browser: Browser) -> None:
    nothing = await browser.submit(IDENTITIES)
    nonsense = await browser.submit(IDENTITIES, unlink="x")
    unknown = await browser.submit(IDENTITIES, link=str(new_id()))

    assert [answer.status_code for answer in (nothing, nonsense, unknown)] == [422, 422, 404]
    assert all(answer.headers["content-type"].startswith("text/html") for answer in (nothing, nonsense, unknown))


async def test_nobody_is_taken_to_the_log_in_and_back(world: World) -> None:
    nobody = world.browser()

    shown = await nobody.get(IDENTITIES)
    sent = await nobody.post(IDENTITIES, hidden(await nobody.get(f"{PAGES}/log-in")) | {"link": str(new_id())})

    assert browser_cookies.SESSION_COOKIE not in nobody.cookies
    for answer in (shown, sent):
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{PAGES}/log-in?next=%2Fapi%2Fv1%2Fauth%2Fpages%2Fidentities"
