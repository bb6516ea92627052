"""Use cases of users: make, see, change and remove what a directory says of people, and their memberships with it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from scim2_models import PatchOp, SearchRequest

from stoa_auth.audit import service as audit
from stoa_auth.organizations.service import Membership
from stoa_auth.people import service as people
from stoa_auth.scim import domain, filtering, provisioning, reading, representing
from stoa_auth.scim.models import ScimUser
from stoa_auth.scim.repository import USERS, Listed, UserRepository
from stoa_auth.scim.representing import Answer
from stoa_auth.scim.schemas import DirectoryUser
from stoa_auth.scim.settling import Directory, columns, settle
from stoa_auth.scim.tidying import tidy
from stoa_common import clock
from stoa_common.ids import new_id

Parameters = SearchRequest[DirectoryUser]
_KIND = "user"


async def list_users(directory: Directory, wanted: Parameters) -> dict[str, Any]:
    """Raises ScimRequestIsWrong."""
    await settle(directory)
    with reading.understood():
        listed = Listed(
            filtering.condition(wanted.filter, USERS),
            filtering.order(wanted, DirectoryUser, USERS),
            base=directory.base,
            **domain.window(wanted.start_index_0, wanted.count),
        )
    records, total = await UserRepository(directory.session).page(directory.organization_id, listed)
    return representing.page(await _shown(directory, records, wanted), total, wanted)


async def _shown(directory: Directory, records: Sequence[ScimUser], wanted: Parameters) -> list[DirectoryUser]:
    repository = UserRepository(directory.session)
    person_ids = [record.person_id for record in records if record.person_id]
    memberships = await repository.list_memberships(directory.organization_id, person_ids)
    asks = representing.asks_for(wanted, "groups")
    groups = await repository.list_groups([record.id for record in records]) if asks else {}
    return [
        representing.user(
            record,
            is_active=_is_active(record, memberships),
            groups=groups.get(record.id, ()),
            base=directory.base,
        )
        for record in records
    ]


def _is_active(record: ScimUser, memberships: Mapping[UUID, Membership]) -> bool:
    """Whether the person acts for the organization, or would, had they joined."""
    membership = memberships.get(record.person_id) if record.person_id and record.joined_at else None
    return record.active is not False if membership is None else membership.suspended_at is None


async def _acts(directory: Directory, record: ScimUser) -> bool:
    person_ids = [record.person_id] if record.person_id else []
    memberships = await UserRepository(directory.session).list_memberships(directory.organization_id, person_ids)
    return _is_active(record, memberships)


async def get_user(directory: Directory, user_id: str, wanted: Parameters) -> Answer:
    """Raises ResourceIsUnknown."""
    await settle(directory)
    wanted_id = domain.parsed_id(user_id, kind=_KIND)
    return await _answer(directory, await _find(directory, wanted_id), wanted)


async def _answer(directory: Directory, record: ScimUser, wanted: Parameters) -> Answer:
    # What was changed is read again for the answer.
    await directory.session.flush()
    return representing.answer((await _shown(directory, [record], wanted))[0], wanted)


async def _find(directory: Directory, user_id: UUID) -> ScimUser:
    found = await UserRepository(directory.session).find(directory.organization_id, user_id)
    if found is None:
        raise domain.ResourceIsUnknown(_KIND)
    return found


async def create_user(directory: Directory, said: DirectoryUser, wanted: Parameters) -> Answer:
    """Make a user, and with it an account that is a member, or an invitation to the account that has the address.

    Raises ScimRequestIsWrong, UserIsListed, EmailIsNotVerified, TooManyInvitations.
    """
    await settle(directory)
    tidy(said)
    domain.require_user_name(said)
    user_id, at = new_id(), clock.now()
    record = await UserRepository(directory.session).add(
        **columns(said),
        id=user_id,
        organization_id=directory.organization_id,
        active=said.active is not False,
        provisioned=False,
        granted_roles=[],
        revision=1,
        created_at=at,
        changed_at=at,
    )
    if record is None:
        raise domain.UserIsListed
    await provisioning.provision(directory, record, said)
    _note(directory, "scim-user.create", record, after={"active": record.active, "provisioned": record.provisioned})
    return await _answer(directory, record, wanted)


async def replace_user(
    directory: Directory, user_id: str, said: DirectoryUser, wanted: Parameters, *, if_match: str | None
) -> Answer:
    """Let the user be what is said, and nothing more; `active` alone stays as it is where it is left out.

    Raises ResourceIsUnknown, VersionHasChanged, ScimRequestIsWrong, UserIsListed.
    """

    def change(current: DirectoryUser) -> DirectoryUser:
        said.replace(current)
        # Whoever leaves it out means neither to let somebody in nor to keep them out.
        said.active = current.active if said.active is None else said.active
        return said

    return await _change(directory, user_id, change, wanted, if_match=if_match)


async def patch_user(
    directory: Directory,
    user_id: str,
    operations: PatchOp[DirectoryUser],
    wanted: Parameters,
    *,
    if_match: str | None,
) -> Answer:
    """All of the operations, or none. Raises as `replace_user`."""

    def change(current: DirectoryUser) -> DirectoryUser:
        operations.patch(current)
        return current

    return await _change(directory, user_id, change, wanted, if_match=if_match)


async def _change(
    directory: Directory,
    user_id: str,
    change: Callable[[DirectoryUser], DirectoryUser],
    wanted: Parameters,
    *,
    if_match: str | None,
) -> Answer:
    await settle(directory)
    record = await _locked(directory, user_id)
    before, is_active = record.attributes, await _acts(directory, record)
    domain.check_version(domain.version(record, is_active=is_active), if_match)
    current = (await _shown(directory, [record], Parameters()))[0]
    was_said, was_at = current.active, domain.address(current)
    with reading.understood():
        said = change(current)
    tidy(said)
    domain.require_user_name(said)
    await _keep(directory, record, said, was_at=was_at)
    changed = domain.names_of_changes(before, record.attributes)
    if said.active != was_said:
        record.active = said.active
        changed.append("active")
    if said.active is not None and said.active != is_active:
        await provisioning.set_active(directory, record, is_active=said.active)
    if changed:
        domain.changed(record, at=clock.now())
        _note(directory, "scim-user.change", record, after={"attributes": changed})
    return await _answer(directory, record, wanted)


async def _keep(directory: Directory, record: ScimUser, said: DirectoryUser, *, was_at: str | None) -> None:
    """Write down what is said of the user; an address that is told only now provisions them."""
    if not await UserRepository(directory.session).write(record, columns(said)):
        raise domain.UserIsListed
    if record.joined_at is None and (record.person_id is None or domain.address(said) != was_at):
        await provisioning.provision_anew(directory, record, said)
    elif record.provisioned and record.person_id is not None and (name := domain.full_name(said)) is not None:
        await people.rename_person(directory.session, record.person_id, name, actor=directory.actor)


async def _locked(directory: Directory, user_id: str) -> ScimUser:
    """The user and its person, the person first, as everybody does who locks both."""
    found = await _find(directory, domain.parsed_id(user_id, kind=_KIND))
    if found.person_id is not None:
        await people.find_and_lock_person(directory.session, found.person_id)
    record = await UserRepository(directory.session).lock(directory.organization_id, found.id)
    if record is None:
        raise domain.ResourceIsUnknown(_KIND)
    return record


async def delete_user(directory: Directory, user_id: str, *, if_match: str | None) -> None:
    """Remove the user and the membership; the account stays its owner's. Raises ResourceIsUnknown, VersionHasChanged,
    PermissionIsLacking, LastOwnerMustStay.
    """
    await settle(directory)
    record = await _locked(directory, user_id)
    domain.check_version(domain.version(record, is_active=await _acts(directory, record)), if_match)
    await provisioning.part(directory, record)
    _note(directory, "scim-user.delete", record, after=None)
    await UserRepository(directory.session).remove(record)


def _note(directory: Directory, action: str, record: ScimUser, *, after: dict[str, Any] | None) -> None:
    """What was changed, by name: the organization's log is no place for a second copy of people's data."""
    audit.note(
        directory.session,
        action,
        actor=directory.actor,
        organization_id=directory.organization_id,
        target=record.id,
        subject=record.person_id,
        after=after,
    )
