"""Groups: who is in each, and the role that members have by it."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from stoa_auth.organizations import service as organizations
from stoa_auth.scim import comparing, domain, representing
from stoa_auth.scim.kinds import Kind, Noted, Parameters
from stoa_auth.scim.models import ScimGroup
from stoa_auth.scim.repository import GroupRepository, Listed, UserRepository
from stoa_auth.scim.schemas import DirectoryGroup, GroupRole
from stoa_auth.scim.settling import Directory, grant_roles, in_person
from stoa_auth.scim.sources import GROUPS
from stoa_common import clock
from stoa_common.ids import new_id


class Groups(Kind[ScimGroup, DirectoryGroup]):
    """The groups of the directory."""

    name = "group"
    model = DirectoryGroup
    source = GROUPS

    def __init__(self, directory: Directory) -> None:
        super().__init__(directory)
        self._groups = GroupRepository(directory.session)
        self._users = UserRepository(directory.session)
        #: Who was in the group when it was locked.
        self._before: set[UUID] = set()

    async def find(self, record_id: UUID) -> ScimGroup | None:
        return await self._groups.find(self.directory.organization_id, record_id)

    async def lock(self, record_id: UUID) -> ScimGroup | None:
        record = await self._groups.lock(self.directory.organization_id, record_id)
        if record is not None:
            # Read before it is shown: whoever is deleted after that is still meant by what is said, and no stranger.
            self._before = set((await self._groups.list_members([record.id])).get(record.id, ()))
        return record

    async def page(self, wanted: Listed) -> tuple[Sequence[ScimGroup], int]:
        return await self._groups.page(self.directory.organization_id, wanted)

    async def show(self, records: Sequence[ScimGroup], wanted: Parameters) -> list[DirectoryGroup]:
        asks = representing.asks_for(wanted, "members")
        ids = [record.id for record in records]
        members = await self._groups.list_members(ids) if asks else {}
        sizes = {group_id: len(each) for group_id, each in members.items()} if asks else await self._groups.sizes(ids)
        return [
            representing.group(
                record, members=members.get(record.id, ()), size=sizes.get(record.id, 0), base=self.directory.base
            )
            for record in records
        ]

    def require(self, said: DirectoryGroup) -> None:
        domain.require_display_name(said)

    def complete(self, said: DirectoryGroup, current: DirectoryGroup) -> None:
        """Directories don't know our extension, and would take with a new name what an admin has set."""
        if said[GroupRole] is None:
            said[GroupRole] = current[GroupRole]
        for member in said.members or ():
            # Who a member is says the id alone; where they are, and as what, is for Stoa to say.
            member.ref, member.type = None, None

    async def make(self, said: DirectoryGroup) -> tuple[ScimGroup, Noted]:
        """Its members have the role that it stands for."""
        at = clock.now()
        record = ScimGroup(
            id=new_id(),
            organization_id=self.directory.organization_id,
            **_columns(said),
            role=await self._role(said, kept=None),
            revision=1,
            created_at=at,
            changed_at=at,
        )
        await self._groups.add(record)
        members = await self._members(said)
        await self._move(record, came=members, left=(), affected=members if record.role else ())
        return record, Noted({"role": record.role, "members": _told(members)})

    async def keep(self, record: ScimGroup, said: DirectoryGroup) -> Noted | None:
        was, old_role = DirectoryGroup.model_validate(record.attributes), record.role
        before, members = self._before, await self._members(said, known=self._before)
        values = _columns(said) | {"role": await self._role(said, kept=domain.told_role(was))}
        changed = domain.names_of_changes(record.attributes, values["attributes"])
        for name, value in values.items():
            setattr(record, name, value)
        came, left = members - before, before - members
        affected = before | members if record.role != old_role else await self._affected(record, came | left)
        await self._move(record, came=came, left=left, affected=affected)
        if not (changed or came or left or record.role != old_role):
            return None
        after = {"attributes": changed, "role": record.role, "came": _told(came), "left": _told(left)}
        return Noted(after, before={"role": old_role})

    async def part(self, record: ScimGroup) -> Noted:
        """The role goes from members who have it by this group alone."""
        await self._move(record, came=(), left=self._before, affected=self._before if record.role else ())
        await self._groups.remove(record)
        return Noted(after=None)

    async def _move(
        self, record: ScimGroup, *, came: Collection[UUID], left: Collection[UUID], affected: Collection[UUID]
    ) -> None:
        """Let users come and leave, and those whom it affects have the roles of their groups."""
        # Locked before the group's rows of them, as whoever removes a user does.
        held = await self._users.hold(self.directory.organization_id, affected)
        await self._groups.take_out(record.id, left)
        await self._groups.put_in(record.id, came)
        await grant_roles(self.directory, held)

    async def _affected(self, record: ScimGroup, moved: set[UUID]) -> set[UUID]:
        """Of a group whose role stays: who comes or leaves, and who lacks the role, for whatever reason."""
        if record.role is None:
            return set()
        return moved.union(await self._groups.list_lacking(record.id, record.role))

    async def _members(self, said: DirectoryGroup, *, known: Collection[UUID] = ()) -> set[UUID]:
        """The members that are said; whoever is no user of the organization is refused. Raises ScimRequestIsWrong."""
        wanted = domain.member_ids(said)
        unknown = wanted.difference(known)
        found = await self._users.list_by_ids(self.directory.organization_id, unknown)
        domain.refuse_strangers(unknown.difference(user.id for user in found))
        return wanted

    async def _role(self, said: DirectoryGroup, *, kept: str | None) -> str | None:
        """The role that the group gives from now on. Raises ScimRequestIsWrong, PermissionIsLacking."""
        session, organization_id = self.directory.session, self.directory.organization_id
        existing = await organizations.list_role_names(session, organization_id)
        role = domain.wanted_role(said, existing=existing, kept=kept)
        if role is not None:
            held = (await in_person(self.directory)).permissions
            await organizations.require_grantable(session, organization_id, [role], held=held)
        return role


def _columns(said: DirectoryGroup) -> dict[str, Any]:
    hidden, alone = {"id", "meta"}, said.model_copy(update={"members": None})
    return {
        "attributes": domain.attributes_of(alone, without=()),
        "search": {name: value for name, value in comparing.searchable(alone).items() if name not in hidden},
    }


def _told(user_ids: Collection[UUID]) -> list[str]:
    return sorted(map(str, user_ids))
