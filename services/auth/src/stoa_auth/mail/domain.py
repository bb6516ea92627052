"""Rules of mail: what is asked for and what is written, how long tokens hold, when to try again and when to give up."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from stoa_auth.mail.models import Mail, MailToken
from stoa_common.errors import Invalid, TooManyRequests


class Asked(StrEnum):
    """Why a mail is asked for."""

    REGISTRATION = "registration"
    VERIFICATION = "verification"
    RESET = "reset"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # a kind of mail
    FACTOR_ADDED = "factor-added"
    FACTOR_REMOVED = "factor-removed"
    RECOVERY_CODE_USED = "recovery-code-used"
    IMPERSONATED = "impersonated"
    EXPORT_READY = "export-ready"
    INVITATION = "invitation"
    PROVISIONED = "provisioned"


class Kind(StrEnum):
    """What a mail says."""

    VERIFY = "verify-email"
    KNOWN = "known"
    RESET = "reset-password"
    CHANGED = "password-changed"
    FACTOR_ADDED = "factor-added"
    FACTOR_REMOVED = "factor-removed"
    RECOVERY_CODE_USED = "recovery-code-used"
    IMPERSONATED = "impersonated"
    EXPORT = "export-ready"
    INVITATION = "invitation"
    WELCOME = "welcome"


class Purpose(StrEnum):
    """What a mail's token is good for."""

    VERIFY = "verify-email"
    RESET = "reset-password"


class State(StrEnum):
    #: Asked for, not written yet.
    ASKED = "asked"
    READY = "ready"
    SENT = "sent"
    #: There is no mail server: it waits to be read on this machine.
    KEPT = "kept"
    FAILED = "failed"


WAITING: Final = (State.ASKED, State.READY)
PURPOSES: Final[Mapping[Kind, Purpose]] = MappingProxyType(
    {Kind.VERIFY: Purpose.VERIFY, Kind.RESET: Purpose.RESET, Kind.WELCOME: Purpose.RESET}
)
LIFETIMES: Final[Mapping[Purpose, timedelta]] = MappingProxyType(
    {Purpose.VERIFY: timedelta(days=3), Purpose.RESET: timedelta(minutes=30)}
)
#: What was done to an account; its person is told each time, whatever else they were written.
NEWS: Final[Mapping[Asked, Kind]] = MappingProxyType(
    {
        Asked.PASSWORD_CHANGED: Kind.CHANGED,
        Asked.IMPERSONATED: Kind.IMPERSONATED,
        Asked.FACTOR_ADDED: Kind.FACTOR_ADDED,
        Asked.FACTOR_REMOVED: Kind.FACTOR_REMOVED,
        Asked.RECOVERY_CODE_USED: Kind.RECOVERY_CODE_USED,
    }
)
#: Who is provisioned did not ask for the mail, and finds it some day.
WELCOME_LIFETIME: Final = timedelta(days=7)
#: Mails of one kind to one person within an hour; what is asked for beyond is not written.
MOST_AN_HOUR: Final = 5
KEPT_FOR: Final = timedelta(days=30)
#: A sender that is killed loses what it had taken after this, and another sends it.
LEASE: Final = timedelta(seconds=60)
_GIVE_UP_AFTER: Final = timedelta(days=1)
_FIRST_RETRY: Final = timedelta(seconds=5)
_LONGEST_RETRY: Final = timedelta(hours=1)


class TokenIsInvalid(Invalid):
    """The token of a mail is wrong, used up or expired; which of these stays unsaid."""

    def __init__(self) -> None:
        message = "This code is wrong, used up or expired. Ask for a new one."
        super().__init__(message, errors=[{"field": "token", "message": message}])


class TooManyMails(TooManyRequests):
    """The person asked for this mail often enough for now."""

    def __init__(self) -> None:
        super().__init__(
            "We sent you several mails already. Look into your spam folder too, or ask again in an hour.",
            headers={"Retry-After": "3600"},
        )


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says beyond its text: to whom, with which token, and in the name of which organization."""

    to: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    organization: str | None = None


def ask(asked: Asked, *, mail_id: UUID, person_id: UUID | None, language: str, sealed: bytes, at: datetime) -> Mail:
    return Mail(
        id=mail_id,
        person_id=person_id,
        kind=asked,
        language=language,
        sealed=sealed,
        state=State.ASKED,
        attempts=0,
        created_at=at,
        due_at=at,
    )


def kind_of(asked: Asked, *, is_new: bool, is_verified: bool) -> Kind | None:
    """What to write; None where nothing is left to say.

    A registration with a known address tells its owner so, and verifies nothing: the account may be a stranger's, who
    was there first and knows its password.
    """
    if asked in NEWS:
        return NEWS[asked]
    if asked is Asked.RESET:
        return Kind.RESET
    if asked is Asked.EXPORT_READY:
        return Kind.EXPORT
    if asked is Asked.INVITATION:
        return Kind.INVITATION
    if asked is Asked.PROVISIONED:
        return Kind.WELCOME
    if asked is Asked.REGISTRATION and not is_new:
        return Kind.KNOWN
    return None if is_verified else Kind.VERIFY


def lifetime(kind: Kind) -> timedelta:
    """How long a mail's token holds."""
    return WELCOME_LIFETIME if kind is Kind.WELCOME else LIFETIMES[PURPOSES[kind]]


def useful_until(mail: Mail) -> datetime:
    """After this a mail is not tried again: its token would be worth nothing, or nobody waits for it any more."""
    return mail.created_at + (LIFETIMES[Purpose.RESET] if mail.kind == Kind.RESET else _GIVE_UP_AFTER)


def sent(mail: Mail, *, at: datetime) -> None:
    mail.state, mail.sealed, mail.ended_at, mail.problem = State.SENT, None, at, None


def not_sent(mail: Mail, problem: str, *, is_final: bool, at: datetime) -> None:
    """Try again later, twice as late each time, unless the server said never or it would be too late."""
    mail.problem = problem
    mail.due_at = at + min(_FIRST_RETRY * 2.0 ** min(mail.attempts - 1, 20), _LONGEST_RETRY)
    if is_final or mail.due_at > useful_until(mail):
        mail.state, mail.sealed, mail.ended_at = State.FAILED, None, at


def owner(token: MailToken | None, *, at: datetime) -> UUID:
    """Whose token it is. Raises TokenIsInvalid."""
    if token is None or token.expires_at <= at:
        raise TokenIsInvalid
    return token.person_id


def token_hash(token: str) -> bytes:
    """What is kept of a token: it has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()
