"""Webhooks and the log of what was sent to them. They belong to organizations: no column names a person."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class Status(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    #: Given up; a person may replay it.
    FAILED = "failed"


class Kind(StrEnum):
    EVENT = "event"
    TEST = "test"
    REPLAY = "replay"


class Webhook(Base):
    """Where an organization's events are sent, and how far they have been."""

    __tablename__ = "webhooks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    url: Mapped[str]
    description: Mapped[str]
    #: None listed means all.
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime]

    sealed_secret: Mapped[bytes]
    sealed_earlier_secret: Mapped[bytes | None]
    earlier_secret_until: Mapped[datetime | None]

    is_enabled: Mapped[bool]
    disabled_reason: Mapped[str | None]
    #: Events of the feed up to this number have their delivery, or are of other types.
    read_until: Mapped[int] = mapped_column(BigInteger)
    #: Failed attempts since the last that succeeded.
    failures: Mapped[int]
    failing_since: Mapped[datetime | None]
    #: Until then no event is tried for the first time.
    rests_until: Mapped[datetime | None]

    #: When its organization was last suspended, and last resumed: nothing is sent while the former is the later.
    suspended_at: Mapped[datetime | None]
    resumed_at: Mapped[datetime | None]

    #: The deliverer at work on it, by the database's clock; one that was killed loses it when its time is over.
    lease_holder: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    served_at: Mapped[datetime | None]


class Delivery(Base):
    """One event on its way to one webhook, with each attempt; made when it is first tried, not when it is copied."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    kind: Mapped[str]
    #: The event's place in the feed, which holds its body; a test event has none and brings its own.
    number: Mapped[int | None] = mapped_column(BigInteger)
    event_id: Mapped[UUID]
    type: Mapped[str]
    body: Mapped[str | None]
    status: Mapped[str]
    #: `{at, status, duration_ms, error}` each, in order.
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
