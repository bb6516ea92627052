"""Keys at rest, and the tokens they sign."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from stoa_auth.keys import domain, signing
from stoa_auth.keys.models import SigningKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "a secret of more than thirty-two characters"


def a_key(kid: str, *, signs_from: datetime) -> SigningKey:
    return SigningKey(kid=kid, sealed=b"", signs_from=signs_from)


def test_a_sealed_key_comes_back_whole() -> None:
    key = signing.new_key()

    again = signing.unseal(signing.kid(key), signing.seal(key, secret=SECRET), secret=SECRET)

    assert again.as_dict(private=True) == key.as_dict(private=True)


def test_what_is_sealed_shows_nothing_of_the_key() -> None:
    key = signing.new_key()

    sealed = signing.seal(key, secret=SECRET)

    assert str(key.as_dict(private=True)["d"]).encode() not in sealed


def test_another_secret_or_another_id_opens_nothing() -> None:
    key = signing.new_key()
    sealed = signing.seal(key, secret=SECRET)

    for kid, secret in [(signing.kid(key), SECRET + "!"), ("another", SECRET)]:
        with pytest.raises(signing.WrongKeysSecret, match="AUTH_KEYS_SECRET"):
            signing.unseal(kid, sealed, secret=secret)


def test_the_public_half_verifies_and_holds_no_private_part() -> None:
    key, stranger = signing.new_key(), signing.new_key()
    token = signing.sign({"sub": "ada"}, key)

    public = signing.public(key)

    assert "d" not in public
    decoded = jwt.decode(token, KeySet.import_key_set({"keys": [public]}), algorithms=["EdDSA"])
    assert decoded.header == {"alg": "EdDSA", "kid": public["kid"], "typ": "at+jwt"}
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(token, KeySet.import_key_set({"keys": [signing.public(stranger)]}), algorithms=["EdDSA"])


def test_the_newest_key_signs_once_its_time_has_come() -> None:
    new, old = a_key("new", signs_from=NOON), a_key("old", signs_from=NOON - timedelta(days=90))

    assert domain.signing([new, old], at=NOON - timedelta(seconds=1)).kid == "old"
    assert domain.signing([new, old], at=NOON).kid == "new"


def test_a_first_key_made_by_a_clock_that_is_ahead_signs_already() -> None:
    assert domain.signing([a_key("only", signs_from=NOON)], at=NOON - timedelta(seconds=2)).kid == "only"
