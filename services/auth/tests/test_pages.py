"""The pages where people log in and out, and those that mails lead to."""

import re
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import func, select

from stoa_auth.database import BrowserCookie, Person
from stoa_common.database import Database

from .browser import ORIGIN, PAGES, Browser, hidden, set_cookies
from .conftest import PASSWORD, Doors, Someone, an_address
from .postbox import Postbox

SESSION = "__Host-stoa-session"
VISIT = "__Host-stoa-visit"
NEW_PASSWORD = "another horse, another battery"


@pytest.fixture
def browser(client: httpx2.AsyncClient) -> Browser:
    return Browser(client)


def told(page: httpx2.Response) -> str:
    """The problem that stands above the form."""
    found = re.search(r'role="alert" id="problem">([^<]+)<', page.text)
    return found[1] if found else ""


async def test_somebody_logs_in_and_sees_who_they_are(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()

    answer = await browser.log_in(ada.email, PASSWORD)
    account = await browser.get(answer.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGES}/account")
    assert account.status_code == 200
    assert ada.email in account.text


async def test_the_cookie_is_out_of_reach_of_scripts_other_hosts_and_plain_http(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()

    cookie = set_cookies(await browser.log_in(ada.email, PASSWORD))[SESSION]

    assert len(cookie.value) == 43
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"].lower()) == (True, True, "lax")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert int(cookie["max-age"]) == timedelta(days=14).total_seconds()


async def test_the_text_of_the_cookie_is_kept_nowhere(doors: Doors, browser: Browser, database: Database) -> None:
    ada = await doors.newcomer()
    await browser.log_in(ada.email, PASSWORD)

    async with database.transaction() as session:
        hashes = (await session.scalars(select(BrowserCookie.token_hash))).all()

    assert {len(each) for each in hashes} == {32}
    assert browser.cookies[SESSION].encode() not in hashes


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_wrong_password_and_an_unknown_address_are_told_alike(
    doors: Doors, browser: Browser, language: str
) -> None:
    ada = await doors.newcomer()
    browser.language = language

    wrong = await browser.log_in(ada.email, "a wrong password")
    unknown = await browser.log_in(an_address(), PASSWORD)

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert told(wrong) == told(unknown) != ""
    assert SESSION not in browser.cookies
    assert f'value="{ada.email}"' in wrong.text
    assert "a wrong password" not in wrong.text


async def test_what_is_no_address_is_told_so(browser: Browser) -> None:
    answer = await browser.log_in('"><script>alert(1)</script>', PASSWORD)

    assert answer.status_code == 422
    assert "ada@example.org" in told(answer)
    assert "<script>alert" not in answer.text


async def test_an_empty_form_is_told_so(browser: Browser) -> None:
    answer = await browser.submit(f"{PAGES}/log-in", email="ada@example.org")

    assert (answer.status_code, told(answer)) == (422, "Fill in all fields of the form.")


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "/%0d/evil"])
async def test_a_log_in_leads_to_no_other_site(doors: Doors, browser: Browser, wanted: str) -> None:
    ada = await doors.newcomer()

    answer = await browser.log_in(ada.email, PASSWORD, f"{PAGES}/log-in?next={wanted}")

    if answer.status_code == 303:
        assert answer.headers["location"] == f"{PAGES}/account"
    else:
        assert 'content="0; url=/%0d/evil"' in answer.text


