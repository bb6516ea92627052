"""The pages in a real browser, by the keyboard alone: in both languages, light and dark, narrow, without scripts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

import pytest
import pytest_asyncio
from fastapi import Form, Request
from playwright.async_api import Browser
from starlette.responses import RedirectResponse, Response

from stoa_auth.browsers import service as browsers
from stoa_auth.browsers.routing import PageRouter
from stoa_auth.rendering import texts
from stoa_common.browser_cookies import SESSION_COOKIE
from stoa_common.database import Database
from stoa_common.http import public
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.service import Service
from stoa_common.testing.identities import Identities

from .browser import PAGES
from .chromium import Person, launched, left, needs_chromium
from .conftest import PASSWORD, Doors, Someone
from .enrolling import Hands, enroll
from .pages_walk import EVERYWHERE, at_desk, give_passkey, opened
from .postbox import Postbox

pytestmark = [needs_chromium, pytest.mark.slow]
NEW_PASSWORD = "another horse, another battery"
SCOPES = ["openid", "email", "course:read", "answer:create", "offline_access"]

consents = PageRouter(prefix="/api/v1/auth/walk", tags=["walk"])


def client_at(port: int | None) -> str:
    """Another site, as far as browsers know; what answers there is no matter."""
    return f"http://client.test:{port}"


@consents.get("/consent", **public(takes_cookie=True))
async def ask(request: Request) -> Response:
    """As a client's authorization ends."""
    return browsers.show_form(
        request,
        "consent.html",
        title="consent.title",
        client_name="Shelf & Sons",
        scopes=SCOPES,
        account="Ada Lovelace",
        leads_to=[client_at(request.url.port)],
        leads_to_host="client.test",
        action="/api/v1/auth/walk/consent",
        fields={"request": "x"},
    )


@consents.post("/consent", **public(takes_cookie=True))
async def decide(request: Request, decision: Annotated[str, Form()]) -> Response:
    """What was said goes to the client, which is another site."""
    return RedirectResponse(f"{client_at(request.url.port)}/back?decision={decision}", 303)


@consents.get("/start", **public(takes_cookie=True))
async def start(request: Request) -> Response:
    """Where a client sends people who then have nothing to say."""
    return RedirectResponse(f"{client_at(request.url.port)}/back?decision=known", 303)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def port(
    service: Service, resources: Resources, identities: Identities, database: Database
) -> AsyncIterator[int]:
    async with opened(service, resources, identities, database, [consents]) as port:
        yield port


@pytest.fixture(autouse=True)
async def nobody_stays(chromium: Browser) -> AsyncIterator[None]:
    yield
    await left(chromium)


@pytest.fixture
async def ada(doors: Doors) -> Someone:
    return await doors.newcomer(name="Ada Lovelace")


