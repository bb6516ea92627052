"""Use cases of revocations: refuse what was issued so far, and tell every verifier.

For the other features; all in the transaction of what makes the tokens stale, as its last statement but the outbox:

- `revoke_session`: a session, or an API key, has ended.
- `revoke_member`: the person's permissions in an organization have changed, or are gone.
- `revoke_person`: the person is gone, or all they hold has changed.
- `revoke_organization`: nobody acts for the organization any more.
- `revoke_role`: what a role of the organization is made of has changed.

A token is refused if it was issued at the revocation's time or earlier, both by the database's clock. So that no token
with what was true before is issued afterwards, whoever issues one holds the person (`people.hold_person`) while reading
what it says, and takes its time from `get_time` under that lock; whoever revokes a person's or a member's tokens has
locked the person (`people.lock_person`) before changing what they say. For an organization and its roles the same is
done with the organization: who reads a membership to issue a token by it holds the organization, and whoever revokes
has locked that. So a role's thousands of holders cost two rows here, and no lock on any of them.
"""

from datetime import datetime
from uuid import UUID

from stoa_auth.revocations import publisher
from stoa_auth.revocations.repository import RevocationRepository
from stoa_common import revocations
from stoa_common.database import Session, after_commit
from stoa_common.revocations import Extract

__all__ = [
    "get_time",
    "read",
    "revoke_member",
    "revoke_organization",
    "revoke_person",
    "revoke_role",
    "revoke_session",
]


async def get_time(session: Session) -> datetime:
    """What a token that is being issued says of its time."""
    return await RevocationRepository(session).now()


async def revoke_session(session: Session, session_id: UUID) -> None:
    """Refuse the tokens of one session, or of one API key, from now on."""
    await _revoke(session, revocations.of_session(session_id))


async def revoke_member(session: Session, person_id: UUID, *, organization_id: UUID) -> None:
    """Refuse the tokens by which the person has acted for the organization so far; a new one says what is true now."""
    await _revoke(session, revocations.of_member(person_id, organization_id))


async def revoke_person(session: Session, person_id: UUID) -> None:
    """Refuse all tokens that the person has had so far."""
    await _revoke(session, revocations.of_person(person_id))


async def revoke_organization(session: Session, organization_id: UUID) -> None:
    """Refuse all tokens by which anybody has acted for the organization so far."""
    await _revoke(session, revocations.of_organization(organization_id))


async def revoke_role(session: Session, organization_id: UUID, role: str) -> None:
    """Refuse the tokens that members with the role have had so far, whoever they are.

    Tokens that are limited to scopes tell no role: those of the organization are all refused, and made anew.
    """
    told = (revocations.of_role(organization_id, role), revocations.of_role(organization_id, ""))
    await _revoke(session, *told)


async def read(session: Session, *, after: int) -> Extract:
    """What follows this number in the log."""
    return await RevocationRepository(session).read(after=after)


async def _revoke(session: Session, *subjects: str) -> None:
    await RevocationRepository(session).add(*subjects)
    after_commit(session, publisher.announce)
