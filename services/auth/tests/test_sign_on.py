"""Sign-on: people log in by the OpenID provider of their organization, and become its members by that."""

import asyncio
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

import httpx2
import oidc_provider_mock
import pytest
import time_machine
import werkzeug.serving
from joserfc.jwk import RSAKey

from stoa_auth.sign_on import provider as providers
from stoa_common import clock, privacy
from stoa_common.database import Database
from stoa_common.testing.identities import Identities

from .conftest import Doors, Someone, an_address
from .postbox import Postbox
from .sign_on_world import ALLOWED_HOST, APP_LINK, AUTH, World, a_domain, a_sub, path_of, providing


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


@contextmanager
def mock_provider() -> Iterator[str]:
    """oidc-provider-mock, where the tests' settings allow it to be."""
    server = werkzeug.serving.make_server(ALLOWED_HOST, 0, oidc_provider_mock.app(require_nonce=True), threaded=True)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    yield f"http://{ALLOWED_HOST}:{server.server_port}"
    server.shutdown()
    serving.join(5)
    server.server_close()


async def at_mock(url: str, sub: str) -> str:
    """Somebody chooses who they are on the mock's page: the path of ours that it sends their browser to."""
    async with httpx2.AsyncClient() as client:
        assert (await client.get(url)).status_code == 200
        answer = await client.post(url, data={"sub": sub})
        back = urlsplit(str(answer.headers["location"]))
        return f"{back.path}?{back.query}"


async def test_a_provider_that_we_did_not_write_logs_somebody_in_through_the_whole_chain(
    world: World, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    admin, email = await doors.newcomer(), an_address()
    with mock_provider() as issuer:
        connection = (await world.try_to_connect(admin, issuer)).json()
        found = []
        for _ in range(2):
            browser = world.browser()
            url = await world.begin(browser, connection, return_to="/courses?page=2")
            answer = await browser.get(await at_mock(url, email))
            assert (answer.status_code, answer.headers["location"]) == (303, "/courses?page=2")
            found.append(await world.who(browser))

    assert {who["person_id"] for who in found} == {found[0]["person_id"]}
    assert found[0]["organization_id"] == admin.organization_id
    assert await world.roles_of(admin, found[0]["person_id"]) == ["learner"]


async def test_what_the_provider_is_asked_names_no_secret_and_differs_each_time(world: World, doors: Doors) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider, client_secret="hush-hush", scopes=["email"])
        browser = world.browser()
        urls = [await world.begin(browser, connection) for _ in range(2)]

    asked = [dict(parse_qsl(urlsplit(url).query)) for url in urls]
    for each in asked:
        assert (each["response_type"], each["code_challenge_method"]) == ("code", "S256")
        assert each["scope"] == "openid email"
        assert each["redirect_uri"] == connection["redirect_uri"]
    assert not {asked[0][name] for name in ("state", "nonce", "code_challenge")} & set(asked[1].values())
    assert "hush-hush" not in "".join(urls)


async def test_tabs_of_one_browser_log_in_side_by_side(world: World, doors: Doors) -> None:
    admin, sub, browser = await doors.newcomer(), a_sub(), world.browser()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        urls = [await world.begin(browser, connection) for _ in range(2)]
        answers = [await browser.get(provider.vouch(url, sub=sub, email=f"{sub}@example.org")) for url in urls]

    assert [answer.status_code for answer in answers] == [303, 303]


async def test_twins_that_log_in_for_the_first_time_are_one_person(world: World, doors: Doors) -> None:
    admin, sub = await doors.newcomer(), a_sub()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        told = {"sub": sub, "email": f"{sub}@example.org"}
        entered = await asyncio.gather(*(world.enter(connection, provider, **told) for _ in range(4)))

    assert len({someone.person_id for someone in entered}) == 1


async def test_groups_become_roles_and_follow_the_provider(world: World, doors: Doors) -> None:
    admin, sub = await doors.newcomer(), a_sub()
    mapping = {"teachers": "author", "heads": "manager"}
    async with providing() as provider:
        connection = await world.connect(admin, provider, roles_claim="groups", role_mapping=mapping)
        seen = []
        for groups in (["teachers", "choir"], ["heads", "teachers"], "heads", []):
            told = {"sub": sub, "email": f"{sub}@example.org", "groups": groups}
            someone = await world.enter(connection, provider, **told)
            seen.append(await world.roles_of(admin, someone.person_id))

    assert seen == [["author"], ["author", "manager"], ["manager"], ["learner"]]


