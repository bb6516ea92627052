"""The way from the log-in page to an organization's provider, and what is said where the organization demands it."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest

from stoa_common import browser_cookies
from stoa_common.testing.identities import Identities

from .browser import PAGES, Browser, hidden
from .conftest import PASSWORD, Doors, Someone, an_address
from .oauth_world import App, register
from .sign_on_world import AUTH, Provider, World, a_domain, a_sub, providing

SESSION = browser_cookies.SESSION_COOKIE
LOG_IN = f"{PAGES}/log-in"
SIGN_ON = f"{PAGES}/sign-on"


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


@pytest.fixture
def browser(world: World) -> Browser:
    return world.browser()


def links(page: httpx2.Response) -> dict[str, str]:
    """Where the page's buttons lead that are links, by what they say."""
    found = re.findall(r'<a class="button" href="([^"]+)">([^<]+)</a>', page.text)
    return {unescape(text): unescape(href) for href, text in found}


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def alike(page: httpx2.Response, email: str) -> str:
    """The page without what differs from one showing to the next."""
    return re.sub(r'name="csrf" value="[^"]+"', "", page.text).replace(email, "")


async def university(world: World, admin: Someone, provider: Provider, domain: str) -> None:
    """An organization that has proved the domain connects its provider."""
    await world.prove(domain, admin)
    await world.connect(admin, provider, name="Example University")


async def through(browser: Browser, provider: Provider, page: httpx2.Response, **told: Any) -> httpx2.Response:
    """Follow the page's one link, log in at the provider, and come back."""
    [link] = links(page).values()
    sent = await browser.get(path_of(link))
    assert sent.status_code == 303, sent.text
    return await browser.get(provider.vouch(sent.headers["location"], **told))


async def test_who_came_for_an_oauth_client_goes_back_to_it_by_their_organizations_provider(
    world: World, doors: Doors, browser: Browser
) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    app: App = await register(doors.client, admin.headers)
    async with providing() as provider:
        await university(world, admin, provider, domain)
        asked = await browser.get(app.link())
        log_in = await browser.get(asked.headers["location"])
        [path] = re.findall(r'formaction="([^"]+)" formnovalidate', log_in.text)
        ways = await browser.post(unescape(path), hidden(log_in) | {"email": f"ada@{domain}", "password": ""})

        back = await through(browser, provider, ways, sub=a_sub(), email=f"ada@{domain}", email_verified=True)

    assert back.status_code == 303, back.text
    assert back.headers["location"] == parse_qs(urlsplit(asked.headers["location"]).query)["next"][0]
    consent = await browser.get(back.headers["location"])
    assert consent.status_code == 200
    assert "Course reports" in consent.text
    assert (await world.who(browser))["methods"] == ["fed"]


async def test_a_client_that_asks_for_a_new_log_in_has_the_provider_ask_anew(
    world: World, doors: Doors, browser: Browser
) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    app = await register(doors.client, admin.headers)
    async with providing() as provider:
        await university(world, admin, provider, domain)
        asked = await browser.get(app.link(prompt="login"))
        path = asked.headers["location"].replace("/log-in", "/sign-on")

        anew = await browser.submit(path, email=f"ada@{domain}")
        plain = await browser.submit(SIGN_ON, email=f"ada@{domain}")
        sent = await browser.get(path_of(links(anew)["Go on to Example University"]))

    assert parse_qs(urlsplit(sent.headers["location"]).query)["prompt"] == ["login"]
    assert "afresh" not in links(plain)["Go on to Example University"]


async def test_a_long_way_back_is_kept_and_another_sites_is_not_followed(
    world: World, doors: Doors, browser: Browser
) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    far = "/courses?x=" + "a" * 5000
    async with providing() as provider:
        await university(world, admin, provider, domain)
        for wanted, led in ((far, far), ("//evil.example", f"{PAGES}/account")):
            ways = await browser.submit(f"{SIGN_ON}?next={quote(wanted)}", email=f"ada@{domain}")
            back = await through(browser, provider, ways, sub=a_sub(), email=f"{a_sub()}@{domain}")
            assert (back.status_code, back.headers["location"]) == (303, led)


