"""The page where somebody who is logged in proves again who they are, before something dangerous (RFC 9470)."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from stoa_auth.database import LoginSession
from stoa_auth.factors import codes
from stoa_auth.factors import service as factors
from stoa_auth.passkeys.service import RelyingParty
from stoa_common import browser_cookies, clock
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.testing.identities import Identities

from .browser import ORIGIN, PAGES, Browser, hidden
from .conftest import PASSWORD, Doors, Someone
from .enrolling import Browser as KeyHolder
from .enrolling import Hands, enroll
from .security_key import SecurityKey
from .sign_on_world import World, a_sub, providing

SESSION = browser_cookies.SESSION_COOKIE
STEP_UP = f"{PAGES}/step-up"
DANGEROUS = "/api/v1/auth/passkeys/registration"


@pytest.fixture(autouse=True)
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(codes, "clock", hands)
    monkeypatch.setattr(factors, "clock", hands)
    return hands


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


@pytest.fixture
async def ada(doors: Doors) -> Someone:
    return await doors.newcomer()


@pytest.fixture
async def browser(world: World, ada: Someone, database: Database) -> Browser:
    """Ada's, where she logged in an hour ago."""
    browser = world.browser()
    await browser.log_in(ada.email, PASSWORD)
    await an_hour_passes(database, ada.person_id)
    return browser


async def an_hour_passes(database: Database, person_id: str) -> None:
    async with database.transaction() as session:
        theirs = LoginSession.person_id == UUID(person_id)
        await session.execute(
            update(LoginSession).where(theirs).values(authenticated_at=clock.now() - timedelta(hours=1))
        )


