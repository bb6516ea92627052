"""Use cases of groups: make, see, change and remove them, and with them the role that members have by each."""

from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import UUID

from scim2_models import PatchOp, SearchRequest

from stoa_auth.audit import service as audit
from stoa_auth.organizations import service as organizations
from stoa_auth.scim import comparing, domain, filtering, reading, representing
from stoa_auth.scim.models import ScimGroup
from stoa_auth.scim.repository import GROUPS, GroupRepository, Listed, UserRepository
from stoa_auth.scim.representing import Answer
from stoa_auth.scim.schemas import DirectoryGroup, GroupRole
from stoa_auth.scim.settling import Directory, grant_roles, in_person, settle
from stoa_auth.scim.tidying import tidy
from stoa_common import clock
from stoa_common.ids import new_id

Parameters = SearchRequest[DirectoryGroup]
_KIND = "group"


async def list_groups(directory: Directory, wanted: Parameters) -> dict[str, Any]:
    """Raises ScimRequestIsWrong."""
    await settle(directory)
    with reading.understood():
        listed = Listed(
            filtering.condition(wanted.filter, GROUPS),
            filtering.order(wanted, DirectoryGroup, GROUPS),
            base=directory.base,
            **domain.window(wanted.start_index_0, wanted.count),
        )
    records, total = await GroupRepository(directory.session).page(directory.organization_id, listed)
    return representing.page(await _shown(directory, records, wanted), total, wanted)


async def _shown(directory: Directory, records: Sequence[ScimGroup], wanted: Parameters) -> list[DirectoryGroup]:
    asks = representing.asks_for(wanted, "members")
    repository = GroupRepository(directory.session)
    members = await repository.list_members([record.id for record in records]) if asks else {}
    return [representing.group(record, members=members.get(record.id, ()), base=directory.base) for record in records]


async def get_group(directory: Directory, group_id: str, wanted: Parameters) -> Answer:
    """Raises ResourceIsUnknown."""
    await settle(directory)
    found = await GroupRepository(directory.session).find(
        directory.organization_id, domain.parsed_id(group_id, kind=_KIND)
    )
    return await _answer(directory, domain.known_group(found), wanted)


async def _answer(directory: Directory, record: ScimGroup, wanted: Parameters) -> Answer:
    return representing.answer((await _shown(directory, [record], wanted))[0], wanted)


async def create_group(directory: Directory, said: DirectoryGroup, wanted: Parameters) -> Answer:
    """Raises ScimRequestIsWrong, PermissionIsLacking for a role that the caller's person could not give."""
    await settle(directory)
    tidy(said)
    domain.require_display_name(said)
    at = clock.now()
    record = ScimGroup(
        id=new_id(),
        organization_id=directory.organization_id,
        **_columns(said),
        role=await _role(directory, said),
        revision=1,
        created_at=at,
        changed_at=at,
    )
    await GroupRepository(directory.session).add(record)
    members = await _users_of(directory, said)
    await GroupRepository(directory.session).put_in(record.id, members)
    if record.role:
        await grant_roles(directory, members)
    _note(directory, "scim-group.create", record, after={"role": record.role, "members": sorted(map(str, members))})
    return await _answer(directory, record, wanted)


def _columns(said: DirectoryGroup) -> dict[str, Any]:
    hidden = {"id", "meta", "members"}
    return {
        "attributes": domain.attributes_of(said, without={"members"}),
        "search": {name: value for name, value in comparing.searchable(said).items() if name not in hidden},
    }


async def _role(directory: Directory, said: DirectoryGroup) -> str | None:
    known = await organizations.list_role_names(directory.session, directory.organization_id)
    role = domain.wanted_role(said, known=known)
    if role is not None:
        held = (await in_person(directory)).permissions
        await organizations.require_grantable(directory.session, directory.organization_id, [role], held=held)
    return role


async def _users_of(directory: Directory, said: DirectoryGroup, *, known: Collection[UUID] = ()) -> set[UUID]:
    """The members that are said; whoever is no user of the organization is refused. Raises ScimRequestIsWrong."""
    wanted = domain.member_ids(said)
    unknown = wanted.difference(known)
    found = await UserRepository(directory.session).list_by_ids(directory.organization_id, unknown)
    domain.refuse_strangers(unknown.difference(user.id for user in found))
    return wanted


