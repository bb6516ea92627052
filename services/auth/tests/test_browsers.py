"""A browser's cookie at auth: what it opens, until when, and the token that the gateway gets for it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import update

from stoa_auth.database import BrowserCookie, LoginSession, Membership, Person
from stoa_auth.keys.service import KeyRing
from stoa_common import browser_cookies, clock
from stoa_common.database import Database
from stoa_common.resources import Resources

from .browser import PAGES, Browser
from .conftest import PASSWORD, Doors, Someone

SESSION = browser_cookies.SESSION_COOKIE
SHOWN = "/api/v1/auth/browser-session"


@pytest.fixture
async def ada(doors: Doors) -> Someone:
    return await doors.newcomer()


@pytest.fixture
async def browser(client: httpx2.AsyncClient, ada: Someone) -> Browser:
    """Ada's, logged in."""
    browser = Browser(client)
    await browser.log_in(ada.email, PASSWORD)
    assert SESSION in browser.cookies
    return browser


async def exchange(browser: Browser) -> httpx2.Response:
    """What the gateway asks."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:stoa:token-type:session-cookie",
        "subject_token": browser.cookies[SESSION],
    }
    return await browser.client.post("/api/v1/auth/token", data=form)


async def claims(answer: httpx2.Response, keys: KeyRing) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    known = KeySet.import_key_set({"keys": await keys.public_keys()})
    return dict(jwt.decode(answer.json()["access_token"], known, algorithms=["EdDSA"]).claims)


async def change_session(database: Database, someone: Someone, **values: Any) -> None:
    async with database.transaction() as session:
        mine = LoginSession.person_id == UUID(someone.person_id)
        await session.execute(update(LoginSession).where(mine).values(**values))


async def test_the_cookie_is_traded_for_a_token_of_a_minute(
    browser: Browser, ada: Someone, resources: Resources
) -> None:
    answer = await exchange(browser)

    told = await claims(answer, resources.get(KeyRing))
    assert answer.json()["expires_in"] == 60
    assert told["exp"] - int(told["iat"]) == 60
    assert (told["sub"], told["org"], told["amr"]) == (ada.person_id, ada.organization_id, ["pwd"])
    assert "client_id" not in told
    mine = await browser.client.get(
        "/api/v1/auth/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
    )
    assert mine.json()["email"] == ada.email


async def test_the_token_is_of_the_session_that_the_person_sees(browser: Browser, resources: Resources) -> None:
    answer = await exchange(browser)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    listed = (await browser.client.get("/api/v1/auth/sessions", headers=headers)).json()["items"]

    told = await claims(answer, resources.get(KeyRing))
    assert [each["id"] for each in listed if each["current"]] == [told["sid"]]


async def test_a_front_end_learns_who_is_logged_in_and_the_token_of_writes(browser: Browser, ada: Someone) -> None:
    answer = await browser.get(SHOWN)

    shown = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (shown["person_id"], shown["organization_id"], shown["methods"]) == (
        ada.person_id,
        ada.organization_id,
        ["pwd"],
    )
    assert browser_cookies.is_csrf_token(shown["csrf_token"], browser.cookies[SESSION])
    assert browser.cookies[SESSION] not in answer.text


@pytest.mark.parametrize("text", ["", "A" * 43, "nonsense", "A" * 5000])
async def test_a_cookie_that_nobody_gave_opens_nothing(client: httpx2.AsyncClient, text: str) -> None:
    stranger = Browser(client, {SESSION: text})

    assert (await stranger.get(SHOWN)).status_code == 401
    assert (await stranger.get(f"{PAGES}/account")).status_code == 303


async def test_a_cookie_that_comes_twice_is_not_believed(browser: Browser) -> None:
    twice = f"{SESSION}={browser.cookies[SESSION]}; {SESSION}={'A' * 43}"

    assert (await browser.client.get(SHOWN, headers={"cookie": twice})).status_code == 401


async def opens(browser: Browser) -> bool:
    """Whether the cookie opens anything; page and exchange agree."""
    page, token = await browser.get(SHOWN), await exchange(browser)
    assert page.status_code == token.status_code, (page.text, token.text)
    assert page.status_code in {200, 401}
    return page.status_code == 200


async def test_an_unused_browser_has_to_log_in_again(browser: Browser, ada: Someone, database: Database) -> None:
    await change_session(database, ada, last_used_at=clock.now() - timedelta(hours=23))
    before = await opens(browser)
    await change_session(database, ada, last_used_at=clock.now() - timedelta(hours=25))

    assert (before, await opens(browser)) == (True, False)


async def test_using_it_keeps_it_open(browser: Browser, ada: Someone, database: Database) -> None:
    await change_session(database, ada, last_used_at=clock.now() - timedelta(hours=23))

    await exchange(browser)

    async with database.transaction() as session:
        family = await session.get_one(LoginSession, await session_of(browser, database))
    assert family.last_used_at is not None
    assert clock.now() - family.last_used_at < timedelta(minutes=5)


async def session_of(browser: Browser, database: Database) -> UUID:
    async with database.transaction() as session:
        cookie = await session.get_one(BrowserCookie, browser_cookies.digest(browser.cookies[SESSION]))
        return cookie.session_id


async def test_after_its_longest_time_it_is_over_however_much_it_was_used(browser: Browser, database: Database) -> None:
    async with database.transaction() as session:
        mine = BrowserCookie.token_hash == browser_cookies.digest(browser.cookies[SESSION])
        await session.execute(update(BrowserCookie).where(mine).values(expires_at=clock.now()))

    assert not await opens(browser)


async def test_a_session_that_was_ended_elsewhere_is_over(browser: Browser, ada: Someone, doors: Doors) -> None:
    await doors.client.delete("/api/v1/auth/sessions", headers=ada.headers)

    assert not await opens(browser)


async def test_a_suspended_persons_cookie_opens_nothing(browser: Browser, ada: Someone, database: Database) -> None:
    async with database.transaction() as session:
        person = await session.get_one(Person, UUID(ada.person_id))
        person.suspended_at = clock.now()

    assert not await opens(browser)


async def test_who_left_the_organization_gets_no_token_for_it(
    browser: Browser, ada: Someone, database: Database
) -> None:
    async with database.transaction() as session:
        mine = Membership.person_id == UUID(ada.person_id)
        await session.execute(update(Membership).where(mine).values(suspended_at=clock.now()))

    assert (await exchange(browser)).status_code == 401


async def test_an_erased_persons_cookie_opens_nothing(browser: Browser, ada: Someone, doors: Doors) -> None:
    answer = await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    assert answer.status_code == 204
    assert not await opens(browser)


async def test_the_text_of_an_api_key_is_no_cookie_and_the_other_way_round(
    browser: Browser, ada: Someone, doors: Doors
) -> None:
    key = await doors.make_key(ada)

    assert (await doors.exchange(browser.cookies[SESSION])).status_code == 401
    browser.cookies[SESSION] = key["key"]
    assert (await exchange(browser)).status_code == 401
