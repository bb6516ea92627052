"""A page has a cookie that no script reads, so no answer to it holds a token that a script could take away."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from stoa_auth.accounts.passwords import Passwords
from stoa_common import browser_cookies, revocations
from stoa_common.browser_cookies import SESSION_COOKIE
from stoa_common.database import Database
from stoa_common.resources import Resources

from .browser import Browser, set_cookies
from .conftest import PASSWORD, Doors, Someone
from .oauth_world import claims_of, is_revoked
from .operators import an_operator

AUTH = "/api/v1/auth"


class Page:
    """What a page's script gets through the gateway: its cookie is traded for a token, which goes on in its place."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    async def token(self) -> str:
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:stoa:token-type:session-cookie",
            "subject_token": self.browser.cookies[SESSION_COOKIE],
        }
        answer = await self.browser.client.post(f"{AUTH}/token", data=form)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    async def post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return await self.browser.send(path, body, authorization=f"Bearer {await self.token()}")

    async def csrf(self) -> str:
        """What `/browser-session` tells for writes."""
        token: str = (await self.browser.get(f"{AUTH}/browser-session")).json()["csrf_token"]
        return token


async def a_page(doors: Doors, someone: Someone) -> Page:
    browser = Browser(doors.client)
    await browser.log_in(someone.email, PASSWORD)
    return Page(browser)


async def in_two_organizations(doors: Doors) -> tuple[Someone, str]:
    owner, ada = await doors.newcomer(), await doors.newcomer()
    body = {"invitation": await doors.invite(owner, "coach")}
    await doors.client.post(f"{AUTH}/invitations/accept", json=body, headers=ada.headers)
    assert owner.organization_id is not None
    return ada, owner.organization_id


async def test_a_page_switches_by_its_cookie_and_is_told_no_token(doors: Doors) -> None:
    ada, there = await in_two_organizations(doors)
    page = await a_page(doors, ada)

    answer = await page.post(f"{AUTH}/sessions/switch", {"organization_id": there})

    told = answer.json()
    assert (answer.status_code, told["person_id"], told["organization_id"]) == (200, ada.person_id, there)
    assert (told["access_token"], told["refresh_token"], told["expires_in"]) == (None, None, None)
    assert answer.headers["cache-control"] == "no-store"


async def test_the_cookie_acts_for_the_new_organization_and_tokens_from_before_for_none(
    doors: Doors, database: Database
) -> None:
    ada, there = await in_two_organizations(doors)
    page = await a_page(doors, ada)
    before = claims_of(await page.token())

    await page.post(f"{AUTH}/sessions/switch", {"organization_id": there})

    after = claims_of(await page.token())
    assert (before["org"], after["org"]) == (ada.organization_id, there)
    assert (after["sid"], after["roles"]) == (before["sid"], ["coach"])
    assert after["iat"] > before["iat"]
    assert await is_revoked(database, revocations.of_session(UUID(before["sid"])))
    shown = await page.browser.get(f"{AUTH}/browser-session")
    assert (shown.status_code, shown.json()["organization_id"]) == (200, there)


@pytest.mark.parametrize("act", ["switch", "step-up"])
async def test_the_cookie_from_before_opens_nothing_and_its_forms_count_no_more(doors: Doors, act: str) -> None:
    ada, there = await in_two_organizations(doors)
    page = await a_page(doors, ada)
    before, csrf = dict(page.browser.cookies), await page.csrf()
    wanted = {"switch": ("sessions/switch", {"organization_id": there}), "step-up": ("step-up", {"password": PASSWORD})}

    path, body = wanted[act]
    answer = await page.post(f"{AUTH}/{path}", body)

    [cookie] = set_cookies(answer).values()
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "lax", "/")
    assert 0 < int(cookie["max-age"]) <= 14 * 24 * 3600
    assert browser_cookies.is_csrf_token(await page.csrf(), cookie.value)
    assert not browser_cookies.is_csrf_token(csrf, cookie.value)
    thief = Browser(doors.client, before)
    assert (await thief.get(f"{AUTH}/browser-session")).status_code == 401


async def test_who_has_a_browsers_token_alone_gets_nothing_that_lasts(doors: Doors) -> None:
    ada, there = await in_two_organizations(doors)
    page, other = await a_page(doors, ada), await a_page(doors, await doors.newcomer())
    headers = {"Authorization": f"Bearer {await page.token()}"}
    cookie = {"Cookie": f"{SESSION_COOKIE}={other.browser.cookies[SESSION_COOKIE]}"}

    alone, by_anothers = [
        await doors.client.post(f"{AUTH}/sessions/switch", json={"organization_id": there}, headers=headers | shown)
        for shown in ({}, cookie)
    ]

    for answer in (alone, by_anothers):
        assert (answer.status_code, answer.json()["refresh_token"], answer.json()["access_token"]) == (200, None, None)
        assert "set-cookie" not in answer.headers
    assert (await page.browser.get(f"{AUTH}/browser-session")).status_code == 200, "it goes on by the cookie it has"


async def test_an_app_that_switches_gets_tokens_whatever_its_person_has_open_at_a_browser(doors: Doors) -> None:
    ada, there = await in_two_organizations(doors)
    await a_page(doors, ada)

    told = (
        await doors.client.post(f"{AUTH}/sessions/switch", json={"organization_id": there}, headers=ada.headers)
    ).json()

    assert (await doors.refresh(told["refresh_token"])).status_code == 200


async def test_a_page_steps_up_by_its_cookie_and_is_told_no_token(doors: Doors) -> None:
    page = await a_page(doors, await doors.newcomer())
    before = claims_of(await page.token())

    answer = await page.post(f"{AUTH}/step-up", {"password": PASSWORD})

    assert (answer.status_code, answer.json()["access_token"], answer.json()["expires_in"]) == (200, None, None)
    after = claims_of(await page.token())
    assert after["iat"] > before["iat"]
    assert after["auth_time"] >= before["auth_time"]


async def test_an_operators_page_gets_nothing_of_an_impersonation_that_lasts(
    doors: Doors, database: Database, resources: Resources
) -> None:
    ada = await doors.newcomer()
    page = await a_page(doors, await an_operator(doors, database, resources.get(Passwords)))

    path = f"{AUTH}/administration/people/{ada.person_id}/impersonations"
    answer = await page.post(path, {"reason": "Ticket 4711"})

    assert (answer.status_code, answer.json()["refresh_token"]) == (201, None)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await doors.client.get(f"{AUTH}/me", headers=headers)).json()["id"] == ada.person_id


async def test_no_route_that_a_cookie_opens_promises_a_refresh_token(app: FastAPI) -> None:
    document = app.openapi()

    promised = [name for name, schema in _answers(document) if _is_promised(schema, "refresh_token")]

    assert promised == [], "Leave it out where `sessions.is_kept_by_browser`: a script of the page could read it."


def _answers(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What routes answer that take a token, and so a cookie."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation.get("x-public"):
                continue
            for status, answer in operation["responses"].items():
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                name = schema.get("$ref", "").rpartition("/")[2]
                yield f"{method} {path} {status}", document["components"]["schemas"].get(name, {})


def _is_promised(schema: dict[str, Any], name: str) -> bool:
    shape = schema.get("properties", {}).get(name)
    return shape is not None and {"type": "null"} not in shape.get("anyOf", [])
