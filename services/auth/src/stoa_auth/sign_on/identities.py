"""Use cases of a person's own identities: link one with the account, see them, unlink one."""

from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.people import service as people
from stoa_auth.sign_on import refusals, service
from stoa_auth.sign_on.desk import Desk
from stoa_auth.sign_on.repository import IdentityRepository
from stoa_auth.sign_on.schemas import IdentityOut, LinkIn
from stoa_auth.sign_on.service import Departure, Journey
from stoa_common.database import Database, Session
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal


async def begin_link(
    database: Database, wanted: LinkIn, *, desk: Desk, caller: Principal, cookie: str | None
) -> Departure:
    """Send the caller's browser to a provider whose answer is then good for their account.

    Raises OperatorsDontSignOn, and what `service.begin` raises.
    """
    async with database.transaction() as session:
        if (await people.get_person(session, caller.person_id)).operator:
            raise refusals.OperatorsDontSignOn
    journey = Journey(return_to=wanted.return_to, linking=caller.person_id)
    return await service.begin(database, wanted.connection_id, journey, desk=desk, cookie=cookie)


async def list_identities(session: Session, window: PageQuery, *, caller: Principal) -> Page[IdentityOut]:
    """By which identities the caller can log in."""
    found, names, following = await IdentityRepository(session).page_of_person(caller.person_id, window)
    items = [
        IdentityOut(
            id=each.id,
            connection_id=each.connection_id,
            connection=names[each.connection_id],
            linked_at=each.linked_at,
            last_used_at=each.last_used_at,
        )
        for each in found
    ]
    return Page(items=items, next=following)


async def unlink(session: Session, identity_id: UUID, *, caller: Principal) -> None:
    """Let an identity log in to the caller's account no more. Raises IdentityIsUnknown."""
    connection_id = await IdentityRepository(session).delete_of_person(identity_id, caller.person_id)
    if connection_id is None:
        raise refusals.IdentityIsUnknown
    before = {"connection_id": str(connection_id)}
    audit.note(session, "identity.unlink", actor=caller.person_id, target=identity_id, before=before)
