"""Rules of what members may: roles, of which permissions they are made, and that nobody gives what they lack."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from stoa_auth.organizations.models import OrganizationRole
from stoa_common import permissions
from stoa_common.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from stoa_common.permissions import PERMISSIONS, Role
from stoa_events.contracts.organizations import RoleChanged, RoleDeleted

#: What a member can be anywhere. Operators stand above organizations and are never made through one.
MEMBER_ROLES: Final = tuple(str(role) for role in Role if role is not Role.OPERATOR)
#: What an organization's own role can be made of. Owners are made by that role alone, so that who owns is plain.
GRANTABLE: Final = tuple(
    name
    for name, permission in PERMISSIONS.items()
    if permission.roles - {Role.OPERATOR} and name not in {"ownership:write", *permissions.OF_EVERYBODY}
)
MOST_ROLES: Final = 50
DESCRIPTIONS: Final = MappingProxyType(
    {
        Role.LEARNER: "Takes courses.",
        Role.AUTHOR: "Writes courses, and sees how learners do.",
        Role.COACH: "Sees how learners do.",
        Role.MANAGER: "A coach who also brings people in and sees their personal data.",
        Role.ADMIN: "May do everything in the organization but decide who owns it.",
        Role.OWNER: "An admin who also decides who owns the organization.",
    }
)


class RoleIsUnknown(Invalid):
    """A role was named that members can't have."""


class RoleDoesNotExist(NotFound):
    """The organization has no role of this name."""


class RoleIsNotYours(Conflict):
    """The role is the same in all organizations: nobody changes it."""


class RoleExists(Conflict):
    """The organization has a role of this name already."""


class RoleIsHeld(Conflict):
    """Members have the role, or invitations give it."""


class TooManyRoles(Conflict):
    """The organization has as many roles of its own as it can have."""


class PermissionIsUnknown(Invalid):
    """A role of an organization can't be made of this."""


class PermissionIsLacking(Forbidden):
    """Somebody wanted to give, or to take, what they may not do themselves."""


def roles(names: Iterable[str], own: Collection[str] = ()) -> list[str]:
    """The roles in their fixed order, each once; `own` are the organization's. Raises RoleIsUnknown."""
    wanted, known = set(names), [*MEMBER_ROLES, *sorted(own)]
    unknown = sorted(wanted.difference(known))
    if unknown or not wanted:
        message = f"{', '.join(unknown)}: unknown." if unknown else "No role was given."
        refusal = f"{message} Choose from {', '.join(known)}."
        raise RoleIsUnknown(refusal, errors=[FieldError(field="roles", message=message)])
    return [role for role in known if role in wanted]


def permissions_of(names: Iterable[str], own: Mapping[str, Collection[str]]) -> frozenset[str]:
    """What these roles allow together; `own` is what the organization's roles among them are made of.

    A role that is gone allows nothing, and one is never worth more than an organization can give.
    """
    held = set(names)
    common = permissions.of_roles(held.intersection(MEMBER_ROLES))
    of_own = {permission for name in held.difference(MEMBER_ROLES) for permission in own.get(name, ())}
    return common | of_own.intersection(GRANTABLE) | permissions.OF_EVERYBODY


def require_all(held: Iterable[str], wanted: Iterable[str]) -> None:
    """Refuse to give, or to take away, what one lacks. Raises PermissionIsLacking, which names what."""
    mine = frozenset(held)
    lacking = sorted(name for name in wanted if not permissions.covers(mine, name))
    if lacking:
        raise PermissionIsLacking(
            f"This takes permissions that you lack yourself: {', '.join(lacking)}. Ask somebody who has them."
        )


def made_of(wanted: Sequence[str]) -> list[str]:
    """The permissions of an organization's role, each once, in one order. Raises PermissionIsUnknown."""
    wrong = [(place, name) for place, name in enumerate(wanted) if name not in GRANTABLE]
    if wrong:
        errors = [FieldError(field=f"permissions.{place}", message="No role can have this.") for place, _ in wrong]
        names = ", ".join(name for _, name in wrong)
        raise PermissionIsUnknown(f"No role can have {names}. Choose from {', '.join(GRANTABLE)}.", errors=errors)
    return [name for name in GRANTABLE if name in set(wanted)]


def make_room(name: str, own: Collection[str]) -> None:
    """Refuse one role too many, or one twice. Raises RoleExists, TooManyRoles."""
    if name in own or name in [*MEMBER_ROLES, Role.OPERATOR]:
        raise RoleExists(f"There is a role {name} already. Choose another name.")
    if len(own) >= MOST_ROLES:
        raise TooManyRoles(f"An organization has at most {MOST_ROLES} roles of its own. Delete one first.")


def own_role(role: OrganizationRole | None, name: str) -> OrganizationRole:
    """Raises RoleDoesNotExist; RoleIsNotYours for a role of all organizations."""
    if name in MEMBER_ROLES:
        raise RoleIsNotYours(f"The role {name} is the same everywhere. Make a role of your own beside it.")
    if role is None:
        raise RoleDoesNotExist(f"There is no role {name} here.")
    return role


def release(role: OrganizationRole, *, holders: int, invitations: int, at: datetime) -> RoleDeleted:
    """Refuse to delete what somebody has or may get. Raises RoleIsHeld."""
    if holders or invitations:
        raise RoleIsHeld(
            f"Members who have this role: {holders}; open invitations that give it: {invitations}. "
            "Give these members other roles and revoke these invitations first."
        )
    return RoleDeleted(organization_id=role.organization_id, role=role.name, deleted_at=at)


def define(role: OrganizationRole) -> RoleChanged:
    return RoleChanged(
        organization_id=role.organization_id,
        role=role.name,
        description=role.description,
        permissions=role.permissions,
        changed_at=role.changed_at,
    )


def change(role: OrganizationRole, wanted: Sequence[str] | None, description: str | None, *, at: datetime) -> bool:
    """Make a role of these permissions, and describe it so, as far as given; whether that is any change."""
    changed = (made_of(wanted) if wanted is not None else role.permissions, description or role.description)
    if changed == (role.permissions, role.description):
        return False
    role.permissions, role.description = changed
    role.changed_at = at
    return True


def new_role(
    organization_id: UUID, name: str, wanted: Sequence[str], *, description: str, at: datetime
) -> OrganizationRole:
    """Raises PermissionIsUnknown."""
    return OrganizationRole(
        organization_id=organization_id,
        name=name,
        description=description,
        permissions=made_of(wanted),
        created_at=at,
        changed_at=at,
    )