async def danger(browser: Browser) -> int:
    """What the gateway's token for this browser's cookie gets for something dangerous."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:stoa:token-type:session-cookie",
        "subject_token": browser.cookies[SESSION],
    }
    traded = await browser.client.post("/api/v1/auth/token", data=form)
    assert traded.status_code == 200, traded.text
    headers = {"Authorization": f"Bearer {traded.json()['access_token']}"}
    return (await browser.client.post(DANGEROUS, headers=headers)).status_code


def told(page: httpx2.Response) -> str:
    found = re.search(r'role="alert" id="problem">([^<]+)<', page.text)
    return found[1] if found else ""


async def test_a_password_opens_the_dangerous_again_and_leads_back(browser: Browser) -> None:
    before = await danger(browser)

    answer = await browser.submit(f"{STEP_UP}?next=%2Fkeys%3Fa%3D1", password=PASSWORD)

    assert (before, await danger(browser)) == (401, 200)
    assert 'content="0; url=/keys?a=1"' in answer.text
    assert "Thank you" in answer.text


async def test_a_proof_gives_the_browser_another_cookie_and_the_old_one_opens_nothing(
    browser: Browser, client: httpx2.AsyncClient
) -> None:
    copied = Browser(client, dict(browser.cookies))
    mine = (await browser.get("/api/v1/auth/browser-session")).json()

    answer = await browser.submit(STEP_UP, password=PASSWORD)

    now = (await browser.get("/api/v1/auth/browser-session")).json()
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGES}/account")
    assert browser.cookies[SESSION] != copied.cookies[SESSION]
    assert (await copied.get("/api/v1/auth/browser-session")).status_code == 401
    assert (now["person_id"], now["expires_at"]) == (mine["person_id"], mine["expires_at"])
    assert now["authenticated_at"] > mine["authenticated_at"]


async def test_a_wrong_password_changes_nothing(browser: Browser) -> None:
    held = browser.cookies[SESSION]

    wrong = await browser.submit(STEP_UP, password="a wrong password")
    empty = await browser.submit(STEP_UP, password="")

    assert [page.status_code for page in (wrong, empty)] == [422, 422]
    assert "not right" in told(wrong)
    assert browser.cookies[SESSION] == held
    assert await danger(browser) == 401


async def test_guesses_have_to_wait_as_they_do_at_the_log_in(browser: Browser) -> None:
    page = await browser.get(STEP_UP)
    answers = [await browser.post(STEP_UP, hidden(page) | {"password": f"guess {n}"}) for n in range(12)]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "Too many attempts" in told(answers[-1])


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_a_proof_leads_to_no_other_site(browser: Browser, wanted: str) -> None:
    answer = await browser.submit(f"{STEP_UP}?next={wanted}", password=PASSWORD)

    assert answer.headers["location"] == f"{PAGES}/account"


async def test_who_is_not_logged_in_logs_in_and_goes_on(world: World) -> None:
    answer = await world.browser().get(f"{STEP_UP}?next=%2Fkeys")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGES}/log-in?next=%2Fkeys")


async def test_another_sites_form_proves_nothing(browser: Browser) -> None:
    page = await browser.get(STEP_UP)

    foreign = await browser.post(STEP_UP, hidden(page) | {"password": PASSWORD}, origin="https://evil.example")
    without = await browser.post(STEP_UP, {"password": PASSWORD})

    assert (foreign.status_code, without.status_code) == (403, 403)
    assert await danger(browser) == 401


async def test_who_has_a_second_factor_proves_it_by_that_and_never_by_the_password(
    doors: Doors, browser: Browser, ada: Someone, hands: Hands, database: Database
) -> None:
    phone = await enroll(doors, await doors.enter(ada.email), hands)
    await an_hour_passes(database, ada.person_id)

    page = await browser.get(STEP_UP)
    guessed = await browser.post(STEP_UP, hidden(page) | {"password": PASSWORD})
    wrong = await browser.post(STEP_UP, hidden(page) | {"code": "000000"})
    mistyped = await browser.post(STEP_UP, hidden(page) | {"code": "12"})
    right = await browser.post(STEP_UP, hidden(page) | {"code": f" {phone.next_code()} "})

    assert 'name="password"' not in page.text
    assert [each.status_code for each in (guessed, wrong, mistyped, right)] == [403, 422, 422, 303]
    assert "instead of the password" in told(guessed)
    assert await danger(browser) == 200


async def test_a_recovery_code_is_a_proof(
    doors: Doors, browser: Browser, ada: Someone, hands: Hands, database: Database
) -> None:
    phone = await enroll(doors, await doors.enter(ada.email), hands)
    await an_hour_passes(database, ada.person_id)

    answer = await browser.submit(STEP_UP, code=phone.recovery_codes[0].lower())

    assert answer.status_code == 303
    assert await danger(browser) == 200


async def test_a_passkey_is_a_proof(
    doors: Doors, browser: Browser, ada: Someone, resources: Resources, database: Database
) -> None:
    holder = KeyHolder(doors, resources.get(RelyingParty), SecurityKey())
    await holder.register(await doors.enter(ada.email))
    await an_hour_passes(database, ada.person_id)
    page, held = await browser.get(STEP_UP), browser.cookies[SESSION]
    csrf = hidden(page)["csrf"]

    wanted = await browser.send(f"{STEP_UP}/passkey/options", {}, x_csrf_token=csrf)
    credential = holder.key.get(wanted.json()["publicKey"], origin=holder.origin)
    sent = {"credential": credential, "next": "/keys"}
    foreign = await browser.send(f"{STEP_UP}/passkey", sent, x_csrf_token=csrf, origin="https://evil.example")
    answer = await browser.send(f"{STEP_UP}/passkey", sent, x_csrf_token=csrf)

    assert 'data-path="/step-up/passkey"' in page.text
    assert foreign.status_code == 403
    assert (answer.status_code, answer.json()) == (200, {"next": "/keys"})
    assert answer.headers["cache-control"] == "no-store"
    assert browser.cookies[SESSION] != held
    assert await danger(browser) == 200


async def test_a_script_of_nobody_is_told_that_nobody_is_logged_in(world: World) -> None:
    browser = world.browser()
    csrf = hidden(await browser.get(f"{PAGES}/log-in"))["csrf"]

    answer = await browser.send(f"{STEP_UP}/passkey/options", {}, x_csrf_token=csrf, origin=ORIGIN)

    assert answer.status_code == 401
    assert answer.json()["type"].endswith("browser-session-is-over")


async def test_who_logged_in_by_a_provider_proves_it_there(world: World, doors: Doors, database: Database) -> None:
    admin, sub, browser = await doors.newcomer(), a_sub(), world.browser()
    async with providing() as provider:
        connection = await world.connect(admin, provider, name="Example University")
        told = {"sub": sub, "email": f"{sub}@example.org"}
        await world.sign_on(connection, provider, browser=browser, **told)
        signed_on = await world.who(browser)
        await an_hour_passes(database, signed_on["person_id"])
        page = await browser.get(f"{STEP_UP}?next=%2Fkeys")
        tried = await browser.post(f"{STEP_UP}?next=%2Fkeys", a_token(browser) | {"password": PASSWORD})
        [link] = re.findall(r'<a class="button" href="([^"]+)"', page.text)
        parts = urlsplit(unescape(link))
        sent = await browser.get(f"{parts.path}?{parts.query}")
        back = await browser.get(provider.vouch(sent.headers["location"], **told))

    assert "Go on to Example University" in page.text
    assert (tried.status_code, 'name="password"' in tried.text) == (200, False)
    assert parse_qs(urlsplit(sent.headers["location"]).query)["prompt"] == ["login"]
    assert back.headers["location"] == "/keys"
    assert (await world.who(browser))["authenticated_at"] > signed_on["authenticated_at"]


def a_token(browser: Browser) -> dict[str, str]:
    """Of this browser's, for a page that has no form."""
    return {"csrf": browser_cookies.csrf_token(browser.cookies[SESSION])}
