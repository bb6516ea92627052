"""Bringing users in line with the organization's members: who joined or left by other ways than SCIM."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from stoa_auth.mail.service import MailSealer
from stoa_auth.organizations import service as organizations
from stoa_auth.organizations.service import Membership
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.scim import comparing, domain
from stoa_auth.scim.models import ScimUser
from stoa_auth.scim.repository import UserRepository
from stoa_auth.scim.schemas import DirectoryUser, Email
from stoa_common import clock, logs
from stoa_common.database import Session
from stoa_common.errors import Refusal
from stoa_common.ids import new_id
from stoa_common.security import Principal

log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory that asks: for which organization, in whose name, and how it is answered."""

    session: Session
    caller: Principal
    #: The address of the SCIM endpoint, without a slash at its end.
    base: str
    sealer: MailSealer
    needs_verified_email: bool
    most_an_hour: int

    @property
    def organization_id(self) -> UUID:
        return self.caller.organization_id

    @property
    def actor(self) -> UUID:
        return self.caller.person_id


async def in_person(directory: Directory) -> Principal:
    """The caller with all that their person may do: what a key provisions is bound by that, and not by its scopes."""
    membership = await organizations.find_membership(
        directory.session, directory.organization_id, person_id=directory.actor
    )
    held = await organizations.permissions_of(directory.session, membership)
    return replace(directory.caller, permissions=held)


async def settle(directory: Directory) -> None:
    """Let there be a user for each member, and none for who has left; who joined gets the roles of their groups."""
    users = UserRepository(directory.session)
    await users.forget_left(directory.organization_id)
    joined = await _mark_joined(directory)
    unlisted = await users.list_unlisted(directory.organization_id)
    known = await people.describe_people(directory.session, [membership.person_id for membership in unlisted])
    await users.add_all([_adopted(each, known[each.person_id]) for each in unlisted if each.person_id in known])
    if joined:
        try:
            await grant_roles(directory, joined)
        except Refusal as refusal:
            # Whoever asks now may do less than who put them into the group: the next to write the group is told.
            log.warning("scim_roles_not_granted", refusal=refusal.slug())


async def _mark_joined(directory: Directory) -> Sequence[ScimUser]:
    """The users who have become members since they were invited."""
    users = UserRepository(directory.session)
    held = await users.hold(directory.organization_id, await users.list_joining(directory.organization_id))
    for user in held:
        user.joined_at = clock.now()
    return held


def _adopted(membership: Membership, person: Person) -> dict[str, Any]:
    """A user for a member of whom no directory has said anything yet."""
    said = DirectoryUser(
        user_name=person.email,
        display_name=person.name,
        emails=[Email(value=person.email, type="work", primary=True)],
    )
    user_id, at = new_id(), clock.now()
    return {
        **columns(said),
        "id": user_id,
        "organization_id": membership.organization_id,
        "person_id": person.id,
        "active": True,
        "provisioned": False,
        "granted_roles": [],
        "revision": 1,
        "created_at": at,
        "changed_at": at,
        "joined_at": membership.joined_at,
    }


def columns(said: DirectoryUser) -> dict[str, Any]:
    """What a user's row holds of what was said."""
    own = {"active", "groups"}
    hidden = {"id", "meta", *own}
    return {
        "user_name": comparing.folded(said.user_name or ""),
        "attributes": domain.attributes_of(said, without=own),
        "search": {name: value for name, value in comparing.searchable(said).items() if name not in hidden},
    }


async def grant_roles(directory: Directory, users: Iterable[ScimUser]) -> None:
    """Give these, who are held, the roles of their groups, and take those that no group of theirs gives any more.

    Raises PermissionIsLacking for a role that the caller's person could not give, LastOwnerMustStay.
    """
    joined = {user.person_id: user for user in users if user.person_id is not None and user.joined_at is not None}
    if not joined:
        return
    repository, organization_id = UserRepository(directory.session), directory.organization_id
    groups = await repository.list_groups([user.id for user in joined.values()])
    existing = set(await organizations.list_role_names(directory.session, organization_id))
    held = (await in_person(directory)).permissions
    for person_id, membership in (await repository.list_memberships(organization_id, joined)).items():
        user = joined[person_id]
        wanted = existing.intersection(group.role for group in groups[user.id] if group.role)
        await _grant(directory, user, membership, wanted, held=held)


async def _grant(
    directory: Directory, user: ScimUser, membership: Membership, wanted: Iterable[str], *, held: Iterable[str]
) -> None:
    session, organization_id = directory.session, directory.organization_id
    roles, granted = domain.by_groups(membership.roles, granted=user.granted_roles, wanted=wanted)
    if altered := set(roles) ^ set(membership.roles):
        # Who could not give a role takes it from nobody either, be it by deleting the group.
        await organizations.require_grantable(session, organization_id, altered, held=held)
        person_id = membership.person_id
        await organizations.set_member_roles(session, organization_id, person_id, roles, actor=directory.actor)
    if granted != user.granted_roles:
        user.granted_roles = granted
