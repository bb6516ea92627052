"""Rules of sessions: when a refresh token may be used, and what a second use means.

Rotation and reuse detection follow RFC 9700, section 4.14.2.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from stoa_auth.organizations.service import Membership
from stoa_auth.people.service import Person
from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_common import permissions
from stoa_common.errors import Conflict, Forbidden, NotFound, Refusal, Unauthenticated
from stoa_common.permissions import Role
from stoa_events.contracts.auth import UserLoggedIn

AUDIENCE = "stoa"
#: Among a session's methods: an organization's own provider vouched for the person. It speaks for that organization,
#: where the session stays; what is the person's own, here and in other organizations, is not for it to touch.
FEDERATED = "fed"
_OF_THE_PERSON = frozenset({"account:write:own"})
#: A client that lost the answer, or two tabs at once, repeat a refresh within moments; a thief comes later.
REPEAT_WINDOW = timedelta(seconds=10)


class SessionIsOver(Unauthenticated):
    """The refresh token is unknown, expired or revoked; which of these stays unsaid."""

    def __init__(self) -> None:
        super().__init__("This session is over. Log in again.", error="invalid_token")


class RefreshWasRepeated(Conflict):
    """The refresh token was used a moment ago; its successor is on the way to whoever used it."""

    def __init__(self) -> None:
        super().__init__("This refresh token was used a moment ago. Go on with the tokens of that answer.")


class SessionIsUnknown(NotFound):
    """The person has no such session, or it is over."""

    def __init__(self) -> None:
        super().__init__("You have no such session any more.")


class PersonIsSuspended(Forbidden):
    """The platform refuses the person; their account and all that is theirs stays."""

    def __init__(self) -> None:
        super().__init__("This account is suspended. Ask the platform's operators why.")


class NoSuchMembership(NotFound):
    """The person does not belong to the organization that was asked for."""

    def __init__(self) -> None:
        super().__init__("You belong to no such organization. Leave organization_id out, or name one of your own.")


class SignOnIsRequired(NoSuchMembership):
    """The membership counts only for who signed on by the organization's provider."""

    status, title = Forbidden.status, Forbidden.title

    def __init__(self) -> None:
        message = "Log in by your organization's provider (GET /api/v1/auth/sign-on), or leave organization_id out."
        Refusal.__init__(self, message)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a session is opened: proved by which methods (RFC 8176), through what, and with which limits."""

    methods: tuple[str, ...]
    client_id: str | None = None
    scopes: tuple[str, ...] | None = None
    impersonator_id: UUID | None = None
    ends_at: datetime | None = None
    device: str | None = None
    #: When the person proved who they are, where that was before: an OAuth client's session follows a browser's.
    authenticated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is at this moment: for which organization they act, with which roles and permissions."""

    organization_id: UUID | None
    roles: list[str]
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """What tokens are made of."""

    person_id: UUID
    organization_id: UUID | None
    session_id: UUID
    roles: list[str]
    permissions: list[str]
    methods: list[str]
    authenticated_at: datetime
    client_id: str | None
    scopes: list[str] | None
    impersonator_id: UUID | None
    ends_at: datetime | None
    issued_at: datetime
    refresh_token: str = field(repr=False)


def choose(memberships: Sequence[Membership], wanted: UUID | None) -> Membership | None:
    """The membership that a session acts for: the one that was asked for, else the first; None for who has none.

    Raises NoSuchMembership.
    """
    if wanted is None:
        return memberships[0] if memberships else None
    for membership in memberships:
        if membership.organization_id == wanted:
            return membership
    raise NoSuchMembership


def has_signed_on(methods: Collection[str], impersonator_id: UUID | None) -> bool:
    """Whether an organization that asks for it is satisfied; operators who act in somebody's place are let in."""
    return FEDERATED in methods or impersonator_id is not None


def admit(person: Person) -> None:
    """Raises PersonIsSuspended."""
    if person.suspended_at is not None:
        raise PersonIsSuspended


