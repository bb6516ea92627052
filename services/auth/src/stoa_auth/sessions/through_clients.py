"""Sessions that people opened through OAuth clients: how the client's feature looks at them and ends them."""

from uuid import UUID

from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import domain
from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_auth.sessions.repository import SessionRepository
from stoa_common import clock
from stoa_common.database import Session


async def find_by_refresh_token(session: Session, token: str) -> tuple[LoginSession, RefreshToken] | None:
    """The session that the token could renew now, and what is kept of the token."""
    return await SessionRepository(session).find_family(domain.token_hash(token), at=clock.now())


async def is_open(session: Session, session_id: UUID) -> bool:
    """Whether somebody is still logged in by it."""
    return await SessionRepository(session).is_open(session_id, at=clock.now())


async def end_sessions(
    session: Session, client_id: str, *, person_id: UUID | None = None, session_id: UUID | None = None
) -> int:
    """End what was opened through the client, all of it or one person's or one session; how many that were.

    Their access tokens are worth nothing from now on.
    """
    repository = SessionRepository(session)
    ended = await repository.revoke_of_client(client_id, person_id=person_id, session_id=session_id, at=clock.now())
    for each in ended:
        await revocations.revoke_session(session, each)
    return len(ended)
