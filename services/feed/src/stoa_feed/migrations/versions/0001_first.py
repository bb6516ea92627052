"""The shared tables, the feeds, and the copy of the stream."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from stoa_common import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    tables.all_0001(op)
    op.create_table(
        "feeds",
        sa.Column("organization_id", sa.Uuid, primary_key=True),
        sa.Column("last_number", sa.BigInteger, nullable=False),
        sa.CheckConstraint("last_number >= 0", name=op.f("ck_feeds_last_number")),
    )
    op.create_table(
        "feed_events",
        sa.Column("organization_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        *_copied(),
        sa.UniqueConstraint("organization_id", "event_id", name=op.f("uq_feed_events_organization_id_event_id")),
    )
    op.create_table("platform_events", sa.Column("event_id", sa.Uuid, primary_key=True), *_copied())


def _copied() -> list[sa.Column[Any]]:
    return [
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dataschema", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("correlationid", sa.Text),
        sa.Column("causationid", sa.Text),
        sa.Column("traceparent", sa.Text),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("copied_at", sa.DateTime(timezone=True), nullable=False),
    ]
