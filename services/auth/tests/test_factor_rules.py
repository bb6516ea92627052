"""Rules of second factors: which codes count when, what recovery codes look like, what is sealed."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from stoa_auth.factors import domain, provider
from stoa_auth.factors.sealing import FactorIsSealed, FactorSealer
from stoa_auth.sessions import second_factors
from stoa_auth.settings import Settings
from stoa_common.ids import new_id

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
#: RFC 6238, appendix B: SHA-1, eight digits, of which an app with six shows the last.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = {59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"}
moments = st.floats(1.6e9, 4.1e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@pytest.mark.parametrize(("second", "code"), RFC_CODES.items())
def test_codes_are_those_of_the_rfc(second: int, code: str) -> None:
    assert provider.code(RFC_SECRET, second // domain.STEP_SECONDS) == code


def numbered(step: int) -> str:
    """Codes that tell which step they are of, so that none is another's by chance."""
    return str(step)


@given(at=moments, off=st.integers(-5, 5), last=st.integers(-5, 5) | st.none())
def test_a_code_counts_within_one_step_and_only_after_the_last_that_counted(
    at: datetime, off: int, last: int | None
) -> None:
    now = domain.step(at)
    last_step = None if last is None else now + last

    found = domain.find_step(numbered(now + off), numbered, last_step=last_step, at=at)

    counts = abs(off) <= 1 and (last is None or off > last)
    assert found == (now + off if counts else None)


@given(at=moments, seconds=st.floats(0, 29.9))
def test_a_phone_whose_clock_is_half_a_minute_off_is_understood(at: datetime, seconds: float) -> None:
    for clock in (at - timedelta(seconds=seconds), at + timedelta(seconds=seconds)):
        shown = pyotp.TOTP(SECRET).at(clock)

        assert domain.find_step(shown, partial(provider.code, SECRET), last_step=None, at=at) is not None


@given(at=moments)
def test_a_code_that_counted_counts_never_again(at: datetime) -> None:
    code = provider.code(SECRET, domain.step(at))
    used = domain.find_step(code, partial(provider.code, SECRET), last_step=None, at=at)

    for later in range(4):
        moment = at + later * timedelta(seconds=domain.STEP_SECONDS)
        again = domain.find_step(code, partial(provider.code, SECRET), last_step=used, at=moment)
        # A later step may have the same digits by chance, and then it is another code.
        assert again is None or (used is not None and again > used)


@given(st.text(max_size=20))
def test_what_is_no_code_is_no_code(text: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)

    found = domain.find_step(text, numbered, last_step=None, at=at)

    assert (found is not None) == (text in {str(domain.step(at) + off) for off in (-1, 0, 1)})


def test_there_are_ten_recovery_codes_and_each_is_another() -> None:
    codes = domain.new_recovery_codes()

    assert len(set(codes)) == 10
    assert all(len(code) == 14 and code.count("-") == 2 for code in codes)


def test_a_recovery_code_is_read_as_people_type_it() -> None:
    [code, *_] = domain.new_recovery_codes()
    letters = code.replace("-", "")

    typed = [code, code.lower(), letters, f" {code} ", code.replace("-", " "), letters.replace("0", "O")]

    assert {domain.read_recovery_code(each) for each in typed} == {letters}


@given(st.text(max_size=40))
def test_reading_a_recovery_code_never_fails(text: str) -> None:
    letters = domain.read_recovery_code(text)

    assert letters is None or len(letters) == 12


@given(st.from_regex(r"\A[0-9]{6}\Z"))
def test_an_apps_code_is_never_taken_for_a_recovery_code(code: str) -> None:
    assert not domain.is_recovery_code(code)


def test_a_secret_opens_for_its_factor_and_under_its_setting_alone() -> None:
    sealer, factor_id = FactorSealer("one secret" * 4), new_id()
    sealed = sealer.seal(SECRET, factor_id=factor_id)

    assert SECRET.encode() not in sealed
    assert sealer.open(sealed, factor_id=factor_id) == SECRET
    with pytest.raises(FactorIsSealed):
        sealer.open(sealed, factor_id=new_id())
    with pytest.raises(FactorIsSealed):
        FactorSealer("another one" * 4).open(sealed, factor_id=factor_id)


def test_the_hash_of_a_recovery_code_is_its_persons_and_the_settings() -> None:
    sealer, ada, bob = FactorSealer("one secret" * 4), new_id(), new_id()

    hashes = {
        sealer.hash_code("7KQM20XDWAZP", person_id=ada),
        sealer.hash_code("7KQM20XDWAZP", person_id=bob),
        FactorSealer("another one" * 4).hash_code("7KQM20XDWAZP", person_id=ada),
    }

    assert len(hashes) == 3


def test_a_picture_shows_what_an_app_is_set_up_with() -> None:
    shared = provider.set_up(SECRET, account="ada@example.org", issuer="Stoa")

    assert shared.uri.startswith("otpauth://totp/Stoa:ada%40example.org?")
    assert f"secret={SECRET}" in shared.uri
    assert shared.qr_svg.startswith("<svg ")
    assert shared.qr_svg.endswith("</svg>")


@pytest.mark.parametrize(
    ("told", "domain_of_passkeys", "origins"),
    [
        ({}, "localhost", ("http://localhost:8000",)),
        ({"public_url": "http://127.0.0.1:9000"}, "localhost", ("http://localhost:9000",)),
        ({"public_url": "https://learn.example.com"}, "learn.example.com", ("https://learn.example.com",)),
        (
            {
                "public_url": "https://learn.example.com",
                "webauthn_rp_id": "example.com",
                "webauthn_origins": "https://app.example.com, android:apk-key-hash:abc",
            },
            "example.com",
            ("https://learn.example.com", "https://app.example.com", "android:apk-key-hash:abc"),
        ),
    ],
)
def test_passkeys_are_for_where_people_reach_the_platform(
    told: dict[str, Any], domain_of_passkeys: str, origins: tuple[str, ...]
) -> None:
    settings = Settings(keys_secret=SecretStr("a secret for tests, long enough for all"), **told)

    assert settings.passkey_domain == domain_of_passkeys
    assert settings.passkey_origins == origins


@pytest.mark.parametrize(
    ("proved", "together"),
    [
        ([("pwd",)], ("pwd",)),
        ([("pwd",), ("otp",)], ("pwd", "otp", "mfa")),
        ([("pwd",), ("hwk", "user", "mfa")], ("pwd", "hwk", "user", "mfa")),
        ([("otp",), ("otp",)], ("otp",)),
        ([("pwd", "otp", "mfa"), ("pwd",)], ("pwd", "otp", "mfa")),
    ],
)
def test_a_password_and_something_that_is_held_are_several_factors(
    proved: list[tuple[str, ...]], together: tuple[str, ...]
) -> None:
    assert second_factors.combined(*proved) == together
