"""A client asks to log a person out (OpenID Connect RP-Initiated Logout): who is asked, and where they are sent."""

from urllib.parse import urlencode

import pytest
import pytest_asyncio

from stoa_common.testing.identities import Identities

from .conftest import Doors, Someone
from .oauth_world import AUTH, CALLBACK, App, Browser, at_a_browser, code_of, register

GOODBYE = "https://app.example.com/goodbye"


@pytest_asyncio.fixture(loop_scope="session")
async def ada(doors: Doors) -> Someone:
    return await doors.newcomer()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(doors: Doors, ada: Someone) -> Browser:
    return await at_a_browser(doors.client, ada)


@pytest_asyncio.fixture(loop_scope="session")
async def reports(doors: Doors, ada: Someone) -> App:
    return await register(doors.client, ada.headers, post_logout_redirect_uris=[GOODBYE])


async def test_a_client_logs_its_person_out_by_their_id_token(browser: Browser, reports: App) -> None:
    given = (await reports.redeem(await code_of(browser, reports))).json()
    hint = {"id_token_hint": given["id_token"], "post_logout_redirect_uri": GOODBYE, "state": "s"}

    sent = await browser.get(f"{AUTH}/end-session?{urlencode(hint)}")
    left = await browser.get(sent.headers["location"])

    assert left.headers["location"] == f"{GOODBYE}?state=s"
    assert (await browser.get(f"{AUTH}/pages/account")).status_code == 303, "logged out"


async def test_a_link_alone_logs_nobody_out(browser: Browser, reports: App) -> None:
    named = {"client_id": reports.id, "post_logout_redirect_uri": GOODBYE}

    page = await browser.get(f"{AUTH}/end-session/confirm?{urlencode(named)}")
    still = await browser.get(reports.link())
    left = await browser.submit(page, f"{AUTH}/end-session/confirm?{urlencode(named)}")

    assert (page.status_code, still.status_code) == (200, 200)
    assert left.headers["location"] == GOODBYE
    assert (await browser.get(f"{AUTH}/pages/account")).status_code == 303, "logged out"


@pytest.mark.parametrize("uri", ["https://evil.example/", f"{GOODBYE}/", "javascript:alert(1)", CALLBACK])
async def test_a_log_out_leads_nowhere_else(doors: Doors, reports: App, uri: str) -> None:
    named = urlencode({"client_id": reports.id, "post_logout_redirect_uri": uri})

    answer = await Browser(doors.client).get(f"{AUTH}/end-session/confirm?{named}")

    assert answer.status_code == 200
    assert "location" not in answer.headers


async def test_an_id_token_of_another_client_spares_no_question(
    doors: Doors, browser: Browser, reports: App, ada: Someone
) -> None:
    given = (await reports.redeem(await code_of(browser, reports))).json()
    other = await register(doors.client, ada.headers, post_logout_redirect_uris=[GOODBYE])
    named = {"id_token_hint": given["id_token"], "client_id": other.id, "post_logout_redirect_uri": GOODBYE}

    asked = await browser.get(f"{AUTH}/end-session/confirm?{urlencode(named)}")

    assert asked.status_code == 200
    assert (await browser.get(f"{AUTH}/pages/account")).status_code == 200, "still logged in"


async def test_an_id_token_of_another_issuer_or_person_is_no_hint(
    doors: Doors, browser: Browser, reports: App, identities: Identities
) -> None:
    other = await at_a_browser(doors.client, await doors.newcomer())
    given = (await reports.redeem(await code_of(browser, reports))).json()
    forged = identities.token(identities.principal())

    pages = [
        await other.get(f"{AUTH}/end-session/confirm?{urlencode({'id_token_hint': hint})}")
        for hint in (given["id_token"], forged, given["access_token"], "x" * 5000)
    ]

    assert [page.status_code for page in pages] == [200] * 4
    assert (await other.get(f"{AUTH}/pages/account")).status_code == 200, "still logged in"
