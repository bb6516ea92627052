"""Sessions that organizations' own providers opened: how the connections' feature ends them."""

from uuid import UUID

from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import domain
from stoa_auth.sessions.repository import SessionRepository
from stoa_common import clock
from stoa_common.database import Session


async def end_federated(session: Session, organization_id: UUID) -> int:
    """End what any provider of the organization opened, through OAuth clients too; how many that were.

    Their access tokens are worth nothing from now on; who may still log in does so again.
    """
    ended = await SessionRepository(session).revoke_federated(organization_id, domain.FEDERATED, at=clock.now())
    for each in ended:
        await revocations.revoke_session(session, each)
    return len(ended)
