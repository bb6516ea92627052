"""What comes back from a provider, or from who pretends to be one: refused unless every part of it fits."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from joserfc.jwk import ECKey, OKPKey, RSAKey

from stoa_common import clock
from stoa_common.testing.identities import Identities

from .conftest import Doors, an_address
from .sign_on_world import Provider, World, a_sub, providing, unsigned

ANOTHER_KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


async def answer_to(world: World, provider: Provider, **fields: Any) -> int:
    """What the browser is answered that comes back from the provider with what it gave."""
    connection = await world.connect(await world.doors.newcomer(), provider, **fields)
    return (await world.sign_on(connection, provider, sub=a_sub(), email=an_address())).status_code


@pytest.mark.parametrize(
    "key",
    [ECKey.generate_key("P-256", {"kid": "ec"}), OKPKey.generate_key("Ed25519", {"kid": "ed"}), ANOTHER_KEY],
    ids=["ES256", "EdDSA", "RS256"],
)
async def test_providers_sign_by_the_algorithm_of_their_key(world: World, key: Any) -> None:
    async with providing(key=key) as provider:
        assert await answer_to(world, provider) == 303


FORGED_CLAIMS: dict[str, dict[str, Any]] = {
    "another attempt's nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://accounts.example"},
    "no issuer": {"iss": None},
    "another client": {"aud": "another-client"},
    "no audience": {"aud": None},
    "several clients and no azp": {"aud": ["stoa", "another-client"]},
    "another client's azp": {"azp": "another-client"},
    "another's azp among several": {"aud": ["stoa", "another-client"], "azp": "another-client"},
    "expired": {"exp": int(time.time()) - 3600},
    "without an end": {"exp": None},
    "an end that is no time": {"exp": "tomorrow"},
    "from the future": {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
    "a subject with a zero in it": {"sub": "a\x00b"},
    "a subject without an end": {"sub": "a" * 256},
    "another access token's hash": {"at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"},
    "another code's hash": {"c_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"},
}


@pytest.mark.parametrize("claims", FORGED_CLAIMS.values(), ids=FORGED_CLAIMS)
async def test_an_id_token_that_says_this_is_refused(world: World, claims: dict[str, Any]) -> None:
    async with providing() as provider:
        provider.claims = claims
        assert await answer_to(world, provider) == 403


Forge = Callable[[Provider], Callable[[dict[str, Any]], str]]
FORGED_TOKENS: dict[str, Forge] = {
    "nobody": lambda _: unsigned,
    "another key of the same name": lambda provider: lambda claims: provider.sign(claims, key=ANOTHER_KEY),
    "a key of no name that is known": lambda provider: (
        lambda claims: provider.sign(claims, key=RSAKey.generate_key(2048, {"kid": "x"}))
    ),
    "the public key as a password": lambda provider: (
        lambda claims: _by_password(claims, provider.key.as_pem(private=False))
    ),
    "the client's secret": lambda _: lambda claims: _by_password(claims, b"s3cret"),
    "a key that it brings along": lambda provider: (
        lambda claims: provider.sign(claims, key=ANOTHER_KEY, kid="brought", jwk=ANOTHER_KEY.as_dict(private=False))
    ),
    "a key at an address that it names": lambda provider: (
        lambda claims: provider.sign(claims, key=ANOTHER_KEY, kid="far", jku=f"{provider.issuer}/other-keys")
    ),
    "demands": lambda provider: lambda claims: _with_header(provider, claims, crit=["exp"], exp=1),
    "an access token's type": lambda provider: lambda claims: provider.sign(claims, typ="at+jwt"),
    "a cut": lambda provider: lambda claims: provider.sign(claims)[:-40],
    "changed claims": lambda provider: lambda claims: _changed(provider.sign(claims)),
    "no JSON": lambda _: lambda _: "a.b.c",
    "no end": lambda _: lambda _: "a" * 40_000,
}


def _by_password(claims: dict[str, Any], password: bytes) -> str:
    """HS256, whose key is no key pair's; no library would do it by such a key (RFC 8725, section 2.1)."""
    signed = f"{_text({'alg': 'HS256', 'kid': 'first'})}.{_text(claims)}"
    return (
        f"{signed}.{base64.urlsafe_b64encode(hmac.digest(password, signed.encode(), 'sha256')).rstrip(b'=').decode()}"
    )


def _with_header(provider: Provider, claims: dict[str, Any], **header: Any) -> str:
    """A token whose header, signed or not, demands something."""
    _, payload, signature = provider.sign(claims).split(".")
    return ".".join([_text({"alg": "RS256", "kid": "first", **header}), payload, signature])


def _changed(token: str) -> str:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return ".".join([header, _text(claims | {"sub": "somebody-else"}), signature])


