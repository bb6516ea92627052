"""Rules of second factors: which code counts, what a recovery code is, what is said about factors that come and go.

Codes are those of RFC 6238 (TOTP): six digits, a step of 30 seconds. A clock may be one step off, either way.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from stoa_auth.factors.models import Factor
from stoa_common.errors import Conflict, Invalid, NotFound, Unauthenticated
from stoa_events.contracts.factors import FactorAdded, FactorRemoved

STEP_SECONDS: Final = 30
#: Steps before and after now that count: clocks of phones are off, and people type slowly.
WINDOW: Final = 1
DIGITS: Final = 6
MOST_FACTORS: Final = 10
#: Each more widens what a guess may hit.
MOST_AUTHENTICATORS: Final = 3
SET_UP_WITHIN: Final = timedelta(hours=1)

RECOVERY_CODES: Final = 10
#: Crockford's base 32: nothing in it looks like something else. Twelve of them have 60 bits.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH: Final = 12
_CODE_GROUP: Final = 4
_MISREAD: Final = str.maketrans("OIL", "011")
_SEPARATORS: Final = re.compile(r"[\s-]+")


class FactorKind(StrEnum):
    AUTHENTICATOR = "authenticator"
    PASSKEY = "passkey"


class CodeIsWrong(Unauthenticated):
    """The code is wrong, used or too old; which of these stays unsaid."""

    def __init__(self) -> None:
        super().__init__("This code is wrong, or was used already. Wait for the next one that your app shows.")


class CodeDoesNotFit(Invalid):
    """An authenticator app is set up with something else than what was shown, or its clock is wrong."""

    def __init__(self) -> None:
        message = "This is not the code for now. Look at the clock of your phone, and send the code that it shows next."
        super().__init__(message, errors=[{"field": "code", "message": message}])


class FactorIsUnknown(NotFound):
    """The person has no such factor."""

    def __init__(self) -> None:
        super().__init__("You have no such factor. GET /api/v1/auth/factors lists yours.")


class AuthenticatorIsUnknown(NotFound):
    """Nothing is being set up that this could confirm."""

    def __init__(self) -> None:
        super().__init__("Nothing waits for this code. Begin again with POST /api/v1/auth/factors/authenticators.")


class TooManyFactors(Conflict):
    """The person has as many factors as anybody may."""

    def __init__(self) -> None:
        super().__init__(
            f"Nobody has more than {MOST_FACTORS} factors, {MOST_AUTHENTICATORS} of them authenticator apps. Remove "
            "one that you don't use any more."
        )


class NoFactor(Conflict):
    """Recovery codes stand in for a factor, and the person has none."""

    def __init__(self) -> None:
        super().__init__("Add an authenticator app or a passkey first: recovery codes come with it.")


def make_room(factors: Sequence[Factor], kind: FactorKind) -> None:
    """Refuse one more of this kind. Raises TooManyFactors."""
    alike = sum(factor.kind == kind for factor in factors)
    if len(factors) >= MOST_FACTORS or (kind is FactorKind.AUTHENTICATOR and alike >= MOST_AUTHENTICATORS):
        raise TooManyFactors


def known(factor: Factor | None) -> Factor:
    """Raises FactorIsUnknown."""
    if factor is None:
        raise FactorIsUnknown
    return factor


def pending(factor: Factor | None, *, at: datetime) -> Factor:
    """An authenticator that waits for its first code. Raises AuthenticatorIsUnknown."""
    if factor is None or factor.confirmed_at is not None or at - factor.created_at > SET_UP_WITHIN:
        raise AuthenticatorIsUnknown
    return factor


def step(at: datetime) -> int:
    """The time step that a moment lies in (RFC 6238, section 4.2)."""
    return int(at.timestamp()) // STEP_SECONDS


def find_step(code: str, code_of: Callable[[int], str], *, last_step: int | None, at: datetime) -> int | None:
    """The step whose code this is; None for what is wrong, outside the window, or not newer than what counted last."""
    now = step(at)
    steps = range(max(now - WINDOW, 0), now + WINDOW + 1)
    # All of them each time: how long it takes tells nobody which one was near.
    typed = code.encode(errors="replace")
    fitting = [each for each in steps if hmac.compare_digest(code_of(each).encode(), typed)]
    # Two steps may share a code: taking the later one, the code counts once.
    newest = max(fitting, default=None)
    return newest if newest is not None and (last_step is None or newest > last_step) else None


def new_recovery_codes() -> list[str]:
    """Codes as they are shown: `7KQM-20XD-WAZP`."""
    return [_new_code() for _ in range(RECOVERY_CODES)]


def _new_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
    return "-".join(letters[place : place + _CODE_GROUP] for place in range(0, _CODE_LENGTH, _CODE_GROUP))


def read_recovery_code(text: str) -> str | None:
    """What was meant by a typed code, without its groups; None for what can't be one."""
    letters = _SEPARATORS.sub("", text).upper().translate(_MISREAD)
    return letters if len(letters) == _CODE_LENGTH and set(letters) <= set(_ALPHABET) else None


def is_recovery_code(text: str) -> bool:
    """Whether a typed code is meant as a recovery code and not as an app's."""
    return read_recovery_code(text) is not None


def confirm(factor: Factor, *, at: datetime) -> FactorAdded:
    factor.confirmed_at = at
    return FactorAdded(person_id=factor.person_id, factor_id=factor.id, kind=factor.kind, added_at=at)


def remove(factor: Factor, *, at: datetime) -> FactorRemoved | None:
    """None where it never counted: it was only being set up."""
    if factor.confirmed_at is None:
        return None
    return FactorRemoved(person_id=factor.person_id, factor_id=factor.id, kind=factor.kind, removed_at=at)


def new_factor(person_id: UUID, kind: FactorKind, name: str, *, factor_id: UUID, at: datetime) -> Factor:
    return Factor(
        id=factor_id,
        person_id=person_id,
        kind=kind,
        name=name,
        created_at=at,
        confirmed_at=None,
        last_used_at=None,
    )


def methods(factors: Sequence[Factor], *, recovery_codes: int) -> list[str]:
    """What a person may show beside the password, for a client that asks them for it."""
    kinds = sorted({factor.kind for factor in factors})
    return [*kinds, "recovery-code"] if recovery_codes else kinds
