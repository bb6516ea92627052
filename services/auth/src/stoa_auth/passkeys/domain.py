"""Rules of passkeys: what a challenge is good for, when a use counts, what it proves."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from stoa_auth.passkeys.models import Passkey, PasskeyChallenge
from stoa_common.errors import Conflict, Invalid, Unauthenticated

CHALLENGE_BYTES: Final = 32
CHALLENGE_TTL: Final = timedelta(minutes=5)


class Purpose(StrEnum):
    """What a challenge was made for; it is good for nothing else."""

    REGISTER = "register"
    #: Whoever it is.
    LOG_IN = "log-in"
    #: One person, who is known already: a second factor, or a step-up.
    PROVE = "prove"


class PasskeyIsRefused(Unauthenticated):
    """The device's answer proves nothing here: another site's, another challenge's, or nobody's key."""

    def __init__(self) -> None:
        super().__init__("This passkey does not open this account. Try again, or log in another way.")


class PasskeyLooksCopied(Unauthenticated):
    """The device has counted less than before: there are two of it."""

    def __init__(self) -> None:
        super().__init__("This passkey may have been copied. Log in another way, remove it, and make a new one.")


class PasskeyDoesNotFit(Invalid):
    """What the device made can't be kept as a passkey."""

    def __init__(self, reason: str) -> None:
        message = f"{reason} Begin again with POST /api/v1/auth/passkeys/registration."
        super().__init__(message, errors=[{"field": "credential", "message": message}])


class PasskeyIsKnown(Conflict):
    """The passkey is registered already."""

    def __init__(self) -> None:
        super().__init__("This passkey is registered already. Use another device, or log in with it.")


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who passkeys are made for: a domain, its name for people, and the origins that may ask for them there."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What a device made, verified."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool
    aaguid: UUID


@dataclass(frozen=True, slots=True)
class Use:
    """A signature of a passkey, verified."""

    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Proven:
    """Who somebody is, and by which methods (RFC 8176) they proved it."""

    person_id: UUID
    methods: tuple[str, ...]


def new_challenge(challenge: bytes, purpose: Purpose, *, person_id: UUID | None, at: datetime) -> PasskeyChallenge:
    return PasskeyChallenge(challenge=challenge, person_id=person_id, purpose=purpose, expires_at=at + CHALLENGE_TTL)


def new_passkey(factor_id: UUID, person_id: UUID, made: NewCredential) -> Passkey:
    return Passkey(
        factor_id=factor_id,
        person_id=person_id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=list(made.transports),
        backup_eligible=made.backup_eligible,
        backed_up=made.backed_up,
        aaguid=made.aaguid,
    )


def advance(passkey: Passkey, use: Use) -> PasskeyLooksCopied | None:
    """Take the device's count over, or say that it is behind (WebAuthn, section 6.1.1); zero twice: it does not count.

    The refusal is a result and not raised: that it happened is kept.
    """
    if (use.sign_count or passkey.sign_count) and use.sign_count <= passkey.sign_count:
        return PasskeyLooksCopied()
    passkey.sign_count, passkey.backed_up = use.sign_count, use.backed_up
    return None


def methods(passkey: Passkey) -> tuple[str, ...]:
    """What a use proves (RFC 8176): a key, present, and two factors at once, since the device knows its person.

    A key that may be on several devices is taken for one in software.
    """
    return ("swk" if passkey.backup_eligible else "hwk", "user", "mfa")