def _text(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("forge", FORGED_TOKENS.values(), ids=FORGED_TOKENS)
async def test_an_id_token_signed_by_this_is_refused(world: World, forge: Forge) -> None:
    async with providing() as provider:
        provider.forge = forge(provider)
        assert await answer_to(world, provider) == 403
        assert "/other-keys" not in provider.requests


async def test_hashes_that_fit_are_taken(world: World) -> None:
    async with providing(sent={"access_token": "the-token"}) as provider:
        half = hashlib.sha256(b"the-token").digest()[:16]
        provider.claims = {"at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode()}
        assert await answer_to(world, provider) == 303


async def test_a_token_that_another_connection_got_is_refused(world: World, doors: Doors) -> None:
    admin, kept = await doors.newcomer(), dict[str, str]()
    async with providing() as provider:
        first = await world.connect(admin, provider, client_id="first-client")
        second = await world.connect(admin, provider, client_id="second-client")
        provider.claims = {"aud": "first-client"}
        provider.forge = lambda claims: kept.setdefault("token", provider.sign(claims))
        assert (await world.sign_on(first, provider, sub=a_sub(), email=an_address())).status_code == 303
        provider.forge = lambda _: kept["token"]
        answer = await world.sign_on(second, provider, sub=a_sub(), email=an_address())

    assert answer.status_code == 403


async def test_userinfo_of_somebody_else_is_refused(world: World, doors: Doors) -> None:
    async with providing(userinfo={"sub": "somebody-else", "email": an_address()}) as provider:
        connection = await world.connect(await doors.newcomer(), provider)
        answer = await world.sign_on(connection, provider, sub=a_sub())

    assert answer.status_code == 403


async def test_a_state_that_nobody_was_given_is_refused(world: World, doors: Doors) -> None:
    async with providing() as provider:
        connection = await world.connect(await doors.newcomer(), provider)
        browser = world.browser()
        url = await world.begin(browser, connection)
        path = provider.vouch(url, sub=a_sub(), email=an_address())
        answers = [await browser.get(changed) for changed in (path.replace("state=", "state=x"), path.split("?")[0])]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert "/token" not in provider.requests


async def test_a_callback_counts_once(world: World, doors: Doors) -> None:
    async with providing() as provider:
        connection = await world.connect(await doors.newcomer(), provider)
        browser = world.browser()
        path = provider.vouch(await world.begin(browser, connection), sub=a_sub(), email=an_address())
        answers = [await browser.get(path) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 400]
    assert provider.requests.count("/token") == 1


async def test_a_callback_that_was_refused_can_not_be_tried_again(world: World, doors: Doors) -> None:
    async with providing(claims={"nonce": "another"}) as provider:
        connection = await world.connect(await doors.newcomer(), provider)
        browser = world.browser()
        path = provider.vouch(await world.begin(browser, connection), sub=a_sub(), email=an_address())
        answers = [await browser.get(path) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [403, 400]


async def test_a_log_in_that_takes_too_long_begins_again(world: World, doors: Doors) -> None:
    async with providing() as provider:
        connection = await world.connect(await doors.newcomer(), provider)
        browser = world.browser()
        path = provider.vouch(await world.begin(browser, connection), sub=a_sub(), email=an_address())
        with time_machine.travel(clock.now() + timedelta(minutes=11)):
            answer = await browser.get(path)

    assert answer.status_code == 400


async def test_nobody_is_logged_in_by_a_callback_that_another_browser_began(world: World, doors: Doors) -> None:
    """Login CSRF: an attacker begins, keeps their own provider's answer, and has a victim's browser open it."""
    async with providing() as provider:
        connection = await world.connect(await doors.newcomer(), provider)
        attacker, victim, visitor = world.browser(), world.browser(), world.browser()
        path = provider.vouch(await world.begin(attacker, connection), sub=a_sub(), email=an_address())
        await world.begin(victim, connection)
        answers = [await browser.get(path) for browser in (visitor, victim)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert "__Host-stoa-session" not in victim.cookies


async def test_an_answer_to_one_connection_is_none_to_another(world: World, doors: Doors) -> None:
    """Mix-up: a provider sends the browser on to another's, whose code would come back to it."""
    admin = await doors.newcomer()
    async with providing() as honest, providing() as evil:
        good, bad = await world.connect(admin, honest), await world.connect(await doors.newcomer(), evil)
        browser = world.browser()
        asked = dict(parse_qsl(urlsplit(await world.begin(browser, bad)).query))
        # All that the evil one knows; the honest one sends browsers only to what was registered for its own client.
        forwarded = f"{honest.issuer}/authorize?" + "&".join(
            f"{name}={value}" for name, value in (asked | {"redirect_uri": good["redirect_uri"]}).items()
        )
        answer = await browser.get(honest.vouch(forwarded, sub=a_sub(), email=an_address()))

    assert answer.status_code == 400
    assert "/token" not in honest.requests + evil.requests


@pytest.mark.parametrize(("names_itself", "iss"), [(False, "https://other.example"), (True, None)])
async def test_an_answer_of_another_issuer_is_refused(
    world: World, doors: Doors, names_itself: bool, iss: str | None
) -> None:
    """RFC 9207."""
    metadata = {"authorization_response_iss_parameter_supported": names_itself}
    async with providing(metadata=metadata) as provider:
        connection = await world.connect(await doors.newcomer(), provider)
        browser = world.browser()
        path = provider.vouch(await world.begin(browser, connection), sub=a_sub(), email=an_address())
        answer = await browser.get(path + (f"&iss={iss}" if iss else ""))

    assert answer.status_code == 403
    assert "/token" not in provider.requests


async def test_what_the_provider_refuses_is_refused(world: World, doors: Doors) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        browser = world.browser()
        asked = dict(parse_qsl(urlsplit(await world.begin(browser, connection)).query))
        answer = await browser.get(provider.callback(asked, error="access_denied"))

    [refused] = await world.log_of(admin, "sign-on.refuse")
    assert answer.status_code == 403
    assert refused["after"]["reason"] == "The provider answered access_denied."
