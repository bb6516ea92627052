"""Log-in through an organization, step-up and identities in a real browser, by the keyboard alone: in both languages,
light and dark, narrow, without scripts.
"""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from sqlalchemy import update

from stoa_auth.database import LoginSession
from stoa_auth.rendering import texts
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.service import Service
from stoa_common.testing.identities import Identities

from .browser import PAGES
from .chromium import Person, launched, left, needs_chromium
from .conftest import PASSWORD, Doors, Someone
from .enrolling import Hands, enroll
from .pages_walk import EVERYWHERE, at_desk, give_passkey, opened
from .sign_on_world import AUTH, Provider, World, a_domain, a_sub, providing

pytestmark = [needs_chromium, pytest.mark.slow]
UNIVERSITY = "Example University"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def port(
    service: Service, resources: Resources, identities: Identities, database: Database
) -> AsyncIterator[int]:
    async with opened(service, resources, identities, database) as port:
        yield port


@pytest.fixture(autouse=True)
async def nobody_stays(chromium: Browser) -> AsyncIterator[None]:
    yield
    await left(chromium)


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


@pytest.fixture
async def owner(doors: Doors) -> Someone:
    return await doors.newcomer()


@pytest.fixture
async def domain(world: World, owner: Someone) -> str:
    """The owner's organization's."""
    domain = a_domain()
    await world.prove(domain, owner)
    return domain


@pytest.fixture
async def provider(world: World, owner: Someone, port: int) -> AsyncIterator[Provider]:
    """The owner's organization's; a connection tells its addresses for the port."""
    async with providing() as provider:
        await world.connect(owner, provider, name=UNIVERSITY)
        yield provider


@pytest.fixture
async def ada(doors: Doors, owner: Someone, domain: str) -> Someone:
    """A member, with a password of her own."""
    email = f"ada@{domain}"
    answer = await doors.register(email, invitation=await doors.invite(owner, "learner"))
    assert answer.status_code == 202, answer.text
    return await doors.enter(email)


async def an_hour_passes(database: Database, someone: Someone) -> None:
    async with database.transaction() as session:
        theirs = LoginSession.person_id == UUID(someone.person_id)
        await session.execute(
            update(LoginSession).where(theirs).values(authenticated_at=clock.now() - timedelta(hours=1))
        )


async def retype(person: Person, label: str, text: str) -> None:
    """In place of what stands in the field."""
    await person.go_to(label)
    await person.page.keyboard.press("Control+A")
    await person.page.keyboard.type(text)


async def log_in_there(person: Person) -> None:
    """At the provider, whose page is not ours to look at."""
    async with person.page.expect_navigation():
        await person.page.get_by_role("link", name="Log in there").press("Enter")


@pytest.mark.parametrize(("language", "scheme"), EVERYWHERE)
async def test_somebody_logs_in_through_their_organization_by_the_keyboard(
    chromium: Browser, port: int, provider: Provider, domain: str, language: str, scheme: str
) -> None:
    person = await at_desk(chromium, port, language=language, scheme=scheme)
    words = partial(texts.say, language)
    provider.sitting = {"sub": a_sub(), "email": f"new@{domain}", "email_verified": True}

    await person.open(f"{PAGES}/log-in?next=/api/v1/auth/pages/identities")
    await person.press(words("log-in.organization"))
    await person.look("sign-on")
    await person.type(words("log-in.email"), "ada@nowhere.example")
    await person.press(words("sign-on.button"))
    await person.look("sign-on-problem")
    await retype(person, words("log-in.email"), f"new@{domain}")
    await person.press(words("sign-on.button"))
    await person.look("sign-on-ways")
    await person.press(words("sign-on.go", name=UNIVERSITY))
    await log_in_there(person)
    await person.arrive(words("identities.title"))
    await person.look("identities-signed-on")

    await person.open(f"{PAGES}/step-up?next=/api/v1/auth/pages/account")
    await person.look("step-up-providers")
    await person.press(words("sign-on.go", name=UNIVERSITY))
    await log_in_there(person)
    await person.arrive(words("account.title"))
    await person.look("account-signed-on")


