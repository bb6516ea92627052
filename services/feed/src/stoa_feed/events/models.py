"""The copy of the stream: each organization's feed, and what belongs to no organization.

No column names a person: data are kept as they were sent, with personal fields sealed and people as pseudonymous ids.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


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
