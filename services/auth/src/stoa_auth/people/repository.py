"""Every query of people."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from stoa_auth.people.models import Person
from stoa_common.database import Session
from stoa_common.privacy import personal_table


class PersonRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add_unless_known(self, **values: object) -> Person | None:
        """The new person; None where the address has an account. A rival's insert of it is waited for."""
        statement = insert(Person).values(**values).on_conflict_do_nothing(index_elements=[Person.email])
        return await self._session.scalar(statement.returning(Person))

    async def find_by_email(self, email: str) -> Person | None:
        return await self._session.scalar(select(Person).where(Person.email == email))

    async def find(self, person_id: UUID) -> Person | None:
        return await self._session.get(Person, person_id)

    async def lock(self, person_id: UUID) -> Person | None:
        """The person, whom nobody else erases or logs in before this transaction ends."""
        return await self._session.scalar(select(Person).where(Person.id == person_id).with_for_update())

    async def replace_hash(self, person_id: UUID, *, old: str, new: str) -> None:
        """Keep another hash of the same password; nothing happens where the password was changed meanwhile."""
        same = (Person.id == person_id, Person.password_hash == old)
        await self._session.execute(update(Person).where(*same).values(password_hash=new))

    async def hold(self, person_id: UUID) -> Person | None:
        """The person, as nobody changes what their tokens say before this transaction ends; many may hold at once."""
        return await self._session.scalar(
            select(Person).where(Person.id == person_id).with_for_update(read=True, key_share=True)
        )

    async def list_by_ids(self, person_ids: Iterable[UUID]) -> Sequence[Person]:
        return (await self._session.scalars(select(Person).where(Person.id.in_(list(person_ids))))).all()

    async def count_operators(self) -> int:
        """Operators, as nobody else adds or erases one until this transaction ends."""
        await self._session.execute(text("SELECT pg_advisory_xact_lock(hashtext('operators'))"))
        return await self._session.scalar(select(func.count()).where(Person.operator)) or 0


async def _export_person(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """The person's row without its password hash: whoever steals an export shall not get to guess at it."""
    exported = [column for column in Person.__table__.columns if column.key != "password_hash"]
    rows = await session.execute(select(*exported).where(Person.id == person_id))
    return [dict(row) for row in rows.mappings()]


personal_table(Person, person="id", export=_export_person)
