"""Rules of log-ins that wait for a second factor, and of step-up (RFC 9470)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from stoa_auth.sessions import domain
from stoa_auth.sessions.models import LogInChallenge, LoginSession
from stoa_common.errors import Forbidden, Invalid, Unauthenticated

#: A log-in waits for its second factor as long as this.
CHALLENGE_TTL = timedelta(minutes=5)
#: Methods (RFC 8176) that show that something is held.
_HELD = frozenset({"otp", "hwk", "swk"})


class SecondFactorIsNeeded(Unauthenticated):
    """The password was right, and the account has a second factor: `challenge` goes on with it, for five minutes."""

    def __init__(self, challenge: str, methods: Sequence[str]) -> None:
        super().__init__(
            "This account has a second factor. Send `challenge` and a code, a recovery code or a passkey to "
            "POST /api/v1/auth/login/second-factor."
        )
        self.challenge, self.methods = challenge, list(methods)
        seconds = int(CHALLENGE_TTL.total_seconds())
        self.members = {"challenge": challenge, "methods": self.methods, "expires_in": seconds}


class ChallengeIsOver(Unauthenticated):
    """The log-in that waited for a second factor is unknown, over or finished; which of these stays unsaid."""

    def __init__(self) -> None:
        super().__init__("This log-in is over. Log in with your password again.")


class ProofIsWrong(Invalid):
    """What was sent does not prove who the caller is; they stay logged in."""


class StepUpNeedsFactor(Forbidden):
    """A password alone renews no proof of somebody who has a second factor."""

    def __init__(self) -> None:
        super().__init__("You have a second factor: send a code, a recovery code or a passkey instead of the password.")


class OnlyThePersonStepsUp(Forbidden):
    """Whoever acts in a person's place can't prove to be them."""

    def __init__(self) -> None:
        super().__init__("Only the person themselves can do this, not who acts in their place.")


def new_challenge(person_id: UUID, token: str, *, organization_id: UUID | None, at: datetime) -> LogInChallenge:
    """A log-in that waits for a second factor; its password was right."""
    return LogInChallenge(
        token_hash=domain.token_hash(token),
        person_id=person_id,
        organization_id=organization_id,
        methods=["pwd"],
        expires_at=at + CHALLENGE_TTL,
    )


def combined(*proved: Iterable[str]) -> tuple[str, ...]:
    """Methods (RFC 8176) together, each once; with a password and something that is held these are several factors."""
    methods = tuple(dict.fromkeys(method for each in proved for method in each))
    if "pwd" in methods and _HELD & set(methods) and "mfa" not in methods:
        return (*methods, "mfa")
    return methods


def step_up(family: LoginSession, proved: Iterable[str], *, at: datetime) -> None:
    """The session's person has proved again who they are."""
    family.methods, family.authenticated_at = list(combined(family.methods, proved)), at