async def test_a_log_in_leads_to_the_path_that_asked_for_it(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()

    answer = await browser.log_in(ada.email, PASSWORD, f"{PAGES}/log-in?next=%2Fcourses%3Fpage%3D2%26a%3D%22b")

    assert answer.status_code == 200
    assert 'content="0; url=/courses?page=2&amp;a=&#34;b"' in answer.text
    assert SESSION in browser.cookies


async def test_a_form_without_its_token_is_refused(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    await browser.get(f"{PAGES}/log-in")

    answer = await browser.post(f"{PAGES}/log-in", {"email": ada.email, "password": PASSWORD})

    assert answer.status_code == 403
    assert "out of date" in answer.text
    assert SESSION not in browser.cookies


async def test_another_browsers_token_is_refused(doors: Doors, browser: Browser, client: httpx2.AsyncClient) -> None:
    ada = await doors.newcomer()
    theirs = hidden(await Browser(client).get(f"{PAGES}/log-in"))
    await browser.get(f"{PAGES}/log-in")

    answer = await browser.post(f"{PAGES}/log-in", theirs | {"email": ada.email, "password": PASSWORD})

    assert answer.status_code == 403


async def test_a_browser_without_cookies_is_told_so(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    fields = hidden(await browser.get(f"{PAGES}/log-in"))
    browser.cookies.clear()

    answer = await browser.post(f"{PAGES}/log-in", fields | {"email": ada.email, "password": PASSWORD})

    assert answer.status_code == 403
    assert "keeps no cookies" in answer.text


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://service.evil.example"},
        {"origin": "", "sec-fetch-site": "cross-site"},
        {"origin": "", "sec-fetch-site": "same-site"},
        {"origin": "", "sec-fetch-site": ""},
    ],
)
async def test_a_form_of_another_site_is_refused(doors: Doors, browser: Browser, said: dict[str, str]) -> None:
    ada = await doors.newcomer()
    fields = hidden(await browser.get(f"{PAGES}/log-in"))

    answer = await browser.post(f"{PAGES}/log-in", fields | {"email": ada.email, "password": PASSWORD}, **said)

    assert answer.status_code == 403
    assert "another site" in answer.text
    assert SESSION not in browser.cookies


async def test_what_a_browser_held_before_a_log_in_opens_nothing_after_it(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    browser.cookies[SESSION] = "A" * 43
    fields = hidden(await browser.get(f"{PAGES}/log-in"))

    await browser.log_in(ada.email, PASSWORD)
    stale = await browser.post(f"{PAGES}/log-out", fields)

    assert browser.cookies[SESSION] != "A" * 43
    assert VISIT not in browser.cookies
    assert stale.status_code == 403


async def test_logging_in_again_ends_what_was_before(
    doors: Doors, browser: Browser, client: httpx2.AsyncClient
) -> None:
    ada = await doors.newcomer()
    await browser.log_in(ada.email, PASSWORD)
    before = Browser(client, dict(browser.cookies))

    await browser.log_in(ada.email, PASSWORD)

    assert browser.cookies[SESSION] != before.cookies[SESSION]
    assert (await before.get(f"{PAGES}/account")).status_code == 303
    assert (await browser.get(f"{PAGES}/account")).status_code == 200


async def test_logging_out_needs_a_form_and_ends_the_session(
    doors: Doors, browser: Browser, client: httpx2.AsyncClient
) -> None:
    ada = await doors.newcomer()
    await browser.log_in(ada.email, PASSWORD)
    held = Browser(client, dict(browser.cookies))
    await browser.get(f"{PAGES}/log-out")

    still = await held.get(f"{PAGES}/account")
    answer = await browser.submit(f"{PAGES}/log-out")

    assert (still.status_code, answer.status_code) == (200, 200)
    assert SESSION not in browser.cookies
    assert (await held.get(f"{PAGES}/account")).status_code == 303


async def test_nobody_is_taken_from_the_account_to_the_log_in(browser: Browser) -> None:
    answer = await browser.get(f"{PAGES}/account")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGES}/log-in")


async def test_a_suspended_person_is_told_so_only_with_the_right_password(
    doors: Doors, browser: Browser, database: Database
) -> None:
    ada = await doors.newcomer()
    await suspend(database, ada)

    wrong = await browser.log_in(ada.email, "a wrong password")
    right = await browser.log_in(ada.email, PASSWORD)

    assert (wrong.status_code, right.status_code) == (422, 403)
    assert "suspended" in told(right)


async def suspend(database: Database, someone: Someone) -> None:
    async with database.transaction() as session:
        person = await session.get_one(Person, UUID(someone.person_id))
        person.suspended_at = func.now()


async def test_reading_the_page_of_a_mail_confirms_nothing_and_its_button_does(
    doors: Doors, browser: Browser, postbox: Postbox
) -> None:
    ada = await doors.newcomer()
    code = await postbox.code(ada.email, "verify-email")
    path = f"{PAGES}/verify-email"
    await browser.get(f"{path}?token={code}")
    before = (await doors.client.get("/api/v1/auth/me", headers=ada.headers)).json()

    answer = await browser.submit(path, code=f" {code} ")

    after = (await doors.client.get("/api/v1/auth/me", headers=ada.headers)).json()
    assert answer.status_code == 200
    assert (before["email_verified"], after["email_verified"]) == (False, True)
    again = await browser.submit(path, code=code)
    assert (again.status_code, told(again)) == (422, "This code is wrong, used up or expired. Ask for a new one.")


async def test_a_forgotten_password_is_replaced(doors: Doors, browser: Browser, postbox: Postbox) -> None:
    ada = await doors.newcomer()

    known = await browser.submit(f"{PAGES}/forgot-password", email=ada.email)
    unknown = await browser.submit(f"{PAGES}/forgot-password", email=an_address())
    code = await postbox.code(ada.email, "reset-password")
    guessable = await browser.submit(f"{PAGES}/reset-password", code=code, password="password12")
    short = await browser.submit(f"{PAGES}/reset-password", code=code, password="short")
    done = await browser.submit(f"{PAGES}/reset-password", code=code, password=NEW_PASSWORD)

    assert known.text == unknown.text
    assert [answer.status_code for answer in (known, guessable, short, done)] == [200, 422, 422, 200]
    assert (await browser.log_in(ada.email, PASSWORD)).status_code == 422
    assert (await browser.log_in(ada.email, NEW_PASSWORD)).status_code == 303


async def test_a_new_password_logs_every_browser_out(doors: Doors, browser: Browser, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    await browser.log_in(ada.email, PASSWORD)
    elsewhere = Browser(browser.client)
    await elsewhere.submit(f"{PAGES}/forgot-password", email=ada.email)
    code = await postbox.code(ada.email, "reset-password")

    await elsewhere.submit(f"{PAGES}/reset-password", code=code, password=NEW_PASSWORD)

    assert (await browser.get(f"{PAGES}/account")).status_code == 303


async def test_mail_is_written_in_the_language_of_the_page(doors: Doors, browser: Browser, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    browser.language = "ru"

    await browser.submit(f"{PAGES}/forgot-password", email=ada.email)

    *_, newest = await postbox.letters(ada.email)
    assert newest.language == "ru"


async def test_a_browser_is_listed_among_the_sessions_and_ended_there(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    await browser.log_in(ada.email, PASSWORD)
    listed = (await doors.client.get("/api/v1/auth/sessions", headers=ada.headers)).json()["items"]
    [other] = [each["id"] for each in listed if not each["current"]]

    await doors.client.delete(f"/api/v1/auth/sessions/{other}", headers=ada.headers)

    assert (await browser.get(f"{PAGES}/account")).status_code == 303


@pytest.mark.parametrize("path", ["log-in", "verify-email", "forgot-password", "reset-password", "log-out"])
async def test_a_form_with_something_else_than_texts_is_refused_and_breaks_nothing(browser: Browser, path: str) -> None:
    page = await browser.get(f"{PAGES}/{path}")
    headers = {"origin": ORIGIN, "cookie": f"{VISIT}={browser.cookies[VISIT]}"}
    files = {"email": ("a.txt", b"x"), "password": ("b.txt", b"y"), "code": ("c.txt", b"z"), "csrf": ("d", b"w")}

    answer = await browser.client.post(f"{PAGES}/{path}", files=files, headers=headers)

    assert page.status_code == 200
    assert answer.status_code in {403, 422}
    assert answer.headers["content-type"].startswith("text/html")
