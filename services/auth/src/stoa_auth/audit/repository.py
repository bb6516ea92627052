"""Every query of the audit log. Each names the one log that was opened to the caller."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, insert, or_, select, text

from stoa_auth.audit import domain, sealing
from stoa_auth.audit.models import AuditRecord
from stoa_auth.audit.schemas import Choice
from stoa_common import pages, personal_keys
from stoa_common.database import Session
from stoa_common.pages import PageQuery
from stoa_common.privacy import personal_table

# A row lock takes the right to update, which the service's role has nowhere in this log. The lock is asked for in a
# statement of its own: the next one then sees what the last holder committed.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('audit ' || CAST(:chain AS text), 0))")


class Head(NamedTuple):
    """Where a chain ends."""

    number: int
    hash: bytes


class AuditRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock(self, chain: UUID) -> None:
        """Let nobody else add to this chain before this transaction ends."""
        await self._session.execute(_LOCK, {"chain": str(chain)})

    async def find_head(self, chain: UUID) -> Head | None:
        query = select(AuditRecord.number, AuditRecord.hash).where(AuditRecord.chain == chain)
        row = (await self._session.execute(query.order_by(AuditRecord.number.desc()).limit(1))).one_or_none()
        return Head(row.number, row.hash) if row else None

    async def add(self, rows: Sequence[dict[str, Any]]) -> None:
        await self._session.execute(insert(AuditRecord), list(rows))

    async def page(self, chain: UUID, choice: Choice, window: PageQuery) -> tuple[Sequence[AuditRecord], str | None]:
        """One page, the newest first."""
        query = _chosen(chain, choice)
        if window.after is not None:
            [number] = pages.decode_cursor(window.after, [int])
            query = query.where(AuditRecord.number < number)
        found = await self._session.scalars(query.order_by(AuditRecord.number.desc()).limit(window.limit + 1))
        rows = found.all()
        following = pages.encode_cursor([rows[window.limit - 1].number]) if len(rows) > window.limit else None
        return rows[: window.limit], following

    async def list_after(
        self, chain: UUID, choice: Choice, *, number: int, until: int, limit: int
    ) -> Sequence[AuditRecord]:
        """The next records, the oldest first, none with a number above `until`."""
        query = _chosen(chain, choice).where(AuditRecord.number > number, AuditRecord.number <= until)
        return (await self._session.scalars(query.order_by(AuditRecord.number).limit(limit))).all()


def _chosen(chain: UUID, choice: Choice) -> Select[AuditRecord]:
    query = select(AuditRecord).where(AuditRecord.chain == chain)
    if choice.actor is not None:
        query = query.where(AuditRecord.person_id == choice.actor)
    if choice.action is not None:
        is_noun = "." not in choice.action
        named = AuditRecord.action.startswith(f"{choice.action}.", autoescape=True)
        query = query.where(named if is_noun else AuditRecord.action == choice.action)
    if choice.target is not None:
        query = query.where(AuditRecord.target == choice.target)
    if choice.since is not None:
        query = query.where(AuditRecord.recorded_at >= choice.since)
    if choice.until is not None:
        query = query.where(AuditRecord.recorded_at < choice.until)
    return query


async def _export_person(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """What the person did and what was done to them, opened with their own key alone: others' parts stay sealed."""
    mine = or_(AuditRecord.person_id == person_id, AuditRecord.subject_id == person_id)
    query = select(AuditRecord).where(mine).order_by(AuditRecord.recorded_at, AuditRecord.chain, AuditRecord.number)
    key = await personal_keys.find(session, person_id)
    told = sealing.open_all((await session.scalars(query)).all(), {key.kid: key} if key else {})
    return [domain.told_to(person_id, record) for record in told]


async def _keep(session: Session, person_id: UUID) -> None:
    """Nothing is taken out of a chain: the person's key goes, and with it all that could be read of them here."""


personal_table(AuditRecord, export=_export_person, erase=_keep)