@pytest.mark.parametrize(("language", "scheme"), EVERYWHERE)
async def test_somebody_proves_anew_who_they_are_and_minds_their_identities_by_the_keyboard(
    chromium: Browser,
    port: int,
    provider: Provider,
    ada: Someone,
    owner: Someone,
    doors: Doors,
    database: Database,
    language: str,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = await at_desk(chromium, port, language=language, scheme=scheme)
    words = partial(texts.say, language)
    provider.sitting = {"sub": a_sub()}
    policy = await doors.client.put(f"{AUTH}/sign-on-policy", json={"required": True}, headers=owner.headers)
    assert policy.status_code == 200, policy.text

    # Her organization demands its provider, and her account is her own.
    await person.open(f"{PAGES}/log-in?next=/api/v1/auth/pages/identities")
    for look in ("sign-on-demanded", "identities"):
        await retype(person, words("log-in.email"), ada.email)
        await person.type(words("log-in.password"), PASSWORD)
        await person.press(words("log-in.button"))
        await person.look(look)
        if look == "sign-on-demanded":
            await person.press(words("sign-on.by-password-anyway"))

    await person.open(f"{PAGES}/account")
    await person.look("account-demanded")
    await person.press(words("identities.title"))
    await person.press(words("identities.link", name=UNIVERSITY))
    await person.page.wait_for_url(f"{provider.issuer}/authorize**")
    await log_in_there(person)
    await person.arrive(words("identities.title"))
    await person.look("identities-linked")

    await an_hour_passes(database, ada)
    await person.press(words("identities.unlink", name=UNIVERSITY))
    await person.look("step-up")
    await person.type(words("log-in.password"), "a wrong password")
    await person.press(words("second-factor.button"))
    await person.look("step-up-problem")
    await person.type(words("log-in.password"), PASSWORD)
    await person.press(words("second-factor.button"))
    await person.arrive(words("identities.title"))
    await person.press(words("identities.unlink", name=UNIVERSITY))
    await person.look("identities-none")

    hands = Hands()
    monkeypatch.setattr("stoa_auth.factors.codes.clock", hands)
    monkeypatch.setattr("stoa_auth.factors.service.clock", hands)
    app = await enroll(doors, await doors.enter(ada.email), hands)
    await person.open(f"{PAGES}/step-up")
    await person.look("step-up-code")
    await person.type(words("second-factor.code"), app.next_code())
    await person.press(words("second-factor.button"))
    await person.arrive(words("account.title"))


async def test_a_passkey_proves_anew_who_somebody_is(
    chromium: Browser, port: int, doors: Doors, owner: Someone, database: Database
) -> None:
    person = await at_desk(chromium, port)
    await give_passkey(person, doors, owner)
    await person.press("Log in with a passkey")
    await person.arrive("You are logged in")
    await an_hour_passes(database, owner)
    await person.open(f"{PAGES}/step-up?next=/api/v1/auth/pages/identities")
    await person.look("step-up-passkey")

    await person.press("Use a passkey")

    await person.arrive("Log-ins of your organizations")
    await person.open("/api/v1/auth/browser-session")
    proved = datetime.fromisoformat(json.loads(await person.page.inner_text("body"))["authenticated_at"])
    assert clock.now() - proved < timedelta(minutes=10)


async def test_without_scripts_an_organizations_people_log_in(
    chromium: Browser, port: int, provider: Provider, domain: str
) -> None:
    person = await at_desk(chromium, port, java_script_enabled=False)
    provider.sitting = {"sub": a_sub(), "email": f"new@{domain}", "email_verified": True}
    page = person.page

    await person.open(f"{PAGES}/log-in")
    await page.get_by_label("E-mail address").fill(f"new@{domain}")
    await page.get_by_role("button", name="Log in through your organization").click()
    await page.get_by_role("link", name=f"Go on to {UNIVERSITY}").click()
    await page.get_by_role("link", name="Log in there").click()

    await person.arrive("You are logged in")


async def test_without_scripts_an_identity_is_linked(
    chromium: Browser, port: int, provider: Provider, ada: Someone
) -> None:
    person = await at_desk(chromium, port, java_script_enabled=False)
    provider.sitting = {"sub": a_sub()}
    page = person.page
    await person.open(f"{PAGES}/log-in?next=/api/v1/auth/pages/identities")
    await page.get_by_label("E-mail address").fill(ada.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in", exact=True).click()

    await page.get_by_role("button", name=f"Link {UNIVERSITY}").click()
    await page.get_by_role("link", name="Log in there").click()

    await page.get_by_role("button", name=f"Unlink {UNIVERSITY}").wait_for()


async def test_the_pages_fit_a_narrow_screen(
    chromium: Browser, port: int, provider: Provider, ada: Someone, domain: str
) -> None:
    person = await at_desk(chromium, port, language="ru", viewport={"width": 320, "height": 560})
    words = partial(texts.say, "ru")

    await person.open(f"{PAGES}/sign-on")
    await person.type(words("log-in.email"), ada.email)
    await person.press(words("sign-on.button"))
    await person.look("narrow-sign-on-ways")
    await person.open(f"{PAGES}/log-in?next=/api/v1/auth/pages/identities")
    await person.type(words("log-in.email"), ada.email)
    await person.type(words("log-in.password"), PASSWORD)
    await person.press(words("log-in.button"))
    await person.look("narrow-identities")
    await person.open(f"{PAGES}/step-up")
    await person.look("narrow-step-up")
