"""WebAuthn behind our words: what browsers are asked, and whether what they answer holds (W3C, level 3)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_client_data_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.parse_attestation_object import parse_attestation_object
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from stoa_auth.passkeys.domain import (
    CHALLENGE_TTL,
    NewCredential,
    PasskeyDoesNotFit,
    PasskeyIsRefused,
    RelyingParty,
    Use,
)
from stoa_auth.passkeys.models import Passkey

#: What devices make today; the rest of COSE is old, or nobody's.
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
#: We ask for no attestation; browsers then give none, or one by the passkey's own key. What needs chains of
#: certificates is refused unread.
_FORMATS: Final = frozenset({"none", "packed"})
_MILLISECONDS: Final = 1000
_LONGEST_CREDENTIAL_ID: Final = 1023


def registration_options(
    party: RelyingParty,
    challenge: bytes,
    *,
    user_handle: bytes,
    account: str,
    name: str,
    known: Sequence[Passkey],
) -> dict[str, Any]:
    """For `navigator.credentials.create()`: a passkey that is found without an address, and that knows its person."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user_handle,
        user_name=account,
        user_display_name=name,
        challenge=challenge,
        timeout=_timeout(),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(known),
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json_dict(options)


def assertion_options(party: RelyingParty, challenge: bytes, *, allowed: Sequence[Passkey]) -> dict[str, Any]:
    """For `navigator.credentials.get()`; with none allowed in particular, whichever the person has for us."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_timeout(),
        allow_credentials=_descriptors(allowed),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def _timeout() -> int:
    return int(CHALLENGE_TTL.total_seconds()) * _MILLISECONDS


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id, transports=[AuthenticatorTransport(each) for each in passkey.transports]
        )
        for passkey in passkeys
    ]


def read_challenge(credential: Mapping[str, Any]) -> bytes | None:
    """The challenge that a browser says it answers; None for what is no answer."""
    try:
        return parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"])).challenge
    except Exception:  # noqa: BLE001  # whatever a parser of strangers' bytes stumbles over is no answer
        return None


def read_credential_id(credential: Mapping[str, Any]) -> bytes | None:
    try:
        return base64url_to_bytes(credential["rawId"])
    except Exception:  # noqa: BLE001  # as above
        return None


def read_user_handle(credential: Mapping[str, Any]) -> bytes | None:
    """Whose passkey the device says it is; None where it does not."""
    try:
        return base64url_to_bytes(credential["response"]["userHandle"])
    except Exception:  # noqa: BLE001  # as above
        return None


def verify_registration(credential: Mapping[str, Any], challenge: bytes, party: RelyingParty) -> NewCredential:
    """What a device made, if it is for us and answers this challenge. Raises PasskeyDoesNotFit."""
    try:
        answer = webauthn.helpers.parse_registration_credential_json(dict(credential))
        if parse_attestation_object(answer.response.attestation_object).fmt not in _FORMATS:
            raise PasskeyDoesNotFit("Leave attestation out: it is not asked for.")
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
        transports = tuple(each.value for each in dict.fromkeys(answer.response.transports or ()))
        if answer.raw_id != made.credential_id or len(made.credential_id) > _LONGEST_CREDENTIAL_ID:
            raise PasskeyDoesNotFit("The passkey's id is not its own.")
        return NewCredential(
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            transports=transports,
            backup_eligible=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            backed_up=made.credential_backed_up,
            aaguid=UUID(made.aaguid),
        )
    except PasskeyDoesNotFit:
        raise
    except Exception:  # noqa: BLE001  # the library and its parsers raise dozens of kinds for strangers' bytes
        raise PasskeyDoesNotFit("This is not what a device of yours made for this page.") from None


def verify_use(credential: Mapping[str, Any], challenge: bytes, passkey: Passkey, party: RelyingParty) -> Use:
    """A signature, if this passkey made it for us and for this challenge. Raises PasskeyIsRefused.

    The count is not compared here: that a passkey was copied is told from what never was one.
    """
    try:
        used = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        return Use(sign_count=used.new_sign_count, backed_up=used.credential_backed_up)
    except Exception:  # noqa: BLE001  # as above
        raise PasskeyIsRefused from None
