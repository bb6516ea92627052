"""From what a directory says of a user to an account and a membership, and back."""

from uuid import UUID

from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked
from stoa_auth.organizations import service as organizations
from stoa_auth.organizations.service import InvitationIn
from stoa_auth.people import service as people
from stoa_auth.scim import domain
from stoa_auth.scim.models import ScimUser
from stoa_auth.scim.repository import UserRepository
from stoa_auth.scim.schemas import DirectoryUser
from stoa_auth.scim.settling import Directory, grant_roles, in_person
from stoa_common import clock

_INVITED_HOURS = 30 * 24


async def provision(directory: Directory, record: ScimUser, said: DirectoryUser) -> None:
    """Make an account that is a member; or, where the address has one, invite its owner: nobody is joined unasked.

    Without an address nothing happens yet. Raises UserIsListed, EmailIsNotVerified, PermissionIsLacking,
    TooManyProvisioned, TooManyInvitations.
    """
    address = domain.address(said)
    if address is None:
        return
    if directory.needs_verified_email:
        await people.require_verified(directory.session, directory.actor)
    held = (await in_person(directory)).permissions
    await organizations.require_grantable(directory.session, directory.organization_id, domain.FIRST_ROLES, held=held)
    person = await people.add_person(directory.session, address, name=domain.full_name(said), password_hash=None)
    if person is None:
        await _invite_known(directory, record, address, languages=said.preferred_language)
    else:
        await _count(directory)
        record.person_id, record.provisioned, record.joined_at = person.id, True, clock.now()
        await _join(directory, record, person.id)
        await _welcome(directory, address, person.id, languages=said.preferred_language)


async def _count(directory: Directory) -> None:
    """Each account is a mail to somebody: no more than so many an hour. Raises TooManyProvisioned."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    made = await UserRepository(directory.session).count_account(directory.organization_id, hour=hour)
    domain.check_made(made, most=directory.most_an_hour)


async def provision_anew(directory: Directory, record: ScimUser, said: DirectoryUser) -> None:
    """As `provision`, for a user who has not joined by another address. Raises as it does."""
    await _revoke_invitation(directory, record)
    record.person_id = None
    await provision(directory, record, said)


async def _join(directory: Directory, record: ScimUser, person_id: UUID) -> None:
    session, organization_id, actor = directory.session, directory.organization_id, directory.actor
    await organizations.add_member(session, organization_id, person_id, domain.FIRST_ROLES, actor=actor)
    if record.active is False:
        await organizations.suspend_member(session, organization_id, person_id, actor=actor)
    await session.flush()
    await grant_roles(directory, [record])


async def _welcome(directory: Directory, address: str, person_id: UUID, *, languages: str | None) -> None:
    organization = await organizations.get_organization(
        directory.session, directory.organization_id, caller=directory.caller
    )
    mail.ask(
        directory.session,
        Asked.PROVISIONED,
        to=address,
        sealer=directory.sealer,
        accepted_languages=languages,
        person_id=person_id,
        organization=organization.name,
    )


async def _invite_known(directory: Directory, record: ScimUser, address: str, *, languages: str | None) -> None:
    known = await people.find_person_by_email(directory.session, address)
    # Without an account by now, they were erased this moment: the directory tries again.
    if known is None or not await UserRepository(directory.session).write(record, {"person_id": known.id}):
        raise domain.UserIsListed
    if record.active is not False:
        await _invite(directory, record, address, languages=languages)


async def _invite(directory: Directory, record: ScimUser, address: str, *, languages: str | None) -> None:
    wanted = InvitationIn(
        roles=[str(role) for role in domain.FIRST_ROLES], email=address, expires_in_hours=_INVITED_HOURS
    )
    invitation = await organizations.invite(
        directory.session,
        directory.organization_id,
        wanted,
        caller=await in_person(directory),
        needs_verified_email=directory.needs_verified_email,
        sealer=directory.sealer,
        accepted_languages=languages,
    )
    record.invitation_id = invitation.id


async def set_active(directory: Directory, record: ScimUser, *, is_active: bool) -> None:
    """Suspend the membership, or resume it; who has not joined yet is invited, or not any more.

    Raises PermissionIsLacking, LastOwnerMustStay.
    """
    session, organization_id = directory.session, directory.organization_id
    if record.person_id is None:
        return
    if record.joined_at is None:
        await _set_invited(directory, record, record.person_id, is_invited=is_active)
        return
    await _require_power(directory, record.person_id)
    change = organizations.resume_member if is_active else organizations.suspend_member
    await change(session, organization_id, record.person_id, actor=directory.actor)


async def _set_invited(directory: Directory, record: ScimUser, person_id: UUID, *, is_invited: bool) -> None:
    if not is_invited:
        await _revoke_invitation(directory, record)
        return
    person = await people.get_person(directory.session, person_id)
    await _invite(directory, record, person.email, languages=record.attributes.get("preferredLanguage"))


async def part(directory: Directory, record: ScimUser) -> None:
    """End the membership, or the invitation to one. Raises PermissionIsLacking, LastOwnerMustStay."""
    if record.joined_at is None or record.person_id is None:
        await _revoke_invitation(directory, record)
        return
    await _require_power(directory, record.person_id)
    await organizations.remove_member(
        directory.session, directory.organization_id, record.person_id, actor=directory.actor
    )


async def _revoke_invitation(directory: Directory, record: ScimUser) -> None:
    if record.invitation_id is None:
        return
    invitation_id, record.invitation_id = record.invitation_id, None
    try:
        await organizations.revoke_invitation(
            directory.session, directory.organization_id, invitation_id, caller=directory.caller
        )
    except organizations.InvitationIsUnknown:
        # It was over already.
        return


async def _require_power(directory: Directory, person_id: UUID) -> None:
    """Nobody takes anything from a member who may do more than they, by a key neither."""
    memberships = await UserRepository(directory.session).list_memberships(directory.organization_id, [person_id])
    if (membership := memberships.get(person_id)) is not None:
        await organizations.require_power_over(directory.session, membership, await in_person(directory))
