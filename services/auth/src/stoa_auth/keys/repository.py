"""Every query of signing keys."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text

from stoa_auth.keys.models import SigningKey
from stoa_common.database import Session


class KeyRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock(self) -> None:
        """Let no other replica add a key before this transaction ends."""
        await self._session.execute(text("SELECT pg_advisory_xact_lock(hashtext('signing_keys'))"))

    def add(self, key: SigningKey) -> None:
        self._session.add(key)

    async def list_valid(self, *, at: datetime) -> Sequence[SigningKey]:
        """Keys whose signatures count, the newest first; some may not sign yet."""
        valid = (SigningKey.retired_at.is_(None)) | (SigningKey.retired_at > at)
        query = select(SigningKey).where(valid).order_by(SigningKey.signs_from.desc(), SigningKey.kid)
        return (await self._session.scalars(query)).all()
