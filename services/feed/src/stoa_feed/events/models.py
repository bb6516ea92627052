"""The copy of the stream: each organization's feed, and what belongs to no organization.

No column names a person: data are kept as they were sent, with personal fields sealed and people as pseudonymous ids.
So a person's export has the events that name them, and their erasure leaves the copy as it is: their key is gone.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import Rows, keep, personal_table
from stoa_common.privacy.registry import Export


class _Copied:
    """A CloudEvent's attributes and data. `data` is JSON text: byte for byte what readers get on every way in."""

    type: Mapped[str]
    source: Mapped[str]
    subject: Mapped[str]
    time: Mapped[datetime]
    dataschema: Mapped[str]
    sequence: Mapped[int] = mapped_column(BigInteger)
    correlationid: Mapped[str | None]
    causationid: Mapped[str | None]
    traceparent: Mapped[str | None]
    data: Mapped[str]
    copied_at: Mapped[datetime]


class Feed(Base):
    """An organization's feed. Whoever adds to it holds this row's lock until the commit, so numbers have no gap."""

    __tablename__ = "feeds"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger)
    #: Events up to this number had their time and are gone.
    pruned_until: Mapped[int] = mapped_column(BigInteger, server_default="0")


class FeedEvent(_Copied, Base):
    """An event in its organization's feed."""

    __tablename__ = "feed_events"
    __table_args__ = (UniqueConstraint("organization_id", "event_id"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[UUID]


class PlatformEvent(_Copied, Base):
    """An event of people, which enters no organization's feed."""

    __tablename__ = "platform_events"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)


def _naming(model: type[FeedEvent] | type[PlatformEvent]) -> Export:
    """Events that name the person. No index helps: an export reads the copy once, and is asked for rarely."""

    async def export(session: Session, person_id: UUID) -> Rows:
        shown = (model.event_id, model.type, model.time, model.subject, model.data)
        rows = await session.execute(select(*shown).where(model.data.contains(str(person_id))).order_by(model.time))
        return [dict(row) for row in rows.mappings()]

    return export


for _model in (FeedEvent, PlatformEvent):
    personal_table(_model, person="data", export=_naming(_model), erase=keep)
