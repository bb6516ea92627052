"""Every query of passkeys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from stoa_auth.passkeys.domain import Purpose
from stoa_auth.passkeys.models import Passkey, PasskeyChallenge
from stoa_common.database import Session, rows_affected

_SWEPT_AT_ONCE = 100


class PasskeyRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add_unless_known(self, values: Mapping[str, object]) -> bool:
        """Whether it is kept; not where somebody has a passkey of the same id."""
        statement = insert(Passkey).values(values).on_conflict_do_nothing(index_elements=[Passkey.credential_id])
        return rows_affected(await self._session.execute(statement)) == 1

    async def list_of(self, person_id: UUID) -> Sequence[Passkey]:
        query = select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.factor_id)
        return (await self._session.scalars(query)).all()

    async def find_person_of(self, credential_id: bytes) -> UUID | None:
        return await self._session.scalar(select(Passkey.person_id).where(Passkey.credential_id == credential_id))

    async def find(self, credential_id: bytes, person_id: UUID) -> Passkey | None:
        """The person's passkey; read when they are locked, it is what the last use left."""
        mine = (Passkey.credential_id == credential_id, Passkey.person_id == person_id)
        return await self._session.scalar(select(Passkey).where(*mine))


class ChallengeRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, challenge: PasskeyChallenge, *, at: datetime) -> None:
        """Keep a challenge, and forget some that are over."""
        # What others sweep at this moment is left to them, so that nobody waits for it.
        over = select(PasskeyChallenge.challenge).where(PasskeyChallenge.expires_at <= at).limit(_SWEPT_AT_ONCE)
        swept = over.with_for_update(skip_locked=True)
        await self._session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.challenge.in_(swept)))
        self._session.add(challenge)

    async def use(self, challenge: bytes, purpose: Purpose, person_id: UUID | None, *, at: datetime) -> bool:
        """Whether there was such a challenge, which is gone now: of parallel uses one finds it."""
        mine = (
            PasskeyChallenge.challenge == challenge,
            PasskeyChallenge.purpose == purpose,
            PasskeyChallenge.person_id.is_not_distinct_from(person_id),
        )
        used = delete(PasskeyChallenge).where(*mine).returning(PasskeyChallenge.expires_at)
        expires_at = await self._session.scalar(used)
        return expires_at is not None and expires_at > at
