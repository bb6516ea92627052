"""Roles, admins and invitations, as plain rules."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from stoa_auth.organizations import domain
from stoa_auth.organizations.models import Invitation, Membership
from stoa_common.ids import new_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORGANIZATION = new_id()


def a_member(*roles: str, person_id: UUID | None = None) -> Membership:
    return Membership(organization_id=ORGANIZATION, person_id=person_id or new_id(), roles=list(roles), joined_at=NOON)


def an_invitation(*, uses: int = 0, max_uses: int = 1, expires_at: datetime = NOON + timedelta(hours=1)) -> Invitation:
    return Invitation(uses=uses, max_uses=max_uses, expires_at=expires_at)


def test_roles_are_kept_once_and_in_one_order() -> None:
    assert domain.roles(["admin", "learner", "admin"]) == ["learner", "admin"]


@pytest.mark.parametrize("names", [["owner"], ["operator"], ["admin", "Admin"], []])
def test_roles_that_members_cannot_have_are_refused(names: list[str]) -> None:
    with pytest.raises(domain.RoleIsUnknown) as refusal:
        domain.roles(names)

    assert refusal.value.errors[0]["field"] == "roles"


def test_changed_roles_become_a_fact() -> None:
    member, admin = a_member("learner"), a_member("admin")

    fact = domain.change_roles(member, ["author"], members=[member, admin], at=NOON)

    assert member.roles == ["author"]
    assert fact is not None
    assert (fact.person_id, fact.roles, fact.changed_at) == (member.person_id, ["author"], NOON)


def test_the_same_roles_again_are_no_fact() -> None:
    member = a_member("learner", "author")

    assert domain.change_roles(member, ["author", "learner"], members=[member], at=NOON) is None


def test_the_last_admin_keeps_that_role() -> None:
    admin, member = a_member("admin"), a_member("learner")

    with pytest.raises(domain.LastAdminMustStay):
        domain.change_roles(admin, ["learner"], members=[admin, member], at=NOON)

    assert admin.roles == ["admin"]


def test_one_of_two_admins_may_step_down() -> None:
    admin, other = a_member("admin"), a_member("admin")

    domain.change_roles(admin, ["learner"], members=[admin, other], at=NOON)

    assert admin.roles == ["learner"]


def test_the_only_admin_cannot_leave_others_behind() -> None:
    admin, member = a_member("admin"), a_member("author")

    with pytest.raises(domain.LastAdminMustStay, match=str(ORGANIZATION)):
        domain.leave(admin, members=[admin, member])

    domain.leave(member, members=[admin, member])
    domain.leave(admin, members=[admin])


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


def test_a_token_acts_for_its_own_organization_only() -> None:
    domain.own(ORGANIZATION, acting_for=ORGANIZATION)

    with pytest.raises(domain.OrganizationIsUnknown):
        domain.own(ORGANIZATION, acting_for=new_id())
