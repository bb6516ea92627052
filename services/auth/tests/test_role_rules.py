"""What roles are made of, and that nobody gives what they lack, as plain rules."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_auth.organizations import powers
from stoa_auth.organizations.models import OrganizationRole
from stoa_common import permissions
from stoa_common.ids import new_id
from stoa_common.permissions import OF_EVERYBODY, PERMISSIONS

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = st.sets(st.sampled_from(sorted(PERMISSIONS)))
GRANTABLE = st.sets(st.sampled_from(powers.GRANTABLE), min_size=1)


def a_role(*made_of: str, name: str = "grader") -> OrganizationRole:
    return powers.new_role(new_id(), name, made_of, description="Looks at answers.", at=NOON)


def test_roles_are_kept_once_and_in_one_order() -> None:
    own = ["grader", "auditor"]

    assert powers.roles(["admin", "grader", "learner", "admin", "auditor"], own) == [
        "learner",
        "admin",
        "auditor",
        "grader",
    ]


@pytest.mark.parametrize("names", [["boss"], ["operator"], ["admin", "Admin"], ["grader"], []])
def test_roles_that_members_cannot_have_are_refused(names: list[str]) -> None:
    with pytest.raises(powers.RoleIsUnknown) as refusal:
        powers.roles(names)

    assert refusal.value.errors[0]["field"] == "roles"


@given(held=ALL, wanted=ALL)
def test_nobody_gives_what_they_lack(held: set[str], wanted: set[str]) -> None:
    allowed = all(name in held or name.removesuffix(":own") in held for name in wanted)

    try:
        powers.require_all(held, wanted)
    except powers.PermissionIsLacking:
        assert not allowed
    else:
        assert allowed


@given(wanted=GRANTABLE, holder=st.sets(st.sampled_from(powers.MEMBER_ROLES)))
def test_a_role_allows_what_it_is_made_of_and_no_more(wanted: set[str], holder: set[str]) -> None:
    role = a_role(*wanted)

    allowed = powers.permissions_of([*holder, role.name], {role.name: role.permissions})

    assert allowed == permissions.of_roles(holder) | wanted | OF_EVERYBODY


@pytest.mark.parametrize("name", ["platform:read", "platform:write", "ownership:write", "boss:be", "account:read:own"])
def test_no_role_is_made_of_what_no_organization_gives(name: str) -> None:
    with pytest.raises(powers.PermissionIsUnknown) as refusal:
        a_role("course:read", name)

    assert refusal.value.errors[0]["field"] == "permissions.1"


def test_what_an_organization_cannot_give_is_worth_nothing_in_a_role_of_old() -> None:
    allowed = powers.permissions_of(["grader"], {"grader": ["platform:write", "ownership:write", "course:read"]})

    assert allowed == {"course:read"} | OF_EVERYBODY


@given(st.sets(st.sampled_from(powers.MEMBER_ROLES)))
def test_only_an_owner_can_make_or_unmake_an_owner(roles: set[str]) -> None:
    held = powers.permissions_of(roles, {})

    if "owner" in roles:
        powers.require_all(held, permissions.of_roles(["owner"]))
    else:
        with pytest.raises(powers.PermissionIsLacking, match="ownership:write"):
            powers.require_all(held, permissions.of_roles(["owner"]))


@pytest.mark.parametrize(
    ("giver", "gives"),
    [
        ("owner", {"learner", "author", "coach", "manager", "admin", "owner"}),
        ("admin", {"learner", "author", "coach", "manager", "admin"}),
        ("manager", {"learner", "coach", "manager"}),
        ("author", {"learner", "coach", "author"}),
        ("coach", {"learner", "coach"}),
        ("learner", {"learner"}),
    ],
)
def test_who_can_give_which_role(giver: str, gives: set[str]) -> None:
    held = powers.permissions_of([giver], {})

    given_roles = {role for role in powers.MEMBER_ROLES if _can(held, role)}

    assert given_roles == gives


def _can(held: frozenset[str], role: str) -> bool:
    try:
        powers.require_all(held, permissions.of_roles([role]))
    except powers.PermissionIsLacking:
        return False
    return True


def test_an_owner_may_all_that_an_admin_may_and_one_thing_more() -> None:
    owner, admin = permissions.of_roles(["owner"]), permissions.of_roles(["admin"])

    assert owner - admin == {"ownership:write"}
    assert admin < owner


def test_a_role_that_somebody_has_or_may_get_stays() -> None:
    for holders, invitations in ((1, 0), (0, 1)):
        with pytest.raises(powers.RoleIsHeld):
            powers.release(a_role("course:read"), holders=holders, invitations=invitations, at=NOON)

    assert powers.release(a_role("course:read"), holders=0, invitations=0, at=NOON).role == "grader"


@pytest.mark.parametrize("name", ["grader", "admin", "operator"])
def test_a_name_is_one_roles_alone(name: str) -> None:
    with pytest.raises(powers.RoleExists):
        powers.make_room(name, ["grader"])


def test_an_organization_has_so_many_roles_and_no_more() -> None:
    powers.make_room("one-more", [f"role-{n}" for n in range(powers.MOST_ROLES - 1)])

    with pytest.raises(powers.TooManyRoles):
        powers.make_room("one-more", [f"role-{n}" for n in range(powers.MOST_ROLES)])


def test_the_roles_of_all_organizations_are_nobodys_to_change() -> None:
    with pytest.raises(powers.RoleIsNotYours):
        powers.own_role(None, "admin")


def test_what_is_left_out_of_a_change_stays() -> None:
    role = a_role("course:read")

    assert not powers.change(role, None, None, at=NOON)
    assert powers.change(role, ["attempt:read", "course:read"], None, at=NOON)
    assert (role.permissions, role.description) == (["course:read", "attempt:read"], "Looks at answers.")
