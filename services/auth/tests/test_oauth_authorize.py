"""A client asks a person: who sits at the browser, what they are asked, and where the browser is sent."""

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import select

from stoa_auth.database import AuditRecord, AuthorizationCode, Consent
from stoa_common import privacy
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.testing.identities import ISSUER, Identities

from .conftest import Doors, Someone
from .oauth_world import AUTH, CALLBACK, App, Browser, allow, at_a_browser, claims_of, code_of, register, told


@pytest_asyncio.fixture(loop_scope="session")
async def ada(doors: Doors) -> Someone:
    return await doors.newcomer()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(doors: Doors, ada: Someone) -> Browser:
    return await at_a_browser(doors.client, ada)


@pytest_asyncio.fixture(loop_scope="session")
async def reports(doors: Doors, ada: Someone) -> App:
    return await register(
        doors.client,
        ada.headers,
        scopes=["openid", "email", "course:read", "course:write", "offline_access"],
    )


def next_of(answer: httpx2.Response) -> str:
    """Where the log-in page leads afterwards."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    assert parts.path == f"{AUTH}/pages/log-in"
    return parse_qs(parts.query)["next"][0]


async def test_who_is_not_logged_in_logs_in_and_comes_back(doors: Doors, ada: Someone, reports: App) -> None:
    browser = Browser(doors.client)

    sent = await browser.get(reports.link())
    await browser.log_in(ada.email, sent.headers["location"])
    page = await browser.get(next_of(sent))

    assert page.status_code == 200
    assert "Course reports" in page.text
    answer = told(await allow(browser, page))
    assert (answer["state"], answer["iss"]) == ("of-the-app", ISSUER)
    assert (await reports.redeem(answer["code"])).status_code == 200


async def test_the_page_says_what_is_asked_and_where_it_leads(browser: Browser, reports: App) -> None:
    page = await browser.get(reports.link())

    assert "app.example.com" in page.text
    assert "Read the organization" in page.text
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://app.example.com" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"


async def test_who_says_no_sends_no_code(browser: Browser, reports: App) -> None:
    answer = told(await allow(browser, await browser.get(reports.link()), decision="deny"))

    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "of-the-app", ISSUER)
    assert "code" not in answer


async def test_what_was_allowed_is_not_asked_again_but_more_is(browser: Browser, reports: App) -> None:
    await code_of(browser, reports)

    again = await browser.get(reports.link())
    wider = await browser.get(reports.link(scope="openid course:write"))
    anyway = await browser.get(reports.link(prompt="consent"))

    assert "code" in told(again)
    assert (again.headers["cache-control"], again.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert [page.status_code for page in (wider, anyway)] == [200, 200]


async def test_prompt_none_asks_nobody_anything(doors: Doors, browser: Browser, reports: App) -> None:
    nobody = Browser(doors.client)

    answers = [
        told(await nobody.get(reports.link(prompt="none"))),
        told(await browser.get(reports.link(prompt="none"))),
    ]
    await code_of(browser, reports)
    answers.append(told(await browser.get(reports.link(prompt="none"))))

    assert [answer.get("error") for answer in answers] == ["login_required", "consent_required", None]
    assert all(answer["iss"] == ISSUER for answer in answers)


async def test_prompt_login_asks_for_a_new_log_in_once(ada: Someone, browser: Browser, reports: App) -> None:
    sent = await browser.get(reports.link(prompt="login"))
    without = await browser.get(next_of(sent))
    await browser.log_in(ada.email, sent.headers["location"])

    page = await browser.get(next_of(sent))

    assert next_of(without), "who did not log in anew is asked again"
    assert page.status_code == 200


async def test_max_age_zero_asks_for_a_new_log_in(browser: Browser, reports: App) -> None:
    assert next_of(await browser.get(reports.link(max_age="0")))
    assert (await browser.get(reports.link(max_age="3600"))).status_code == 200


async def test_the_nonce_and_the_log_in_are_in_the_id_token(browser: Browser, reports: App, ada: Someone) -> None:
    given = (await reports.redeem(await code_of(browser, reports, nonce="n-0S6_WzA2Mj"))).json()

    claims = claims_of(given["id_token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, reports.id, ada.person_id)
    assert (claims["nonce"], claims["amr"]) == ("n-0S6_WzA2Mj", ["pwd"])
    assert claims["exp"] > claims["iat"] >= claims["auth_time"]
    # The left half of its SHA-256, for RS256 (OpenID Connect Core, section 3.1.3.6).
    half = hashlib.sha256(given["access_token"].encode()).digest()[:16]
    assert base64.urlsafe_b64decode(claims["at_hash"] + "==") == half
    assert not claims.keys() & {"email", "name", "permissions"}


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": str(new_id())},
        {"client_id": "no-id"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{CALLBACK}/../../evil"},
        {"redirect_uri": f"{CALLBACK}?next=https://evil.example"},
        {"redirect_uri": "https://app.example.com@evil.example/callback"},
        {"redirect_uri": None},
    ],
)
async def test_nobody_is_sent_where_no_client_was_registered(
    browser: Browser, reports: App, changed: dict[str, str | None]
) -> None:
    page = await browser.get(reports.link(**changed))

    assert page.status_code == 400
    assert page.headers["content-type"].startswith("text/html")
    assert "location" not in page.headers
    assert not [place for place in ("//evil", "@evil") if place in page.text]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid member:write"}, "invalid_scope"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
    ],
)
async def test_what_is_wrong_otherwise_goes_back_to_the_client(
    browser: Browser, reports: App, changed: dict[str, str | None], error: str
) -> None:
    answer = told(await browser.get(reports.link(**changed)))

    assert (answer["error"], answer["state"], answer["iss"]) == (error, "of-the-app", ISSUER)


@pytest.mark.parametrize("query", ["", "client_id", "state=%ff", "client_id=%00", "&&&", "a=1&" * 100])
async def test_a_broken_link_is_told_so(browser: Browser, query: str) -> None:
    page = await browser.get(f"{AUTH}/authorize?{query}")

    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "not registered" in page.text


async def test_a_client_of_another_organization_is_not_allowed_in(doors: Doors, reports: App) -> None:
    stranger = await at_a_browser(doors.client, await doors.newcomer())

    assert told(await stranger.get(reports.link()))["error"] == "access_denied"


async def test_a_client_of_the_platform_is_for_everybody(
    doors: Doors, browser: Browser, ada: Someone, identities: Identities
) -> None:
    operator = identities.headers(identities.principal("operator"))
    reports = await register(doors.client, operator, scopes=["openid", "course:read"])

    given = (await reports.redeem(await code_of(browser, reports))).json()

    assert claims_of(given["access_token"])["org"] == ada.organization_id


async def test_a_public_client_redeems_by_pkce_alone(doors: Doors, browser: Browser, ada: Someone) -> None:
    reports = await register(doors.client, ada.headers, confidential=False, redirect_uris=["http://127.0.0.1/callback"])
    reports.redirect_uri = "http://127.0.0.1:49152/callback"

    code = await code_of(browser, reports)

    assert (await reports.redeem(code)).status_code == 200
    assert (await browser.get(reports.link())).status_code == 200, "another program could be on that port"


async def test_the_answer_of_another_page_counts_for_nothing(doors: Doors, browser: Browser, reports: App) -> None:
    page = await browser.get(reports.link())
    query = urlsplit(reports.link()).query
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    form = {"request": query, "decision": "allow"}
    url = f"{AUTH}/authorize/decision"

    foreign = await doors.client.post(url, data=form, headers={"Cookie": cookie, "Origin": "https://evil.example"})
    tokenless = await doors.client.post(url, data=form, headers={"Cookie": cookie, "Origin": browser.origin})

    assert page.status_code == 200
    assert [foreign.status_code, tokenless.status_code] == [403, 403]


async def test_what_is_changed_in_the_page_is_checked_anew(browser: Browser, reports: App) -> None:
    page = await browser.get(reports.link())
    evil = urlencode([*parse_qs_pairs(reports.link()), ("redirect_uri", "https://evil.example/")])

    answer = await browser.submit(page, f"{AUTH}/authorize/decision", decision="allow", request=evil)

    assert answer.status_code == 400
    assert "location" not in answer.headers


def parse_qs_pairs(link: str) -> list[tuple[str, str]]:
    return [(name, values[0]) for name, values in parse_qs(urlsplit(link).query).items() if name != "redirect_uri"]


async def test_a_request_by_form_goes_on_as_a_link(doors: Doors, reports: App) -> None:
    form = dict(parse_qs_pairs(reports.link())) | {"redirect_uri": CALLBACK}

    answer = await doors.client.post(f"{AUTH}/authorize", data=form, headers={"Origin": "https://app.example.com"})

    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).path == f"{AUTH}/authorize"


async def test_a_person_sees_what_they_allowed_and_takes_it_back(
    doors: Doors, browser: Browser, reports: App, ada: Someone, database: Database
) -> None:
    scope = "openid course:read offline_access"
    given = (await reports.redeem(await code_of(browser, reports, scope=scope))).json()
    waiting = await code_of(browser, reports, scope=scope)

    [consent] = (await doors.client.get(f"{AUTH}/consents", headers=ada.headers)).json()["items"]
    revoked = await doors.client.delete(f"{AUTH}/consents/{reports.id}", headers=ada.headers)

    assert (consent["client_id"], consent["client_name"]) == (reports.id, "Course reports")
    assert consent["scopes"] == scope.split()
    assert revoked.status_code == 204
    assert (await reports.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await reports.redeem(waiting)).json()["error"] == "invalid_grant"
    assert (await browser.get(reports.link(scope=scope))).status_code == 200
    async with database.transaction() as session:
        noted = select(AuditRecord.action).where(AuditRecord.target == reports.id).order_by(AuditRecord.number)
        actions = (await session.scalars(noted)).all()
    assert [action for action in actions if action.startswith("consent.")] == ["consent.grant", "consent.revoke"]


async def test_whoever_is_erased_leaves_no_consent_and_no_code(
    doors: Doors, browser: Browser, reports: App, ada: Someone, database: Database
) -> None:
    await code_of(browser, reports)

    erased = await doors.client.delete(f"{AUTH}/me", headers=ada.headers)

    assert erased.status_code == 204
    async with database.transaction() as session:
        for model in (Consent, AuthorizationCode):
            mine = select(model.client_id).where(model.person_id == UUID(ada.person_id))
            assert (await session.scalars(mine)).all() == []


async def test_an_export_tells_what_was_allowed_and_nothing_that_opens_anything(
    browser: Browser, reports: App, ada: Someone, database: Database
) -> None:
    await code_of(browser, reports)

    async with database.transaction() as session:
        exported = await privacy.registry.export(session, UUID(ada.person_id))

    [consent], [code] = exported["oauth_consents"], exported["authorization_codes"]
    assert (str(consent["client_id"]), str(code["client_id"])) == (reports.id, reports.id)
    assert not code.keys() & {"code_hash", "challenge", "nonce"}
