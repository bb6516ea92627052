"""One key a person and publisher. While it exists, sealed fields can be read; destroying it erases them everywhere."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text, Uuid, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common.errors import Conflict
from stoa_common.ids import new_id
from stoa_events.personal import Personal, Sealed

NONCE_BYTES = 12

personal_keys = Table(
    "personal_keys",
    MetaData(),
    Column("person_id", Uuid, primary_key=True),
    Column("kid", Text, nullable=False, unique=True),
    Column("key", LargeBinary),
    Column("destroyed_at", DateTime(timezone=True)),
)


class PersonIsErased(Conflict):
    """The person's key was destroyed; nothing about them can be recorded any more."""


@dataclass(frozen=True, slots=True, repr=False)
class PersonalKey:
    kid: str
    secret: bytes

    def seal(self, name: str, plaintext: bytes) -> Sealed:
        """AES-256-GCM; the field's name is authenticated, so that a value cannot be moved to another field."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return Sealed.of(self.kid, nonce + AESGCM(self.secret).encrypt(nonce, plaintext, name.encode()))

    def open(self, name: str, sealed: Sealed) -> Any:
        """The value, or None if this is not the key or the text was altered."""
        nonce, ciphertext = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        try:
            return json.loads(AESGCM(self.secret).decrypt(nonce, ciphertext, name.encode()))
        except (InvalidTag, ValueError):
            return None


async def get_or_make(session: AsyncSession, person_id: UUID) -> PersonalKey:
    """The person's key, made in this transaction if they had none. Raises PersonIsErased."""
    await session.execute(
        upsert(personal_keys)
        .values(person_id=person_id, kid=str(new_id()), key=AESGCM.generate_key(256))
        .on_conflict_do_nothing(index_elements=["person_id"])
    )
    key = await _find(session, personal_keys.c.person_id == person_id)
    if key is None:
        raise PersonIsErased("This person was erased.")
    return key


async def is_erased(session: AsyncSession, person_id: UUID) -> bool:
    """For what is recorded after a long wait, when the caller's token may count no more."""
    query = select(personal_keys.c.destroyed_at).where(personal_keys.c.person_id == person_id)
    return await session.scalar(query) is not None


async def open_field(session: AsyncSession, name: str, value: Personal[Any]) -> Any:
    """A personal field's value, read with a key of this database; None once the key is destroyed."""
    if value.sealed is None:
        return value.plain
    key = await _find(session, personal_keys.c.kid == value.sealed.kid)
    return key.open(name, value.sealed) if key else None


async def find(session: AsyncSession, person_id: UUID) -> PersonalKey | None:
    """The person's key; None where they have none, or none any more."""
    return await _find(session, personal_keys.c.person_id == person_id)


async def find_by_kids(session: AsyncSession, kids: Iterable[str]) -> dict[str, PersonalKey]:
    """The keys that still exist, by their ids."""
    query = select(personal_keys.c.kid, personal_keys.c.key).where(personal_keys.c.kid.in_(list(kids)))
    rows = await session.execute(query.where(personal_keys.c.key.is_not(None)))
    return {row.kid: PersonalKey(row.kid, row.key) for row in rows}


async def destroy(session: AsyncSession, person_id: UUID, *, at: datetime) -> None:
    """Make every sealed field of the person unreadable. The row stays, so that no new key is made by a late event."""
    statement = upsert(personal_keys).values(person_id=person_id, kid=str(new_id()), key=None, destroyed_at=at)
    await session.execute(statement.on_conflict_do_nothing(index_elements=["person_id"]))
    await session.execute(
        update(personal_keys).where(personal_keys.c.person_id == person_id).values(key=None, destroyed_at=at)
    )


async def _find(session: AsyncSession, condition: Any) -> PersonalKey | None:
    row = (await session.execute(select(personal_keys.c.kid, personal_keys.c.key).where(condition))).one_or_none()
    return PersonalKey(row.kid, row.key) if row and row.key else None