async def test_a_claim_that_is_not_there_changes_no_role(world: World, doors: Doors) -> None:
    admin, told = await doors.newcomer(), {"sub": a_sub(), "email": an_address()}
    async with providing() as provider:
        connection = await world.connect(admin, provider, roles_claim="groups", role_mapping={"teachers": "author"})
        someone = await world.enter(connection, provider, **told, groups=["teachers"])
        await world.enter(connection, provider, **told)

    assert await world.roles_of(admin, someone.person_id) == ["author"]


async def test_somebody_new_has_no_password_and_is_mailed_a_code_for_their_address(
    world: World, doors: Doors, postbox: Postbox
) -> None:
    admin, email = await doors.newcomer(), an_address()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        someone = await world.enter(connection, provider, sub=a_sub(), email=email, email_verified=True, name="Ada")

    me = (await doors.client.get(f"{AUTH}/me", headers=someone.headers)).json()
    assert (me["email"], me["name"], me["email_verified"]) == (email, "Ada", False)
    assert (await doors.log_in(email)).status_code == 401
    assert await postbox.code(email, "verify-email")


async def test_an_address_counts_as_verified_only_where_its_domain_is_the_organizations(
    world: World, doors: Doors
) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    await world.prove(domain, admin)
    verified = []
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        for told in ({"email_verified": True}, {"email_verified": False}, {}, {"email_verified": "yes"}):
            sub = a_sub()
            someone = await world.enter(connection, provider, sub=sub, email=f"{sub}@{domain.upper()}", **told)
            me = await doors.client.get(f"{AUTH}/me", headers=someone.headers)
            verified.append(me.json()["email_verified"])

    assert verified == [True, False, False, False]


async def test_userinfo_adds_what_the_token_does_not_say(world: World, doors: Doors) -> None:
    admin, sub, email = await doors.newcomer(), a_sub(), an_address()
    userinfo = {"sub": sub, "email": "not-this@example.org", "groups": ["teachers"], "iss": "https://else.example"}
    async with providing(userinfo=userinfo) as provider:
        connection = await world.connect(admin, provider, roles_claim="groups", role_mapping={"teachers": "author"})
        someone = await world.enter(connection, provider, sub=sub, email=email)

    assert (await doors.client.get(f"{AUTH}/me", headers=someone.headers)).json()["email"] == email
    assert await world.roles_of(admin, someone.person_id) == ["author"]


async def test_an_app_trades_its_code_once_and_only_with_its_verifier(world: World, doors: Doors) -> None:
    admin, verifier = await doors.newcomer(), secrets.token_urlsafe(32)
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        links = [
            await world.link_of_app(connection, provider, verifier, sub=a_sub(), email=an_address()) for _ in range(2)
        ]

    codes = [parse_qs(urlsplit(link).query)["code"][0] for link in links]
    assert all(link.startswith(f"{APP_LINK}?") and "state=mine" in link for link in links)
    assert (await world.trade(codes[0], secrets.token_urlsafe(32))).status_code == 422
    # A wrong guess uses the code up, too.
    assert (await world.trade(codes[0], verifier)).status_code == 422
    assert (await world.trade(codes[1], verifier)).status_code == 200
    assert (await world.trade(codes[1], verifier)).status_code == 422


async def test_a_code_is_good_for_a_minute(world: World, doors: Doors) -> None:
    admin, verifier = await doors.newcomer(), secrets.token_urlsafe(32)
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        link = await world.link_of_app(connection, provider, verifier, sub=a_sub(), email=an_address())
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        answer = await world.trade(parse_qs(urlsplit(link).query)["code"][0], verifier)

    assert answer.status_code == 422


async def test_the_providers_own_time_of_the_log_in_counts(world: World, doors: Doors) -> None:
    """Who was seen by the provider an hour ago has to show themselves before something dangerous."""
    admin, sub = await doors.newcomer(), a_sub()
    told = {"sub": sub, "email": an_address(), "groups": ["heads"]}
    async with providing() as provider:
        fields = {"roles_claim": "groups", "role_mapping": {"heads": "admin"}}
        connection = await world.connect(admin, provider, **fields)
        long_ago = await world.enter(connection, provider, **told, auth_time=int(time.time()) - 3600)
        just_now = await world.enter(connection, provider, **told, auth_time=int(time.time()))
        refused = await world.change(long_ago, connection, name="Other")
        changed = await world.change(just_now, connection, name="Other")
        url = await world.begin(world.browser(), connection, afresh="true")

    assert (refused.status_code, changed.status_code) == (401, 200)
    assert "prompt=login" in url