def standing(person: Person, membership: Membership | None, of_member: frozenset[str]) -> Standing:
    """Operators stand above organizations, so no membership adds to what they are."""
    if person.operator:
        return Standing(None, [Role.OPERATOR], permissions.of_roles([Role.OPERATOR]))
    if membership is None:
        return Standing(None, [], of_member)
    return Standing(membership.organization_id, list(membership.roles), of_member)


def end_of(opening: Opening, *, federated_until: datetime) -> datetime | None:
    """When the session ends whatever is refreshed: soon enough for who lost their account at a provider."""
    if FEDERATED not in opening.methods:
        return opening.ends_at
    return min(opening.ends_at or federated_until, federated_until)


def new_family(
    person: Person, organization_id: UUID | None, opening: Opening, *, family_id: UUID, at: datetime
) -> LoginSession:
    return LoginSession(
        id=family_id,
        person_id=person.id,
        organization_id=organization_id,
        opened_at=at,
        last_used_at=at,
        device=opening.device,
        methods=list(opening.methods),
        authenticated_at=opening.authenticated_at or at,
        client_id=opening.client_id,
        scopes=None if opening.scopes is None else list(opening.scopes),
        impersonator_id=opening.impersonator_id,
        ends_at=opening.ends_at,
    )


def log_in(family: LoginSession) -> UserLoggedIn:
    return UserLoggedIn(person_id=family.person_id, session_id=family.id, logged_in_at=family.opened_at)


def grant(family: LoginSession, standing: Standing, *, refresh_token: str, issued_at: datetime) -> Grant:
    """A session with scopes has only those of its person's permissions, and no role that would tell of more."""
    held = standing.permissions if family.scopes is None else standing.permissions.intersection(family.scopes)
    if FEDERATED in family.methods:
        held -= _OF_THE_PERSON
    return Grant(
        person_id=family.person_id,
        organization_id=family.organization_id,
        session_id=family.id,
        roles=standing.roles if family.scopes is None else [],
        permissions=sorted(held),
        methods=family.methods,
        authenticated_at=family.authenticated_at,
        client_id=family.client_id,
        scopes=family.scopes,
        impersonator_id=family.impersonator_id,
        ends_at=family.ends_at,
        issued_at=issued_at,
        refresh_token=refresh_token,
    )


def refresh(family: LoginSession, token: RefreshToken, *, at: datetime) -> Refusal | None:
    """Use a refresh token up, or say why not; late reuse revokes the whole family.
    The refusal is a result and not raised, because what it revokes must be kept.
    """
    if family.revoked_at is not None or min(token.expires_at, family.ends_at or token.expires_at) <= at:
        return SessionIsOver()
    if token.used_at is None:
        token.used_at = at
        return None
    if at - token.used_at <= REPEAT_WINDOW:
        return RefreshWasRepeated()
    family.revoked_at = at
    return SessionIsOver()


def claims(grant: Grant, *, issuer: str, ttl: timedelta, at: datetime, token_id: UUID) -> dict[str, Any]:
    """The claims of an access token (RFC 9068; `org`, `sid`, `roles` and `permissions` are ours).

    `act` names who acts in the person's place (RFC 8693, section 4.1).
    """
    ends = min(at + ttl, grant.ends_at or at + ttl)
    known: dict[str, Any] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": str(grant.person_id),
        "sid": str(grant.session_id),
        "roles": grant.roles,
        "permissions": grant.permissions,
        "amr": grant.methods,
        "auth_time": int(grant.authenticated_at.timestamp()),
        # With its fraction: what was issued before a revocation is told from what was issued after it.
        "iat": at.timestamp(),
        "exp": int(ends.timestamp()),
        "jti": str(token_id),
    }
    if grant.organization_id:
        known["org"] = str(grant.organization_id)
    if grant.client_id:
        known["client_id"] = grant.client_id
    if grant.scopes is not None:
        known["scope"] = " ".join(grant.scopes)
    if grant.impersonator_id:
        known["act"] = {"sub": str(grant.impersonator_id)}
    return known


def token_hash(token: str) -> bytes:
    """What is kept of an opaque token: it has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()
