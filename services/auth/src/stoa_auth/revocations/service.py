"""Use cases of revocations: refuse what was issued so far, and tell every verifier.

For the other features; all in the transaction of what makes the tokens stale, as its last statement but the outbox:

- `revoke_session`: a session, or an API key, has ended.
- `revoke_member`: the person's permissions in an organization have changed, or are gone.
- `revoke_person`: the person is gone, or all they hold has changed.

A token is refused if it was issued at the revocation's time or earlier, both by the database's clock. So that no token
with what was true before is issued afterwards, whoever issues one holds the person (`people.hold_person`) while reading
what it says, and takes its time from `get_time` under that lock; whoever revokes a person's or a member's tokens has
locked the person (`people.lock_person`) before changing what they say.
"""

from datetime import datetime
from uuid import UUID

from stoa_auth.revocations.repository import RevocationRepository
from stoa_common import revocations
from stoa_common.database import Session
from stoa_common.revocations import Extract

__all__ = ["get_time", "read", "revoke_member", "revoke_person", "revoke_session"]


async def get_time(session: Session) -> datetime:
    """What a token that is being issued says of its time."""
    return await RevocationRepository(session).now()


async def revoke_session(session: Session, session_id: UUID) -> None:
    """Refuse the tokens of one session, or of one API key, from now on."""
    await RevocationRepository(session).add(revocations.of_session(session_id))


async def revoke_member(session: Session, person_id: UUID, *, organization_id: UUID) -> None:
    """Refuse the tokens by which the person has acted for the organization so far; a new one says what is true now."""
    await RevocationRepository(session).add(revocations.of_member(person_id, organization_id))


async def revoke_person(session: Session, person_id: UUID) -> None:
    """Refuse all tokens that the person has had so far."""
    await RevocationRepository(session).add(revocations.of_person(person_id))


async def read(session: Session, *, after: int) -> Extract:
    """What follows this number in the log."""
    return await RevocationRepository(session).read(after=after)
