"""A browser's session that has grown old, through the gateway: it proves itself again by the page, and goes on."""

from pathlib import Path

import httpx2
import psycopg
from conftest import Platform
from ending import wait_until
from test_browsers import PAGES, SESSION, Browser, browser, statuses  # noqa: F401  # a fixture
from world import PASSWORD

from stoa_devkit import databases
from stoa_devkit.servers import Postgres
from stoa_devkit.state import State

DANGEROUS = "/api/v1/auth/passkeys/registration"
KNOWN = "/api/v1/auth/browser-session"


def _an_hour_passes(platform: Platform, person_id: str) -> None:
    state = State(Path(platform.environment["STOA_STATE_DIR"]))
    server = Postgres(state.data / "postgres", state.log("postgres"), state.port("postgres"))
    older = "UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour' WHERE person_id = %s"
    with psycopg.connect(databases.urls_of("auth", server, state).migrate) as connection:
        assert connection.execute(older, (person_id,)).rowcount


def _danger(browser: Browser) -> httpx2.Response:  # noqa: F811
    token = browser.get(KNOWN).json()["csrf_token"]
    return browser.write(DANGEROUS, X_CSRF_Token=token, Origin=browser.origin)


def test_the_cookie_after_a_new_proof_opens_the_dangerous_and_the_one_before_nothing(
    browser: Browser,  # noqa: F811
    platform: Platform,
) -> None:
    _an_hour_passes(platform, browser.get(KNOWN).json()["person_id"])
    held = Browser(platform.gateway)
    held.cookies = dict(browser.cookies)
    refused = _danger(browser)

    proved = browser.submit(f"{PAGES}/step-up", password=PASSWORD)

    assert refused.status_code == 401
    assert "insufficient_user_authentication" in refused.headers["www-authenticate"]
    assert (proved.status_code, proved.headers["location"]) == (303, f"{PAGES}/account")
    assert browser.cookies[SESSION] != held.cookies[SESSION]
    assert (_danger(browser).status_code, statuses(browser)) == (200, {200})
    wait_until(lambda: statuses(held) == {401}, what="the cookie from before the proof")
