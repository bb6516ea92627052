"""Where a provider that somebody typed makes us knock: never inside, not for long, and not for much."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from stoa_auth.sign_on import provider as providers
from stoa_auth.sign_on.provider import Providers
from stoa_auth.sign_on.refusals import ProviderIsAway, ProviderIsRefused
from stoa_common.outgoing.client import Lookup, OutgoingClient
from stoa_common.testing.identities import Identities

from .conftest import Doors, an_address
from .sign_on_world import ALLOWED_HOST, FORBIDDEN_HOST, World, a_sub, providing

ALLOWED = [ipaddress.ip_network(f"{ALLOWED_HOST}/32")]


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


@asynccontextmanager
async def asking(lookup: Lookup | None = None, *, timeout_seconds: float = 5.0) -> AsyncIterator[Providers]:
    client = OutgoingClient(
        user_agent="tests", timeout_seconds=timeout_seconds, allow_http=True, allowed=ALLOWED, lookup=lookup
    )
    asked = Providers(client, allow_http=True)
    yield asked
    await asked.close()


ISSUERS = [
    "http://127.0.0.1:{port}", "http://localhost:{port}", "http://2130706433:{port}", "http://[::ffff:127.0.0.1]:{port}",
    "http://0.0.0.0:{port}", "http://127.1:{port}", "http://user@127.0.0.2:{port}", "http://127.0.0.2:{port}/#x",
    "file:///etc/passwd", "gopher://127.0.0.1:{port}", "//127.0.0.1:{port}", "", "http://", "http://127.0.0.2:99999",
    "https://169.254.169.254", "https://10.0.0.1", "https://nowhere.invalid", "http://127.0.0.2:{port}\r\nX: y",
]  # fmt: skip


@pytest.mark.parametrize("issuer", ISSUERS)
async def test_an_issuer_inside_is_refused_and_never_asked(world: World, doors: Doors, issuer: str) -> None:
    async with providing(host=FORBIDDEN_HOST) as inside:
        answer = await world.try_to_connect(await doors.newcomer(), issuer.format(port=inside.port))

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["issuer"]
    assert inside.requests == []


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
async def test_metadata_that_leads_inside_reaches_nothing(world: World, doors: Doors, endpoint: str) -> None:
    async with providing(host=FORBIDDEN_HOST) as inside, providing() as provider:
        provider.metadata = {endpoint: f"{inside.issuer}/secret"}
        connection = await world.connect(await doors.newcomer(), provider)
        answer = await world.sign_on(connection, provider, sub=a_sub())

    assert answer.status_code in (403, 502)
    assert inside.requests == []


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
async def test_a_redirect_is_not_followed(world: World, doors: Doors, path: str) -> None:
    async with providing(host=FORBIDDEN_HOST) as inside, providing() as provider:
        sent = web.HTTPTemporaryRedirect(f"{inside.issuer}{path}")
        if "well-known" in path:
            provider.answers[path] = lambda: sent
            status = (await world.try_to_connect(await doors.newcomer(), provider.issuer)).status_code
        else:
            connection = await world.connect(await doors.newcomer(), provider)
            provider.answers[path] = lambda: sent
            status = (await world.sign_on(connection, provider, sub=a_sub(), email=an_address())).status_code

    assert status in (403, 422)
    assert inside.requests == []


async def test_a_name_that_turns_inward_after_the_check_reaches_nothing() -> None:
    turns = [[ALLOWED_HOST], [FORBIDDEN_HOST]]

    async def lookup(_: str) -> Sequence[str]:
        return turns.pop(0) if len(turns) > 1 else turns[0]

    async with providing(host=FORBIDDEN_HOST) as inside, asking(lookup) as asked:
        with pytest.raises(ProviderIsAway) as refused:
            await asked.check(f"http://login.example.com:{inside.port}")

    assert "not public" in refused.value.reason
    assert inside.requests == []


async def test_without_the_setting_a_provider_speaks_tls() -> None:
    async with providing() as provider, asking() as asked:
        strict = Providers(OutgoingClient(user_agent="tests", timeout_seconds=5, allowed=ALLOWED))
        with pytest.raises(ProviderIsAway):
            await strict.describe(provider.issuer)
        assert provider.requests == []
        assert (await asked.describe(provider.issuer)).issuer == provider.issuer


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://accounts.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"jwks_uri": "javascript:alert(1)"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "data:text/html,hello"},
        {"token_endpoint": 7},
        {"userinfo_endpoint": "ftp://127.0.0.2/"},
    ],
)
async def test_metadata_that_is_none_is_refused(metadata: dict[str, Any]) -> None:
    async with providing(metadata=metadata) as provider, asking() as asked:
        with pytest.raises(ProviderIsRefused):
            await asked.describe(provider.issuer)


async def _never() -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


ODD_ANSWERS: dict[str, Any] = {
    "huge": lambda: {"issuer": "x" * 400_000},
    "no JSON": lambda: web.Response(text="<html>"),
    "a list": lambda: [1, 2],
    "deep": lambda: web.Response(text="[" * 100_000, content_type="application/json"),
    "away": lambda: web.Response(status=503),
    "forbidden": lambda: web.Response(status=403),
    "packed": lambda: web.Response(body=b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("made", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
async def test_an_answer_that_is_none_is_refused(made: Any) -> None:
    async with providing(answers={"/.well-known/openid-configuration": made}) as provider, asking() as asked:
        with pytest.raises((ProviderIsAway, ProviderIsRefused)):
            await asked.describe(provider.issuer)


async def test_a_provider_that_never_answers_is_left_at_the_time_limit() -> None:
    async with (
        providing(answers={"/.well-known/openid-configuration": _never}) as provider,
        asking(timeout_seconds=0.3) as asked,
    ):
        with pytest.raises(ProviderIsAway) as away:
            await asked.describe(provider.issuer)

    assert away.value.reason == "No answer within the time limit."


async def test_a_provider_that_is_away_is_not_asked_by_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"/.well-known/openid-configuration": lambda: web.Response(status=503)}
    async with providing(answers=answers) as provider, asking() as asked:
        found = await asyncio.gather(*(asked.describe(provider.issuer) for _ in range(20)), return_exceptions=True)
        asked_meanwhile = len(provider.requests)
        provider.answers.clear()
        monkeypatch.setattr(providers, "PAUSE_SECONDS", 0.0)
        back = await asked.describe(provider.issuer)

    assert {type(each) for each in found} == {ProviderIsAway}
    assert asked_meanwhile == 1
    assert back.issuer == provider.issuer


async def test_metadata_and_keys_are_remembered(world: World, doors: Doors) -> None:
    async with providing() as provider:
        connection = await world.connect(await doors.newcomer(), provider)
        for _ in range(3):
            assert (await world.sign_on(connection, provider, sub=a_sub(), email=an_address())).status_code == 303

    assert provider.requests.count("/.well-known/openid-configuration") == 1
    assert provider.requests.count("/keys") == 1


async def test_a_provider_that_goes_away_is_said_to_be_away(world: World, doors: Doors) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        browser = world.browser()
        path = provider.vouch(await world.begin(browser, connection), sub=a_sub(), email=an_address())
    answer = await browser.get(path)

    [refused] = await world.log_of(admin, "sign-on.refuse")
    assert answer.status_code == 502
    assert "connection was refused" in refused["after"]["reason"]
