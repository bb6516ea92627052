"""Whatever bytes a stranger sends in the place of a passkey, the answer is a refusal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa_auth.database import Passkey
from stoa_auth.passkeys import provider
from stoa_auth.passkeys.domain import PasskeyDoesNotFit, PasskeyIsRefused, RelyingParty

from .security_key import base64url, cbor

PARTY = RelyingParty("localhost", "Stoa", ("http://localhost:8000",))
parts = st.binary(min_size=1, max_size=200).map(base64url)
client_data = st.sampled_from(["webauthn.create", "webauthn.get"]).map(
    lambda kind: base64url(f'{{"type": "{kind}", "challenge": "AAAA", "origin": "http://localhost:8000"}}'.encode())
)
attested = st.fixed_dictionaries(
    {
        "fmt": st.sampled_from(["none", "packed", "tpm", "x"]),
        "attStmt": st.just({}),
        "authData": st.binary(max_size=200),
    }
).map(lambda made: base64url(cbor(made)))


@settings(max_examples=60, deadline=None)
@given(client_data=parts | client_data, attestation=parts | attested, raw_id=parts)
def test_no_bytes_of_a_stranger_are_an_error_of_ours(client_data: str, attestation: str, raw_id: str) -> None:
    response = {"clientDataJSON": client_data, "attestationObject": attestation}
    credential = {"id": raw_id, "rawId": raw_id, "type": "public-key", "response": response}

    with pytest.raises(PasskeyDoesNotFit):
        provider.verify_registration(credential, b"\0\0\0", PARTY)


@pytest.mark.parametrize(
    "hostile",
    [
        # Longer than any memory, deeper than any stack, and without an end.
        *(b"\x9b" + b"\xff" * 8, b"\x5b\x00\x00\x00\x7f" + b"\xff" * 4, b"\xbb\x00\x00\x00\x00\x7f" + b"\xff" * 3),
        *(b"\x81" * 7000, b"\xa1" * 7000, b"\xd8\x1c" * 3000, b"\x9f" * 7000),
    ],
)
def test_hostile_bytes_are_refused(hostile: bytes) -> None:
    told = b'{"type": "webauthn.create", "challenge": "AAAA", "origin": "http://localhost:8000"}'
    response = {"clientDataJSON": base64url(told), "attestationObject": base64url(hostile)}
    credential = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": response}

    with pytest.raises(PasskeyDoesNotFit):
        provider.verify_registration(credential, b"\0\0\0", PARTY)


@settings(max_examples=60, deadline=None)
@given(data=parts, signature=parts, told=parts | client_data, public_key=st.binary(max_size=100))
def test_no_signature_of_a_stranger_is_an_error_of_ours(
    data: str, signature: str, told: str, public_key: bytes
) -> None:
    response = {"clientDataJSON": told, "authenticatorData": data, "signature": signature, "userHandle": None}
    credential = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": response}

    with pytest.raises(PasskeyIsRefused):
        provider.verify_use(credential, b"\0\0\0", Passkey(public_key=public_key), PARTY)
