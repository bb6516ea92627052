"""Users: what a directory says of people, and their memberships with it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from stoa_auth.organizations.service import Membership
from stoa_auth.people import service as people
from stoa_auth.scim import domain, provisioning, representing
from stoa_auth.scim.kinds import Kind, Noted, Parameters
from stoa_auth.scim.models import ScimUser
from stoa_auth.scim.repository import Listed, UserRepository
from stoa_auth.scim.schemas import DirectoryUser
from stoa_auth.scim.settling import Directory, columns
from stoa_auth.scim.sources import USERS
from stoa_common import clock
from stoa_common.ids import new_id


class Users(Kind[ScimUser, DirectoryUser]):
    """The organization's members, and who is to become one."""

    name = "user"
    model = DirectoryUser
    source = USERS

    def __init__(self, directory: Directory) -> None:
        super().__init__(directory)
        self._users = UserRepository(directory.session)

    async def find(self, record_id: UUID) -> ScimUser | None:
        return await self._users.find(self.directory.organization_id, record_id)

    async def lock(self, record_id: UUID) -> ScimUser | None:
        """The user and its person, the person first, as everybody does who locks both."""
        await self._users.lock_people(self.directory.organization_id, [record_id])
        return await self._users.lock(self.directory.organization_id, record_id)

    async def page(self, wanted: Listed) -> tuple[Sequence[ScimUser], int]:
        return await self._users.page(self.directory.organization_id, wanted)

    async def show(self, records: Sequence[ScimUser], wanted: Parameters) -> list[DirectoryUser]:  # noqa: ARG002  # the kind's
        """Their groups are always asked for: a user's version depends on them."""
        memberships = await self._memberships(records)
        groups = await self._users.list_groups([record.id for record in records])
        return [
            representing.user(
                record,
                is_active=_is_active(record, memberships),
                groups=groups.get(record.id, ()),
                base=self.directory.base,
            )
            for record in records
        ]

    async def _memberships(self, records: Sequence[ScimUser]) -> Mapping[UUID, Membership]:
        person_ids = [record.person_id for record in records if record.person_id]
        return await self._users.list_memberships(self.directory.organization_id, person_ids)

    def require(self, said: DirectoryUser) -> None:
        domain.require_user_name(said)

    def complete(self, said: DirectoryUser, current: DirectoryUser) -> None:
        """Whoever leaves out `active` means neither to let somebody in nor to keep them out."""
        said.active = current.active if said.active is None else said.active

    async def make(self, said: DirectoryUser) -> tuple[ScimUser, Noted]:
        """With it an account that is a member, or an invitation to the account that has the address."""
        user_id, at = new_id(), clock.now()
        record = await self._users.add(
            **columns(said),
            id=user_id,
            organization_id=self.directory.organization_id,
            active=said.active is not False,
            provisioned=False,
            granted_roles=[],
            revision=1,
            created_at=at,
            changed_at=at,
        )
        if record is None:
            raise domain.UserIsListed
        await provisioning.provision(self.directory, record, said)
        return record, Noted({"active": record.active, "provisioned": record.provisioned}, subject=record.person_id)

    async def keep(self, record: ScimUser, said: DirectoryUser) -> Noted | None:
        """An address that is told only now provisions them."""
        before = record.attributes
        is_active = _is_active(record, await self._memberships([record]))
        if not await self._users.write(record, columns(said)):
            raise domain.UserIsListed
        changed = domain.names_of_changes(before, record.attributes)
        if said.active != (None if record.active is None else is_active):
            record.active = said.active
            changed.append("active")
        if domain.is_to_provision(record, said, before=DirectoryUser.model_validate(before)):
            await provisioning.provision_anew(self.directory, record, said)
        else:
            await self._follow(record, said, was_active=is_active)
        return Noted({"attributes": changed}, subject=record.person_id) if changed else None

    async def _follow(self, record: ScimUser, said: DirectoryUser, *, was_active: bool) -> None:
        """The membership is, and an account that was made by this is named, as the directory says."""
        if said.active is not None and said.active != was_active:
            await provisioning.set_active(self.directory, record, is_active=said.active)
        if record.provisioned and record.person_id is not None and (name := domain.full_name(said)) is not None:
            await people.rename_person(self.directory.session, record.person_id, name, actor=self.directory.actor)

    async def part(self, record: ScimUser) -> Noted:
        """The account stays its owner's."""
        await provisioning.part(self.directory, record)
        await self._users.remove(record)
        return Noted(after=None, subject=record.person_id)


def _is_active(record: ScimUser, memberships: Mapping[UUID, Membership]) -> bool:
    """Whether the person acts for the organization, or would, had they joined."""
    membership = memberships.get(record.person_id) if record.person_id and record.joined_at else None
    return record.active is not False if membership is None else membership.suspended_at is None