async def test_every_provider_of_the_organization_is_offered(world: World, doors: Doors, browser: Browser) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    async with providing() as provider:
        await university(world, admin, provider, domain)
        await world.connect(admin, provider, name='Guests <of "ours">')

    answer = await browser.submit(SIGN_ON, email=f"ada@{domain}")

    assert list(links(answer)) == ["Go on to Example University", 'Go on to Guests <of "ours">']


async def test_the_domain_alone_decides_and_not_whether_the_address_has_an_account(
    world: World, doors: Doors, browser: Browser
) -> None:
    admin, domain, ada = await doors.newcomer(), a_domain(), await doors.newcomer()
    known, unknown, nobody = f"known@{domain}", f"unknown@{domain}", an_address()
    await doors.register(known)
    async with providing() as provider:
        await university(world, admin, provider, domain)

    offered = [alike(await browser.submit(SIGN_ON, email=each), each) for each in (known, unknown)]
    refused = [await browser.submit(SIGN_ON, email=each) for each in (ada.email, nobody)]

    assert offered[0] == offered[1]
    assert [page.status_code for page in refused] == [422, 422]
    assert alike(refused[0], ada.email) == alike(refused[1], nobody)
    assert "No organization" in refused[0].text


async def test_who_typed_no_address_is_asked_for_it(browser: Browser) -> None:
    empty = await browser.submit(SIGN_ON, email=" ")
    wrong = await browser.submit(SIGN_ON, email="ada")

    assert (empty.status_code, 'role="alert"' in empty.text) == (200, False)
    assert (wrong.status_code, "ada@example.org" in wrong.text) == (422, True)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "by its own service, and not by a password"), ("ru", "а не по паролю")]
)
async def test_an_organization_that_demands_its_provider_says_so_and_takes_no_password(
    world: World, doors: Doors, browser: Browser, language: str, said: str
) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    known = f"known@{domain}"
    await doors.register(known)
    browser.language = language
    async with providing() as provider:
        await university(world, admin, provider, domain)
        before = await browser.log_in(known, "a wrong password")
        await doors.client.put(f"{AUTH}/sign-on-policy", json={"required": True}, headers=admin.headers)

        pages = [
            await browser.log_in(email, password, f"{LOG_IN}?next=%2Fcourses")
            for email, password in ((known, PASSWORD), (known, "a wrong password"), (f"unknown@{domain}", PASSWORD))
        ]
        told = {alike(page, known).replace(f"unknown@{domain}", "") for page in pages}

        assert before.status_code == 422
        assert [page.status_code for page in pages] == [200, 200, 200]
        assert len(told) == 1
        assert said in pages[0].text
        assert SESSION not in browser.cookies
        back = await through(browser, provider, pages[0], sub=a_sub(), email=f"new@{domain}", email_verified=True)
    assert back.headers["location"] == "/courses"


async def test_an_owner_and_who_has_another_account_use_their_password_all_the_same(
    world: World, doors: Doors, browser: Browser
) -> None:
    domain = a_domain()
    await doors.register(f"owner@{domain}")
    owner = await doors.enter(f"owner@{domain}")
    async with providing() as provider:
        await university(world, owner, provider, domain)
    await doors.client.put(f"{AUTH}/sign-on-policy", json={"required": True}, headers=owner.headers)
    page = await browser.log_in(owner.email, PASSWORD, f"{LOG_IN}?next=%2Fcourses")
    [anyway] = re.findall(r'href="([^"]+by=password[^"]*)"', page.text)

    wrong = await browser.log_in(owner.email, "a wrong password", unescape(anyway))
    [again] = re.findall(r'action="([^"]+by=password[^"]*)"', wrong.text)
    answer = await browser.post(unescape(again), hidden(wrong) | {"email": owner.email, "password": PASSWORD})

    assert wrong.status_code == 422
    assert 'content="0; url=/courses"' in answer.text
    assert (await world.who(browser))["organization_id"] == owner.organization_id


async def test_a_program_learns_of_the_demand_too(world: World, doors: Doors) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    async with providing() as provider:
        await university(world, admin, provider, domain)
    await doors.client.put(f"{AUTH}/sign-on-policy", json={"required": True}, headers=admin.headers)

    answer = await doors.client.get(f"{AUTH}/sign-on", params={"domain": domain})

    assert [way["required"] for way in answer.json()["items"]] == [True]