async def replace_group(
    directory: Directory, group_id: str, said: DirectoryGroup, wanted: Parameters, *, if_match: str | None
) -> Answer:
    """Let the group be what is said; the role of our extension alone stays where it is left out.

    Raises ResourceIsUnknown, VersionHasChanged, ScimRequestIsWrong, PermissionIsLacking.
    """

    def change(current: DirectoryGroup) -> DirectoryGroup:
        said.replace(current)
        if said[GroupRole] is None and current[GroupRole] is not None:
            # Directories don't know the extension, and would take with a new name what an admin has set.
            said[GroupRole] = current[GroupRole]
        return said

    return await _change(directory, group_id, change, wanted, if_match=if_match)


async def patch_group(
    directory: Directory,
    group_id: str,
    operations: PatchOp[DirectoryGroup],
    wanted: Parameters,
    *,
    if_match: str | None,
) -> Answer:
    """All of the operations, or none. Raises as `replace_group`."""

    def change(current: DirectoryGroup) -> DirectoryGroup:
        operations.patch(current)
        return current

    return await _change(directory, group_id, change, wanted, if_match=if_match)


async def _change(
    directory: Directory,
    group_id: str,
    change: Callable[[DirectoryGroup], DirectoryGroup],
    wanted: Parameters,
    *,
    if_match: str | None,
) -> Answer:
    await settle(directory)
    record = await _locked(directory, group_id, if_match=if_match)
    current = (await _shown(directory, [record], SearchRequest[DirectoryGroup]()))[0]
    before = domain.member_ids(current)
    with reading.understood():
        said = change(current)
    tidy(said)
    domain.require_display_name(said)
    await _keep(directory, record, said, before, await _users_of(directory, said, known=before))
    return await _answer(directory, record, wanted)


async def _keep(
    directory: Directory, record: ScimGroup, said: DirectoryGroup, before: set[UUID], members: set[UUID]
) -> None:
    values = _columns(said) | {"role": await _role(directory, said)}
    changed = [name for name, value in values.items() if getattr(record, name) != value]
    came, left = members - before, before - members
    if not (changed or came or left):
        return
    old_role = record.role
    for name in changed:
        setattr(record, name, values[name])
    domain.changed(record, at=clock.now())
    repository = GroupRepository(directory.session)
    await repository.take_out(record.id, left)
    await repository.put_in(record.id, came)
    _note_change(directory, record, old_role, came=came, left=left)
    if old_role != record.role:
        await grant_roles(directory, before | members)
    elif record.role:
        await grant_roles(directory, came | left)


async def _locked(directory: Directory, group_id: str, *, if_match: str | None) -> ScimGroup:
    found = await GroupRepository(directory.session).lock(
        directory.organization_id, domain.parsed_id(group_id, kind=_KIND)
    )
    record = domain.known_group(found)
    domain.check_version(domain.version(record), if_match)
    return record


async def delete_group(directory: Directory, group_id: str, *, if_match: str | None) -> None:
    """Remove the group; the role goes from members who have it by this group alone. Raises ResourceIsUnknown,
    VersionHasChanged, LastOwnerMustStay.
    """
    await settle(directory)
    record = await _locked(directory, group_id, if_match=if_match)
    repository = GroupRepository(directory.session)
    members = (await repository.list_members([record.id])).get(record.id, [])
    _note(directory, "scim-group.delete", record, after=None)
    await repository.remove(record)
    if record.role:
        await grant_roles(directory, members)


def _note_change(
    directory: Directory, record: ScimGroup, old_role: str | None, *, came: set[UUID], left: set[UUID]
) -> None:
    _note(
        directory,
        "scim-group.change",
        record,
        before={"role": old_role},
        after={"role": record.role, "came": sorted(map(str, came)), "left": sorted(map(str, left))},
    )


def _note(
    directory: Directory,
    action: str,
    record: ScimGroup,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None,
) -> None:
    audit.note(
        directory.session,
        action,
        actor=directory.actor,
        organization_id=directory.organization_id,
        target=record.id,
        before=before,
        after=after,
    )