async def test_an_app_learns_by_its_link_that_nobody_was_logged_in(world: World, doors: Doors) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        link = await world.link_of_app(connection, provider, "v" * 43, sub=a_sub())

    assert parse_qs(urlsplit(link).query) == {"error": ["address-is-missing"], "state": ["mine"]}


@pytest.mark.parametrize(
    "query",
    [
        {"return_to": "//evil.example"},
        {"return_to": "/\\evil.example"},
        {"return_to": "https://evil.example/"},
        {"return_to": "/a\tb"},
        {"app_link": "com.evil.app:/sign-on", "code_challenge": "c" * 43},
        {"app_link": APP_LINK},
        {"app_link": APP_LINK, "code_challenge": "short"},
        {"app_link": APP_LINK, "code_challenge": "c" * 43, "state": "\x00"},
    ],
)
async def test_a_sign_on_leads_to_nobody_elses_address(world: World, doors: Doors, query: dict[str, str]) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        answer = await world.browser().get(path_of(connection, **query))

    assert answer.status_code == 422


async def test_somebody_links_an_identity_with_their_account_and_unlinks_it(world: World, doors: Doors) -> None:
    admin, ada, browser, sub = await doors.newcomer(), await doors.newcomer(), world.browser(), a_sub()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        url = await world.link(ada, connection, browser)
        assert (await browser.get(provider.vouch(url, sub=sub))).status_code == 303
        entered = await world.enter(connection, provider, sub=sub)
        [identity] = await world.identities_of(ada)
        assert (entered.person_id, entered.organization_id) == (ada.person_id, admin.organization_id)
        gone = await doors.client.delete(f"{AUTH}/me/identities/{identity['id']}", headers=ada.headers)
        after = await world.sign_on(connection, provider, sub=sub)

    assert gone.status_code == 204
    assert identity["connection"] == "Example"
    # Without an address the provider's word makes nobody new.
    assert after.status_code == 403


async def test_without_newcomers_only_members_log_in(world: World, doors: Doors) -> None:
    admin, browser, sub = await doors.newcomer(), world.browser(), a_sub()
    member = await doors.member(admin, "learner")
    async with providing() as provider:
        connection = await world.connect(admin, provider, admits_newcomers=False)
        stranger = await world.sign_on(connection, provider, sub=a_sub(), email=an_address())
        url = await world.link(member, connection, browser)
        await browser.get(provider.vouch(url, sub=sub))
        entered = await world.enter(connection, provider, sub=sub)

    assert stranger.status_code == 403
    assert entered.person_id == member.person_id


async def test_a_suspended_member_stays_out(world: World, doors: Doors) -> None:
    admin, sub = await doors.newcomer(), a_sub()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        someone = await world.enter(connection, provider, sub=sub, email=an_address())
        path = f"{AUTH}/organizations/{admin.organization_id}/members/{someone.person_id}/suspend"
        assert (await doors.client.post(path, headers=admin.headers)).status_code == 200
        answer = await world.sign_on(connection, provider, sub=sub)

    assert answer.status_code == 403


async def test_a_session_that_a_provider_opened_ends_after_a_day(world: World, doors: Doors) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        someone = await world.enter(connection, provider, sub=a_sub(), email=an_address())

    refreshed = await doors.refresh(someone.refresh_token)
    [session] = (await doors.client.get(f"{AUTH}/sessions", headers=someone.headers)).json()["items"]
    assert refreshed.status_code == 200
    assert 23 * 3600 < (datetime.fromisoformat(session["ends_at"]) - clock.now()).total_seconds() <= 24 * 3600


