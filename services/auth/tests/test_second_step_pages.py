"""The second step of a log-in on the pages: by an app's code, a recovery code, or a passkey."""

import re

import httpx2
import pytest

from stoa_auth.factors import codes
from stoa_auth.factors import service as factors
from stoa_auth.passkeys.service import RelyingParty
from stoa_common import browser_cookies
from stoa_common.resources import Resources

from .browser import ORIGIN, PAGES, Browser, hidden
from .conftest import PASSWORD, Doors, Someone
from .enrolling import App, Hands, enroll
from .enrolling import Browser as KeyHolder
from .security_key import SecurityKey

SESSION = browser_cookies.SESSION_COOKIE
LOG_IN = f"{PAGES}/log-in"


@pytest.fixture(autouse=True)
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(codes, "clock", hands)
    monkeypatch.setattr(factors, "clock", hands)
    return hands


@pytest.fixture
def browser(client: httpx2.AsyncClient) -> Browser:
    return Browser(client)


@pytest.fixture
async def ada(doors: Doors) -> Someone:
    return await doors.newcomer()


@pytest.fixture
async def phone(doors: Doors, ada: Someone, hands: Hands) -> App:
    return await enroll(doors, ada, hands)


def action(page: httpx2.Response) -> str:
    found = re.search(r'<form method="post" action="([^"]+)">', page.text)
    assert found is not None, page.text
    return found[1].replace("&amp;", "&")


async def test_a_right_password_is_asked_for_a_code_and_the_code_logs_in(
    browser: Browser, ada: Someone, phone: App
) -> None:
    asked = await browser.log_in(ada.email, PASSWORD, f"{LOG_IN}?next=%2Fcourses")
    before = SESSION in browser.cookies

    answer = await browser.post(action(asked), hidden(asked) | {"code": phone.next_code()})

    assert (asked.status_code, before) == (200, False)
    assert 'autocomplete="one-time-code"' in asked.text
    assert 'content="0; url=/courses"' in answer.text
    shown = (await browser.get("/api/v1/auth/browser-session")).json()
    assert shown["methods"] == ["pwd", "otp", "mfa"]


async def test_a_wrong_code_may_be_typed_again(browser: Browser, ada: Someone, phone: App) -> None:
    asked = await browser.log_in(ada.email, PASSWORD)

    wrong = await browser.post(action(asked), hidden(asked) | {"code": "000000"})
    right = await browser.post(action(wrong), hidden(wrong) | {"code": phone.next_code()})

    assert wrong.status_code == 422
    assert 'role="alert"' in wrong.text
    assert right.status_code == 303


async def test_a_recovery_code_logs_in(browser: Browser, ada: Someone, phone: App) -> None:
    asked = await browser.log_in(ada.email, PASSWORD)

    answer = await browser.post(action(asked), hidden(asked) | {"code": phone.recovery_codes[0]})

    assert answer.status_code == 303
    assert SESSION in browser.cookies


async def test_a_log_in_that_nobody_began_begins_anew(browser: Browser, ada: Someone, phone: App) -> None:
    asked = await browser.log_in(ada.email, PASSWORD)

    answer = await browser.post(action(asked), hidden(asked) | {"challenge": "made up", "code": phone.next_code()})

    assert answer.status_code == 422
    assert 'name="password"' in answer.text
    assert SESSION not in browser.cookies


async def test_somebody_who_reloads_the_second_step_logs_in_anew(browser: Browser) -> None:
    answer = await browser.get(f"{PAGES}/second-factor?next=%2Fcourses")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{LOG_IN}?next=%2Fcourses")


@pytest.fixture
async def key(doors: Doors, ada: Someone, resources: Resources) -> SecurityKey:
    holder = KeyHolder(doors, resources.get(RelyingParty), SecurityKey())
    await holder.register(ada)
    return holder.key


async def options(browser: Browser, page: httpx2.Response, challenge: str | None = None) -> httpx2.Response:
    sent = {"challenge": challenge}
    return await browser.send(f"{PAGES}/passkey/options", sent, x_csrf_token=hidden(page)["csrf"])


async def test_a_passkey_alone_logs_a_browser_in(browser: Browser, key: SecurityKey, resources: Resources) -> None:
    page = await browser.get(LOG_IN)
    wanted = (await options(browser, page)).json()["publicKey"]
    credential = key.get(wanted, origin=resources.get(RelyingParty).origins[0])

    sent = {"credential": credential, "next": "//evil.example"}
    answer = await browser.send(f"{PAGES}/passkey", sent, x_csrf_token=hidden(page)["csrf"])

    assert (answer.status_code, answer.json()) == (200, {"next": f"{PAGES}/account"})
    assert answer.headers["cache-control"] == "no-store"
    assert (await browser.get(f"{PAGES}/account")).status_code == 200


async def test_a_passkey_is_a_second_step(
    browser: Browser, ada: Someone, key: SecurityKey, resources: Resources
) -> None:
    asked = await browser.log_in(ada.email, PASSWORD)
    challenge = hidden(asked)["challenge"]
    wanted = (await options(browser, asked, challenge)).json()["publicKey"]
    credential = key.get(wanted, origin=resources.get(RelyingParty).origins[0])

    sent = {"credential": credential, "challenge": challenge, "next": "/courses"}
    answer = await browser.send(f"{PAGES}/passkey", sent, x_csrf_token=hidden(asked)["csrf"])

    assert (answer.status_code, answer.json()) == (200, {"next": "/courses"})
    assert SESSION in browser.cookies


@pytest.mark.parametrize("said", [{"origin": "https://evil.example"}, {"x_csrf_token": "A" * 22 + "." + "0" * 64}])
async def test_a_script_of_another_site_asks_in_vain(browser: Browser, said: dict[str, str]) -> None:
    page = await browser.get(LOG_IN)
    headers = {"x_csrf_token": hidden(page)["csrf"], "origin": ORIGIN} | said

    answer = await browser.send(f"{PAGES}/passkey/options", {}, **headers)

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
