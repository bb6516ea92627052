"""When a refresh token may be used, and whom a session acts for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stoa_auth.organizations.models import Membership
from stoa_auth.people.models import Person
from stoa_auth.sessions import domain
from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_common import permissions
from stoa_common.ids import new_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


def a_family(*, revoked_at: datetime | None = None) -> LoginSession:
    return LoginSession(id=new_id(), person_id=new_id(), opened_at=NOON, revoked_at=revoked_at)


def a_token(*, used_at: datetime | None = None, expires_at: datetime = NOON + timedelta(days=30)) -> RefreshToken:
    return RefreshToken(issued_at=NOON, expires_at=expires_at, used_at=used_at)


def a_person(*, operator: bool = False, suspended_at: datetime | None = None) -> Person:
    return Person(id=new_id(), operator=operator, suspended_at=suspended_at)


def a_family_of(standing: domain.Standing, **limits: Any) -> LoginSession:
    opening = domain.Opening(methods=("pwd",), **limits)
    return domain.new_family(a_person(), standing.organization_id, opening, family_id=new_id(), at=NOON)


def a_membership(*roles: str) -> Membership:
    return Membership(organization_id=new_id(), person_id=new_id(), roles=list(roles), joined_at=NOON)


def test_a_fresh_token_is_used_up() -> None:
    token = a_token()

    assert domain.refresh(a_family(), token, at=NOON) is None
    assert token.used_at == NOON


def test_a_repeat_within_ten_seconds_harms_nothing() -> None:
    family, token = a_family(), a_token(used_at=NOON)

    refusal = domain.refresh(family, token, at=NOON + domain.REPEAT_WINDOW)

    assert isinstance(refusal, domain.RefreshWasRepeated)
    assert family.revoked_at is None


def test_a_later_repeat_revokes_the_family() -> None:
    family, token = a_family(), a_token(used_at=NOON)
    later = NOON + domain.REPEAT_WINDOW + MOMENT

    refusal = domain.refresh(family, token, at=later)

    assert isinstance(refusal, domain.SessionIsOver)
    assert family.revoked_at == later


def test_no_token_of_a_revoked_family_is_good() -> None:
    token = a_token()

    assert isinstance(domain.refresh(a_family(revoked_at=NOON), token, at=NOON), domain.SessionIsOver)
    assert token.used_at is None


def test_an_expired_token_ends_with_its_session_and_accuses_nobody() -> None:
    family, token = a_family(), a_token(expires_at=NOON, used_at=NOON - timedelta(days=1))

    assert isinstance(domain.refresh(family, token, at=NOON), domain.SessionIsOver)
    assert family.revoked_at is None


def test_without_a_wish_the_first_membership_is_taken() -> None:
    first, second = a_membership("admin"), a_membership("learner")

    assert domain.choose([first, second], None) is first
    assert domain.choose([first, second], second.organization_id) is second
    assert domain.choose([], None) is None


def test_nobody_acts_for_an_organization_of_others() -> None:
    with pytest.raises(domain.NoSuchMembership):
        domain.choose([a_membership("admin")], new_id())


def test_an_operator_acts_for_no_organization() -> None:
    operator, membership = a_person(operator=True), a_membership("admin")

    standing = domain.standing(operator, membership, permissions.of_roles(membership.roles))

    assert standing.organization_id is None
    assert standing.roles == ["operator"]
    assert "member:write" not in standing.permissions


def test_claims_say_who_acts_for_whom_and_until_when() -> None:
    membership = a_membership("learner")
    standing = domain.standing(a_person(), membership, permissions.of_roles(membership.roles))
    family = a_family_of(standing)
    grant = domain.grant(family, standing, refresh_token="opaque", issued_at=NOON)

    claims = domain.claims(grant, issuer="stoa", ttl=timedelta(minutes=10), at=NOON, token_id=new_id())

    assert claims["exp"] - claims["iat"] == 600
    assert (claims["sub"], claims["org"]) == (str(family.person_id), str(membership.organization_id))
    assert "course:read" in claims["permissions"]
    assert "member:write" not in claims["permissions"]
    assert (claims["amr"], claims["auth_time"]) == (["pwd"], int(NOON.timestamp()))
    assert "opaque" not in repr(grant)


def test_a_session_with_scopes_has_no_permission_beside_them_and_no_role() -> None:
    standing = domain.Standing(new_id(), ["admin"], permissions.of_roles(["admin"]))
    family = a_family_of(standing, scopes=("course:read", "platform:write"), client_id="app")

    grant = domain.grant(family, standing, refresh_token="opaque", issued_at=NOON)

    assert (grant.permissions, grant.roles, grant.client_id) == (["course:read"], [], "app")


def test_a_session_that_ends_soon_has_tokens_that_end_with_it_and_is_not_refreshed_afterwards() -> None:
    standing, ends_at = domain.Standing(None, [], frozenset()), NOON + timedelta(minutes=1)
    family = a_family_of(standing, ends_at=ends_at, impersonator_id=new_id())
    grant = domain.grant(family, standing, refresh_token="opaque", issued_at=NOON)

    claims = domain.claims(grant, issuer="stoa", ttl=timedelta(minutes=10), at=NOON, token_id=new_id())

    assert claims["exp"] == int(ends_at.timestamp())
    assert claims["act"] == {"sub": str(family.impersonator_id)}
    assert isinstance(domain.refresh(family, a_token(), at=ends_at), domain.SessionIsOver)


def test_who_is_suspended_is_not_admitted() -> None:
    with pytest.raises(domain.PersonIsSuspended):
        domain.admit(a_person(suspended_at=NOON))


def test_a_token_without_an_organization_has_no_such_claim() -> None:
    standing = domain.standing(a_person(operator=True), None, frozenset())
    grant = domain.grant(a_family_of(standing), standing, refresh_token="opaque", issued_at=NOON)

    claims = domain.claims(grant, issuer="stoa", ttl=timedelta(minutes=10), at=NOON, token_id=new_id())

    assert "org" not in claims
    assert "platform:write" in claims["permissions"]
