"""A provider's clock may be a little behind ours: who has just logged in anew there is not asked again and again."""

import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_auth.sign_on import domain
from stoa_common.testing.identities import Identities

from .conftest import Doors
from .oauth_world import register
from .sign_on_world import World, a_domain, a_sub, providing
from .test_pages_sign_on import links, path_of, university

NOON = datetime(2026, 6, 24, 12, tzinfo=UTC)
SECONDS = st.integers(-10_000, 10_000)


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


@pytest.mark.parametrize(
    ("behind", "proved_before", "then"),
    [
        pytest.param(30, 0, "/api/v1/auth/authorize", id="its clock is behind"),
        pytest.param(0, 30, "/api/v1/auth/pages/log-in", id="its clock is right, and it asked for nothing"),
    ],
)
async def test_who_has_logged_in_anew_goes_on_though_the_providers_clock_is_behind(
    world: World, doors: Doors, behind: int, proved_before: int, then: str
) -> None:
    admin, domain_name, browser = await doors.newcomer(), a_domain(), world.browser()
    app = await register(doors.client, admin.headers)
    async with providing() as provider:
        await university(world, admin, provider, domain_name)
        asked = await browser.get(app.link(prompt="login"))
        ways = await browser.submit(asked.headers["location"].replace("/log-in", "/sign-on"), email=f"a@{domain_name}")
        sent = await browser.get(path_of(links(ways)["Go on to Example University"]))
        provider.claims = {"iat": int(time.time()) - behind, "auth_time": int(time.time()) - behind - proved_before}
        back = await browser.get(provider.vouch(sent.headers["location"], sub=a_sub(), email=f"a@{domain_name}"))
        shown = await browser.get(back.headers["location"])

    led = shown.headers.get("location", back.headers["location"])
    assert urlsplit(led).path == then


@given(behind=SECONDS, ago=SECONDS, says=st.booleans())
def test_no_proof_is_of_the_future_nor_set_right_by_more_than_tokens_may_be(behind: int, ago: int, says: bool) -> None:
    now = NOON.timestamp()
    auth_time = int(now) - behind - ago
    issued = {"iat": int(now) - behind} if says else {}
    told = domain.read_claims({"sub": "a", "auth_time": auth_time, **issued}, roles_claim=None)

    proved = domain.authenticated_at(told, at=NOON).timestamp()

    said = min(float(auth_time), now)
    assert said <= proved <= min(now, said + domain.LEEWAY_SECONDS)
    if says and 0 <= behind <= domain.LEEWAY_SECONDS and ago >= 0:
        assert proved == now - ago
