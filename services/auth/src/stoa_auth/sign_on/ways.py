"""Use cases of finding the way: by which providers somebody can log in, as a log-in page and their own pages offer it.

An address says nothing here but its domain: what is answered is the same whether it has an account.
"""

from collections.abc import Sequence
from uuid import UUID

from stoa_auth.organizations import service as organizations
from stoa_auth.sign_on.desk import Desk
from stoa_auth.sign_on.domain import mail_domain
from stoa_auth.sign_on.models import Connection, Identity
from stoa_auth.sign_on.repository import ConnectionRepository, IdentityRepository
from stoa_auth.sign_on.schemas import WayOut
from stoa_common.database import Session


async def list_ways(session: Session, name: str, *, desk: Desk) -> list[WayOut]:
    """How people with an address of this domain can log in by their organization's provider."""
    return await _described(session, await ConnectionRepository(session).list_of_domain(name), desk=desk)


async def find_open(session: Session, connection_id: UUID) -> Connection | None:
    """The connection, where somebody could be let in by it."""
    found = await ConnectionRepository(session).find_enabled(connection_id)
    is_open = found and await organizations.list_sign_on_policies(session, [found.organization_id])
    return found if is_open else None


async def list_known_ways(
    session: Session, person_id: UUID, *, organization_id: UUID | None, desk: Desk
) -> list[WayOut]:
    """By which providers of the organization the person can log in to their account."""
    if organization_id is None:
        return []
    found = await ConnectionRepository(session).list_linked(person_id, organization_id=organization_id)
    return await _described(session, found, desk=desk)


async def list_other_ways(session: Session, person_id: UUID, email: str, *, desk: Desk) -> list[WayOut]:
    """By which providers the person could log in, too: those of their organizations and of their address's domain that
    their account is not linked with.
    """
    repository = ConnectionRepository(session)
    memberships = await organizations.list_memberships(session, person_id)
    theirs = [
        *await repository.list_of_organizations({each.organization_id for each in memberships}),
        *await repository.list_of_domain(mail_domain(email)),
    ]
    linked = {identity.connection_id for identity, _ in await list_identities_of(session, person_id)}
    others = {each.id: each for each in theirs if each.id not in linked}
    return await _described(session, list(others.values()), desk=desk)


async def is_demanded(session: Session, person_id: UUID) -> bool:
    """Whether an organization of the person's lets them act for it only if they log in by its provider."""
    anyway = await organizations.list_memberships(session, person_id, signed_on=False)
    return len(anyway) < len(await organizations.list_memberships(session, person_id))


async def list_identities_of(session: Session, person_id: UUID) -> Sequence[tuple[Identity, str]]:
    """All identities of the person, the oldest first, each with the name of its connection."""
    return await IdentityRepository(session).list_of_person(person_id)


async def _described(session: Session, found: Sequence[Connection], *, desk: Desk) -> list[WayOut]:
    """Those of organizations that are not suspended: the others' lead nowhere."""
    required = await organizations.list_sign_on_policies(session, {each.organization_id for each in found})
    return [
        WayOut(id=each.id, name=each.name, log_in_url=desk.log_in_url(each.id), required=required[each.organization_id])
        for each in found
        if each.organization_id in required
    ]
