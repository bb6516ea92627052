"""Passkeys, by a security key in software: registered, logged in with, and what is refused."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from stoa_auth.passkeys import service as passkeys
from stoa_auth.passkeys.service import RelyingParty
from stoa_common.resources import Resources

from .conftest import Doors
from .enrolling import FACTORS, Browser, Hands, challenge, claims, finish, slug
from .security_key import BACKED_UP, PRESENT, VERIFIED, SecurityKey, base64url

ELSEWHERE = "https://stoa.example.net"


@pytest.fixture
def party(resources: Resources) -> RelyingParty:
    return resources.get(RelyingParty)


@pytest.fixture
def browser(doors: Doors, party: RelyingParty) -> Browser:
    return Browser(doors, party, SecurityKey())


@pytest.fixture
def another(doors: Doors, party: RelyingParty) -> Callable[..., Browser]:
    """Browsers with security keys of other kinds."""
    return lambda **kind: Browser(doors, party, SecurityKey(**kind))


async def test_a_passkey_logs_in_without_an_address(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    made = await browser.register(ada)

    options = await browser.options()
    answer = await browser.log_in(browser.key.get(options, origin=browser.origin))

    assert made["factor"]["kind"] == "passkey"
    assert len(made["recovery_codes"]) == 10
    assert options["userVerification"] == "required"
    assert options["allowCredentials"] == []
    assert answer.status_code == 200, answer.text
    assert answer.json()["person_id"] == ada.person_id
    assert claims(answer.json()["access_token"])["amr"] == ["hwk", "user", "mfa"]


@pytest.mark.parametrize(
    ("kind", "methods"),
    [
        ({"is_synced": True}, ["swk", "user", "mfa"]),
        ({"counts": False}, ["hwk", "user", "mfa"]),
        ({"attests": True}, ["hwk", "user", "mfa"]),
    ],
)
async def test_keys_of_each_kind_log_in_twice(
    doors: Doors, another: Callable[..., Browser], kind: dict[str, bool], methods: list[str]
) -> None:
    browser = another(**kind)
    await browser.register(await doors.newcomer())

    for _ in range(2):
        answer = await browser.log_in(browser.key.get(await browser.options(), origin=browser.origin))

        assert answer.status_code == 200, answer.text
        assert claims(answer.json()["access_token"])["amr"] == methods


async def test_registration_asks_for_a_key_that_is_found_and_knows_its_person(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    made = await browser.register(ada)

    options = await browser.registration(ada)

    assert options["rp"] == {"id": browser.party.id, "name": browser.party.name}
    assert options["user"]["name"] == ada.email
    selection = options["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
    assert options["attestation"] == "none"
    assert [each["id"] for each in options["excludeCredentials"]] == [base64url(browser.key.credential_id)]
    assert made["factor"]["name"] == "My key"


async def test_a_passkey_finishes_a_log_in_by_password(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    await browser.register(ada)
    waiting = await challenge(doors, ada.email)

    options = await browser.options("/api/v1/auth/login/second-factor/passkey", json={"challenge": waiting})
    answer = await finish(doors, waiting, passkey=browser.key.get(options, origin=browser.origin))

    assert [each["id"] for each in options["allowCredentials"]] == [base64url(browser.key.credential_id)]
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["amr"] == ["pwd", "hwk", "user", "mfa"]


async def test_an_answer_is_good_once(doors: Doors, browser: Browser) -> None:
    await browser.register(await doors.newcomer())
    credential = browser.key.get(await browser.options(), origin=browser.origin)

    answers = [await browser.log_in(credential) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 401]
    assert slug(answers[1]) == "passkey-is-refused"


async def test_of_parallel_uses_of_one_answer_one_logs_in(doors: Doors, browser: Browser) -> None:
    await browser.register(await doors.newcomer())
    credential = browser.key.get(await browser.options(), origin=browser.origin)

    answers = await asyncio.gather(*(browser.log_in(credential) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": ELSEWHERE},
        {"origin": "http://localhost:8000.example.net"},
        {"rp_id": "example.net"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": PRESENT | VERIFIED | BACKED_UP},
    ],
)
async def test_what_was_signed_for_others_or_by_nobody_is_refused(
    doors: Doors, browser: Browser, lie: dict[str, Any]
) -> None:
    await browser.register(await doors.newcomer())

    told = {"origin": browser.origin, **lie}
    answer = await browser.log_in(browser.key.get(await browser.options(), **told))

    assert (answer.status_code, slug(answer)) == (401, "passkey-is-refused")


async def test_a_challenge_of_ones_own_is_refused(doors: Doors, browser: Browser) -> None:
    await browser.register(await doors.newcomer())
    options = {**await browser.options(), "challenge": base64url(b"a challenge that nobody gave out")}

    answer = await browser.log_in(browser.key.get(options, origin=browser.origin))

    assert answer.status_code == 401


async def test_a_challenge_is_good_for_five_minutes(
    doors: Doors, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.register(await doors.newcomer())
    hands = Hands()
    monkeypatch.setattr(passkeys, "clock", hands)
    options = await browser.options()
    hands.turn(timedelta(minutes=5, seconds=1))

    answer = await browser.log_in(browser.key.get(options, origin=browser.origin))

    assert answer.status_code == 401


async def test_a_challenge_is_good_for_what_it_was_made_for(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    await browser.register(ada)
    waiting = await challenge(doors, ada.email)
    of_factor = await browser.options("/api/v1/auth/login/second-factor/passkey", json={"challenge": waiting})

    logged_in = await browser.log_in(browser.key.get(of_factor, origin=browser.origin))
    finished = await finish(doors, waiting, passkey=browser.key.get(await browser.options(), origin=browser.origin))

    assert (logged_in.status_code, finished.status_code) == (401, 401)


async def test_a_passkey_is_no_second_factor_of_somebody_else(
    doors: Doors, browser: Browser, another: Callable[..., Browser]
) -> None:
    ada, mallory = await doors.newcomer(), another()
    await browser.register(ada)
    await mallory.register(await doors.newcomer())
    waiting = await challenge(doors, ada.email)

    options = await browser.options("/api/v1/auth/login/second-factor/passkey", json={"challenge": waiting})
    answer = await finish(doors, waiting, passkey=mallory.key.get(options, origin=mallory.origin))

    assert answer.status_code == 401


async def test_another_key_that_says_it_is_this_one_is_refused(
    doors: Doors, browser: Browser, another: Callable[..., Browser]
) -> None:
    await browser.register(await doors.newcomer())
    thief = another(credential_id=browser.key.credential_id, user_handle=browser.key.user_handle, uses=100)

    answer = await thief.log_in(thief.key.get(await thief.options(), origin=thief.origin))

    assert (answer.status_code, slug(answer)) == (401, "passkey-is-refused")


async def test_a_copied_key_is_noticed(doors: Doors, browser: Browser, another: Callable[..., Browser]) -> None:
    await browser.register(await doors.newcomer())
    copy = another(**{name: getattr(browser.key, name) for name in ("private_key", "credential_id", "user_handle")})
    await browser.log_in(browser.key.get(await browser.options(), origin=browser.origin))

    answer = await copy.log_in(copy.key.get(await copy.options(), origin=copy.origin))

    assert (answer.status_code, slug(answer)) == (401, "passkey-looks-copied")


async def test_a_key_of_another_site_registers_nothing(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()

    for lie in ({"origin": ELSEWHERE}, {"origin": browser.origin, "rp_id": "example.net"}):
        answer = await browser.keep(ada, browser.key.create(await browser.registration(ada), **lie))

        assert (answer.status_code, slug(answer)) == (422, "passkey-does-not-fit")
    assert (await doors.log_in(ada.email)).status_code == 200


async def test_what_was_made_for_one_person_registers_nothing_for_another(doors: Doors, browser: Browser) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    credential = browser.key.create(await browser.registration(ada), origin=browser.origin)

    refused = await browser.keep(bob, credential)
    kept = await browser.keep(ada, credential)
    again = await browser.keep(ada, credential)

    assert [each.status_code for each in (refused, kept, again)] == [422, 201, 422]


async def test_a_passkey_belongs_to_one_person(doors: Doors, browser: Browser) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    await browser.register(ada)

    answer = await browser.keep(bob, browser.key.create(await browser.registration(bob), origin=browser.origin))

    assert (answer.status_code, slug(answer)) == (409, "passkey-is-known")
    assert (await doors.log_in(bob.email)).status_code == 200


async def test_a_removed_passkey_opens_nothing(doors: Doors, browser: Browser) -> None:
    ada = await doors.newcomer()
    made = await browser.register(ada)
    await doors.client.delete(f"{FACTORS}/{made['factor']['id']}", headers=ada.headers)

    answer = await browser.log_in(browser.key.get(await browser.options(), origin=browser.origin))

    assert answer.status_code == 401
    assert (await doors.log_in(ada.email)).status_code == 200


async def test_a_passkey_of_one_person_is_not_taken_for_anothers_handle(doors: Doors, browser: Browser) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    await browser.register(ada)
    credential = browser.key.get(await browser.options(), origin=browser.origin)
    credential["response"]["userHandle"] = base64url(bytes.fromhex(bob.person_id.replace("-", "")))

    answer = await browser.log_in(credential)

    assert answer.status_code == 401


@pytest.mark.parametrize("shown", [{}, {"id": "a", "rawId": "a", "type": "public-key", "response": {}}, "text", None])
async def test_what_is_no_passkey_is_said_to_be_none(doors: Doors, shown: Any) -> None:
    answer = await doors.client.post("/api/v1/auth/login/passkey", json={"passkey": shown})

    assert (answer.status_code, slug(answer)) == (422, "invalid-request")
