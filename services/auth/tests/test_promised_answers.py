"""What auth answers is what its document promised, where the two once differed."""

import httpx2
import pytest
from fastapi import FastAPI

from stoa_common import browser_cookies

from .browser import Browser
from .conftest import PASSWORD, Doors
from .directory import DirectoryOf


async def test_a_browsers_session_tells_all_that_the_document_promises(
    app: FastAPI, client: httpx2.AsyncClient, doors: Doors
) -> None:
    browser = Browser(client)
    await browser.log_in((await doors.newcomer()).email, PASSWORD)

    shown = (await browser.get("/api/v1/auth/browser-session")).json()

    promised = app.openapi()["components"]["schemas"]["BrowserSessionOut"]["required"]
    assert set(promised) == shown.keys()
    assert {"csrf", "csrf_token"} <= shown.keys()
    cookie = browser.cookies[browser_cookies.SESSION_COOKIE]
    assert all(browser_cookies.is_csrf_token(shown[name], cookie) for name in ("csrf", "csrf_token"))


@pytest.mark.parametrize("start", ["2147483648", "18446744073709551616", "9" * 100])
async def test_a_page_far_behind_the_last_is_empty(doors: Doors, start: str) -> None:
    directory = await DirectoryOf.somebody(doors)

    page = await directory.told("GET", f"/Users?startIndex={start}")

    assert (page["Resources"], page["startIndex"]) == ([], 2**31)