@pytest.mark.parametrize("how", ["switched off", "deleted"])
async def test_without_its_connection_nobody_is_logged_in_any_more(world: World, doors: Doors, how: str) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        someone = await world.enter(connection, provider, sub=a_sub(), email=an_address())
        browser = world.browser()
        url = await world.begin(browser, connection)
        if how == "deleted":
            path = f"{AUTH}/sign-on-connections/{connection['id']}"
            assert (await doors.client.delete(path, headers=admin.headers)).status_code == 204
        else:
            assert (await world.change(admin, connection, is_enabled=False)).status_code == 200
        late = await browser.get(provider.vouch(url, sub=a_sub(), email=an_address()))
        again = await world.browser().get(path_of(connection))

    assert (await doors.refresh(someone.refresh_token)).status_code == 401
    assert late.status_code in (400, 404)
    assert again.status_code == 404


async def test_a_new_key_of_the_provider_is_fetched(
    world: World, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        await world.enter(connection, provider, sub=a_sub(), email=an_address())
        provider.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
        at_once = await world.sign_on(connection, provider, sub=a_sub(), email=an_address())
        monkeypatch.setattr(providers, "PAUSE_SECONDS", 0.0)
        later = await world.sign_on(connection, provider, sub=a_sub(), email=an_address())

    # So soon after the last time nobody is made to ask again.
    assert (at_once.status_code, later.status_code) == (403, 303)


async def test_the_client_shows_its_secret_as_the_provider_wants_it(world: World, doors: Doors) -> None:
    admin, told = await doors.newcomer(), {"sub": a_sub(), "email": an_address()}
    async with providing() as provider:
        connection = await world.connect(admin, provider, client_secret="a:b c")
        await world.enter(connection, provider, **told)
    async with providing(metadata={"token_endpoint_auth_methods_supported": ["client_secret_post"]}) as other:
        connection = await world.connect(admin, other, client_secret="a:b c")
        await world.enter(connection, other, sub=a_sub(), email=an_address())

    [basic] = provider.authorization
    assert str(basic).startswith("Basic ")
    assert "client_secret" not in provider.forms[0]
    assert (other.authorization, other.forms[0]["client_secret"]) == ([None], "a:b c")


async def test_an_erased_person_leaves_no_identity(world: World, doors: Doors, database: Database) -> None:
    admin, ada, browser, sub = await doors.newcomer(), await doors.newcomer(), world.browser(), a_sub()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        url = await world.link(ada, connection, browser)
        await browser.get(provider.vouch(url, sub=sub))
        exported = await tables_of(database, ada)
        assert (await doors.client.delete(f"{AUTH}/me", headers=ada.headers)).status_code == 204
        left = await tables_of(database, ada)
        after = await world.sign_on(connection, provider, sub=sub)

    assert [row["provider_subject"] for row in exported["sign_on_identities"]] == [sub]
    assert left["sign_on_identities"] == []
    assert after.status_code == 403


async def tables_of(database: Database, someone: Someone) -> dict[str, list[dict[str, Any]]]:
    async with database.transaction() as session:
        return await privacy.registry.export(session, UUID(someone.person_id))


async def test_the_organizations_log_tells_what_was_done_and_why_it_was_refused(world: World, doors: Doors) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider, client_secret="hush-hush")
        someone = await world.enter(connection, provider, sub=a_sub(), email=an_address())
        await world.sign_on(connection, provider, sub=a_sub())

    [linked] = await world.log_of(admin, "identity.link")
    [refused] = await world.log_of(admin, "sign-on.refuse")
    [created] = await world.log_of(admin, "connection.create")
    assert linked["person_id"] == someone.person_id
    assert "address" in refused["after"]["reason"]
    assert created["after"]["issuer"] == provider.issuer
    assert "hush-hush" not in str(created)


async def test_an_address_leads_to_the_ways_that_its_organization_offers(world: World, doors: Doors) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    async with providing() as provider:
        connection = await world.connect(admin, provider, name="Example University")
        before = await doors.client.get(f"{AUTH}/sign-on", params={"domain": domain})
        await world.prove(domain, admin)
        after = await doors.client.get(f"{AUTH}/sign-on", params={"domain": domain.upper()})

    assert before.json()["items"] == []
    way = {name: connection[name] for name in ("id", "name", "log_in_url")}
    assert after.json()["items"] == [way | {"required": False}]


async def test_a_refusal_is_a_page_in_the_browsers_language(world: World, doors: Doors) -> None:
    admin, browser = await doors.newcomer(), world.browser()
    browser.language = "ru"
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        answer = await world.sign_on(connection, provider, browser=browser, sub=a_sub())

    assert answer.headers["content-type"].startswith("text/html")
    assert "не сообщает ваш адрес" in answer.text
