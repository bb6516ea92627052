"""The page that an invitation by mail leads to."""

import httpx2
import pytest

from stoa_common import browser_cookies

from .browser import PAGES, Browser
from .conftest import PASSWORD, Doors, Someone, an_address
from .postbox import Postbox

INVITATION = f"{PAGES}/invitation"
NEW_PASSWORD = "another horse, another battery"


@pytest.fixture
def browser(client: httpx2.AsyncClient) -> Browser:
    return Browser(client)


@pytest.fixture
async def owner(doors: Doors) -> Someone:
    return await doors.newcomer()


async def members(doors: Doors, owner: Someone) -> set[str]:
    """The ids of who belongs to the owner's organization."""
    path = f"/api/v1/auth/organizations/{owner.organization_id}/members"
    answer = await doors.client.get(path, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return {each["person_id"] for each in answer.json()["items"]}


async def mailed(doors: Doors, postbox: Postbox, owner: Someone, email: str) -> str:
    path = f"/api/v1/auth/organizations/{owner.organization_id}/invitations"
    answer = await doors.client.post(path, json={"roles": ["learner"], "email": email}, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    return await postbox.code(email, "invitation")


async def test_a_newcomer_registers_by_the_link_of_the_mail(
    doors: Doors, browser: Browser, postbox: Postbox, owner: Someone
) -> None:
    email = an_address()
    code = await mailed(doors, postbox, owner, email)

    answer = await browser.submit(INVITATION, code=code, name="Ada", email=email, password=NEW_PASSWORD)

    assert answer.status_code == 200
    assert (await browser.log_in(email, NEW_PASSWORD)).status_code == 303
    joined = (await browser.get("/api/v1/auth/browser-session")).json()
    assert joined["organization_id"] == owner.organization_id
    assert joined["person_id"] in await members(doors, owner)


async def test_who_has_an_account_joins_when_logged_in(doors: Doors, browser: Browser, owner: Someone) -> None:
    ada = await doors.newcomer()
    code = await doors.invite(owner, "learner")
    await browser.log_in(ada.email, PASSWORD)

    page = await browser.get(INVITATION)
    answer = await browser.submit(INVITATION, code=code)

    assert ada.email in page.text
    assert 'name="password"' not in page.text
    assert answer.status_code == 200
    assert ada.person_id in await members(doors, owner)


async def test_nobody_learns_whether_an_invited_address_has_an_account(
    doors: Doors, browser: Browser, owner: Someone
) -> None:
    ada = await doors.newcomer()
    codes = [await doors.invite(owner, "learner") for _ in range(2)]

    known = await browser.submit(INVITATION, code=codes[0], email=ada.email, password=NEW_PASSWORD)
    unknown = await browser.submit(INVITATION, code=codes[1], email=an_address(), password=NEW_PASSWORD)

    assert (known.status_code, known.text) == (200, unknown.text)
    assert ada.person_id not in await members(doors, owner)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"code": "a wrong one"}, "be used"),
        ({"password": "short"}, "10 to 128"),
        ({"password": "password12"}, "guessed"),
        ({"email": "nobody"}, "ada@example.org"),
        ({"code": ""}, "all fields"),
    ],
)
async def test_what_is_wrong_is_told(
    doors: Doors, browser: Browser, owner: Someone, fields: dict[str, str], told: str
) -> None:
    sound = {"code": await doors.invite(owner, "learner"), "email": an_address(), "password": NEW_PASSWORD}

    answer = await browser.submit(INVITATION, **sound | fields)

    assert answer.status_code == 422
    assert told in answer.text
    assert NEW_PASSWORD not in answer.text


async def test_a_form_of_another_site_joins_nothing(doors: Doors, browser: Browser, owner: Someone) -> None:
    ada = await doors.newcomer()
    await browser.log_in(ada.email, PASSWORD)
    page = await browser.get(INVITATION)
    csrf = browser_cookies.csrf_token(browser.cookies[browser_cookies.SESSION_COOKIE])
    sent = {"code": await doors.invite(owner, "learner"), "csrf": csrf}

    answer = await browser.post(INVITATION, sent, origin="https://evil.example")

    assert (page.status_code, answer.status_code) == (200, 403)
    assert ada.person_id not in await members(doors, owner)