@pytest.mark.parametrize(("language", "scheme"), EVERYWHERE)
async def test_everything_is_done_by_the_keyboard(
    chromium: Browser,
    port: int,
    ada: Someone,
    doors: Doors,
    postbox: Postbox,
    language: str,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = await at_desk(chromium, port, language=language, scheme=scheme)

    def words(key: str) -> str:
        return texts.say(language, key)

    # A forgotten password.
    await person.open(f"{PAGES}/log-in")
    await person.look("log-in")
    await person.type(words("log-in.email"), ada.email)
    await person.type(words("log-in.password"), "a wrong password")
    await person.press(words("log-in.button"))
    await person.look("log-in-problem")
    await person.press(words("log-in.forgot"))
    await person.look("forgot-password")
    await person.type(words("log-in.email"), ada.email)
    await person.press(words("forgot-password.button"))
    await person.look("forgot-password-done")
    code = await postbox.code(ada.email, "reset-password")
    await person.open(f"{PAGES}/reset-password#token={code}")
    await person.look("reset-password")
    assert code not in person.page.url
    await person.type(words("reset-password.password"), "password12")
    await person.press(words("reset-password.button"))
    await person.look("reset-password-problem")
    await person.type(words("reset-password.password"), NEW_PASSWORD)
    await person.press(words("reset-password.button"))
    await person.look("reset-password-done")

    # The address, which the mail has shown by now.
    await person.open(f"{PAGES}/verify-email#token={code}")
    await person.look("verify-email")
    await person.press(words("verify-email.button"))
    await person.look("verify-email-problem")

    # An invitation, to who is not logged in.
    await person.open(f"{PAGES}/invitation#token=a-wrong-one")
    await person.look("invitation")
    await person.type(words("invitation.name"), "Ada")
    await person.type(words("log-in.email"), ada.email)
    await person.type(words("invitation.password"), NEW_PASSWORD)
    await person.press(words("invitation.register"))
    await person.look("invitation-problem")

    # In, and out again.
    await person.open(f"{PAGES}/log-in")
    await person.type(words("log-in.email"), ada.email)
    await person.type(words("log-in.password"), NEW_PASSWORD)
    await person.press(words("log-in.button"))
    await person.look("account")
    await person.open(f"{PAGES}/invitation#token=a-wrong-one")
    await person.look("invitation-joining")
    await person.open(f"{PAGES}/log-out")
    await person.look("log-out")
    await person.press(words("log-out.button"))
    await person.look("log-out-done")
    assert await person.cookie(SESSION_COOKIE) is None

    # A second step.
    hands = Hands()
    monkeypatch.setattr("stoa_auth.factors.codes.clock", hands)
    monkeypatch.setattr("stoa_auth.factors.service.clock", hands)
    answer = await doors.client.post("/api/v1/auth/login", json={"email": ada.email, "password": NEW_PASSWORD})
    app = await enroll(doors, replace(ada, access_token=answer.json()["access_token"]), hands)
    await person.open(f"{PAGES}/log-in?next=/api/v1/auth/walk/consent")
    await person.type(words("log-in.email"), ada.email)
    await person.type(words("log-in.password"), NEW_PASSWORD)
    await person.press(words("log-in.button"))
    await person.look("second-factor")
    await person.type(words("second-factor.code"), "000000")
    await person.press(words("second-factor.button"))
    await person.look("second-factor-problem")
    await person.type(words("second-factor.code"), app.next_code())
    await person.press(words("second-factor.button"))
    await person.page.wait_for_url("**/walk/consent")
    await person.look("consent")

    # What can't be done is told.
    await person.page.context.clear_cookies()
    await person.press(words("consent.allow"))
    await person.look("error")


async def test_a_language_is_chosen_by_the_keyboard(chromium: Browser, port: int) -> None:
    person = await at_desk(chromium, port)
    await person.open(f"{PAGES}/log-in?next=%2Fcourses")

    await person.press("Русский")
    person.language = "ru"
    await person.look("log-in-chosen")

    assert person.page.url.endswith("?next=%2Fcourses&lang=ru")
    await person.open(f"{PAGES}/forgot-password")
    await person.arrive(texts.say("ru", "forgot-password.title"))


async def test_pages_fit_a_narrow_screen_and_great_letters(chromium: Browser, port: int) -> None:
    person = await at_desk(chromium, port, language="ru", viewport={"width": 320, "height": 560})

    for page in ("log-in", "reset-password", "forgot-password"):
        await person.open(f"{PAGES}/{page}")
        await person.look(f"narrow-{page}")


async def test_without_scripts_everything_but_passkeys_works(
    chromium: Browser, port: int, ada: Someone, postbox: Postbox
) -> None:
    person = await at_desk(chromium, port, java_script_enabled=False)
    code = await postbox.code(ada.email, "verify-email")
    page = person.page

    await person.open(f"{PAGES}/verify-email")
    await page.get_by_label("Code from the mail").fill(code)
    await page.get_by_role("button").click()
    await person.arrive("Your address is confirmed")
    await person.open(f"{PAGES}/log-in")
    has_passkey = await page.get_by_role("button", name="Log in with a passkey").is_visible()
    await page.get_by_label("E-mail address").fill(ada.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in", exact=True).click()

    await person.arrive("You are logged in")
    assert not has_passkey


async def test_a_passkey_logs_in(chromium: Browser, port: int, ada: Someone, doors: Doors) -> None:
    person = await at_desk(chromium, port)
    await give_passkey(person, doors, ada)

    await person.press("Log in with a passkey")

    await person.arrive("You are logged in")
    await person.look("passkey")


async def test_a_passkey_that_does_not_work_is_told(chromium: Browser, port: int) -> None:
    person = await at_desk(chromium, port)
    await person.open(f"{PAGES}/log-in")
    await person.page.route(f"**{PAGES}/passkey/options", lambda route: route.fulfill(status=401, body="{}"))

    await person.go_to("Log in with a passkey")
    await person.page.keyboard.press("Enter")

    await person.page.get_by_role("alert").wait_for()
    await person.look("passkey-problem")


async def logged_in(person: Person, someone: Someone, path: str = f"{PAGES}/log-in") -> None:
    await person.open(path)
    await person.type("E-mail address", someone.email)
    await person.type("Password", PASSWORD)
    await person.press("Log in")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_chromium_keeps_the_cookie_on_this_machine(chromium: Browser, port: int, ada: Someone, host: str) -> None:
    person = await at_desk(chromium, port)
    person.address = f"http://{host}:{port}"

    await logged_in(person, ada)

    [kept] = [each for each in await person.page.context.cookies() if each.get("name") == SESSION_COOKIE]
    assert (kept.get("httpOnly"), kept.get("secure"), kept.get("sameSite")) == (True, True, "Lax")
    assert await person.page.evaluate("document.cookie") == ""
    await person.arrive("You are logged in")


async def test_over_plain_http_elsewhere_nobody_logs_in_and_the_page_says_why(
    chromium: Browser, port: int, ada: Someone
) -> None:
    person = await at_desk(chromium, port)
    person.address = f"http://stoa.test:{port}"

    await logged_in(person, ada)

    assert await person.page.context.cookies() == []
    assert "keeps no cookies" in await person.page.inner_text("main")


async def test_another_sites_form_ends_no_session(chromium: Browser, port: int, ada: Someone) -> None:
    person = await at_desk(chromium, port)
    await logged_in(person, ada)
    form = f'<form method="post" action="{person.address}{PAGES}/log-out"></form>'
    page = f"<!doctype html>{form}<script>document.forms[0].submit()</script>"
    await person.page.route(
        "http://evil.test/*", lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8")
    )

    await person.page.goto("http://evil.test/")
    await person.page.wait_for_url(f"**{PAGES}/log-out")

    assert "another site" in await person.page.inner_text("main")
    await person.open(f"{PAGES}/account")
    await person.arrive("You are logged in")


async def test_no_other_site_shows_a_page_in_a_frame(chromium: Browser, port: int) -> None:
    person = await at_desk(chromium, port)
    frame = f'<!doctype html><iframe src="{person.address}{PAGES}/log-in"></iframe>'
    await person.page.route("http://evil.test/*", lambda route: route.fulfill(body=frame, content_type="text/html"))

    await person.page.goto("http://evil.test/")

    [_, inside] = person.page.frames
    assert "Log in" not in await inside.content()


@pytest.mark.parametrize(("button", "decision"), [("Allow", "allow"), ("Don't allow", "deny")])
async def test_a_consent_leads_to_its_client(chromium: Browser, port: int, button: str, decision: str) -> None:
    person = await at_desk(chromium, port)
    await person.open("/api/v1/auth/walk/consent")

    await person.press(button)

    assert person.page.url == f"{client_at(port)}/back?decision={decision}"
    assert not person.complaints


async def test_a_log_in_for_a_client_leads_to_it(chromium: Browser, port: int, ada: Someone) -> None:
    person = await at_desk(chromium, port)

    await logged_in(person, ada, f"{PAGES}/log-in?next=/api/v1/auth/walk/start%3Fid%3D{new_id()}")
    await person.page.wait_for_url(f"{client_at(port)}/*")

    assert person.page.url == f"{client_at(port)}/back?decision=known"
    assert not person.complaints
