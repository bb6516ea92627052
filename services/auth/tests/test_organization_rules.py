"""Organizations, owners and invitations, as plain rules."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_auth.organizations import domain
from stoa_auth.organizations.models import Invitation, Membership, Organization
from stoa_common.ids import new_id
from stoa_events.contracts.organizations import Leaving

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORGANIZATION = new_id()


def a_member(*roles: str, person_id: UUID | None = None, suspended_at: datetime | None = None) -> Membership:
    return Membership(
        organization_id=ORGANIZATION,
        person_id=person_id or new_id(),
        roles=list(roles),
        joined_at=NOON,
        suspended_at=suspended_at,
    )


def an_invitation(
    *, uses: int = 0, max_uses: int = 1, expires_at: datetime = NOON + timedelta(hours=1), email: str | None = None
) -> Invitation:
    return Invitation(uses=uses, max_uses=max_uses, expires_at=expires_at, email=email)


def test_changed_roles_become_a_fact() -> None:
    member = a_member("learner")

    fact = domain.change_roles(member, ["author"], at=NOON)

    assert member.roles == ["author"]
    assert fact is not None
    assert (fact.person_id, fact.roles, fact.changed_at) == (member.person_id, ["author"], NOON)


def test_the_same_roles_again_are_no_fact() -> None:
    member = a_member("learner", "author")

    assert domain.change_roles(member, ["learner", "author"], at=NOON) is None


@given(st.lists(st.tuples(st.sampled_from(["owner", "admin", "learner"]), st.booleans()), min_size=1, max_size=6))
def test_whoever_goes_in_whatever_order_an_owner_who_can_act_stays(members: list[tuple[str, bool]]) -> None:
    staying = [a_member("owner"), *(a_member(role, suspended_at=NOON if off else None) for role, off in members)]

    for member in list(staying):
        owners = [other.person_id for other in staying if domain.is_acting_owner(other)]
        try:
            domain.keep_an_owner(member, owners=owners)
        except domain.LastOwnerMustStay:
            continue
        staying.remove(member)

    assert [domain.is_acting_owner(member) for member in staying] == [True]


def test_an_owner_who_is_suspended_does_not_count() -> None:
    owner, away = a_member("owner"), a_member("owner", suspended_at=NOON)

    with pytest.raises(domain.LastOwnerMustStay, match=str(ORGANIZATION)):
        domain.keep_an_owner(owner, owners=[owner.person_id])

    domain.keep_an_owner(away, owners=[owner.person_id])


def test_a_member_is_suspended_once_and_resumed_once() -> None:
    member = a_member("learner")

    assert domain.resume_member(member, at=NOON) is None
    assert domain.suspend_member(member, at=NOON) is not None
    assert domain.suspend_member(member, at=NOON + timedelta(hours=1)) is None
    assert member.suspended_at == NOON
    assert domain.resume_member(member, at=NOON) is not None
    assert member.suspended_at is None


def test_an_organization_is_renamed_suspended_and_resumed_once() -> None:
    organization = Organization(id=ORGANIZATION, name="Engines", created_at=NOON)

    assert domain.rename(organization, "Engines", at=NOON) is None
    renamed = domain.rename(organization, "Looms", at=NOON)
    assert renamed is not None
    assert (organization.name, renamed.name) == ("Looms", "Looms")
    assert domain.resume(organization, at=NOON) is None
    assert domain.suspend(organization, at=NOON) is not None
    assert domain.suspend(organization, at=NOON) is None
    assert domain.resume(organization, at=NOON) is not None


def test_who_leaves_is_told_with_the_reason() -> None:
    member = a_member("learner")

    told = domain.leave(member, Leaving.REMOVED, at=NOON)

    assert (told.person_id, told.reason, told.left_at) == (member.person_id, "removed", NOON)


def test_an_invitation_admits_until_it_is_used_up_or_over() -> None:
    good = an_invitation(uses=2, max_uses=3)

    assert domain.check(good, at=NOON) is good


@pytest.mark.parametrize(
    ("invitation", "reason"),
    [
        (None, "does not exist"),
        (an_invitation(expires_at=NOON), "expired"),
        (an_invitation(uses=3, max_uses=3), "used up"),
    ],
)
def test_an_invitation_that_admits_nobody_says_why(invitation: Invitation | None, reason: str) -> None:
    with pytest.raises(domain.InvitationIsInvalid, match=reason) as refusal:
        domain.check(invitation, at=NOON)

    assert refusal.value.errors[0]["field"] == "invitation"


def test_an_invitation_that_was_mailed_is_for_that_address() -> None:
    domain.check_address(an_invitation(), "anybody@example.org")
    domain.check_address(an_invitation(email="ada@example.org"), "ada@example.org")

    with pytest.raises(domain.InvitationIsInvalid, match="another address") as refusal:
        domain.check_address(an_invitation(email="ada@example.org"), "eve@example.org")

    assert "ada@" not in refusal.value.detail


@pytest.mark.parametrize(("mailed", "to_them"), [(domain.MOST_MAILED_AN_HOUR, 0), (5, domain.MOST_TO_ONE_AN_HOUR)])
def test_an_organization_mails_so_many_invitations_an_hour(mailed: int, to_them: int) -> None:
    domain.make_room(mailed - 1, to_them=to_them - 1)

    with pytest.raises(domain.TooManyInvitations):
        domain.make_room(mailed, to_them=to_them)


def test_a_token_acts_for_its_own_organization_only() -> None:
    domain.own(ORGANIZATION, acting_for=ORGANIZATION)

    with pytest.raises(domain.OrganizationIsUnknown):
        domain.own(ORGANIZATION, acting_for=new_id())
