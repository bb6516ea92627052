"""The feeds' windows, webhooks, and the log of their deliveries."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("feeds", sa.Column("pruned_until", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("types", ARRAY(sa.Text), nullable=False),
        _moment("created_at", nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("sealed_earlier_secret", sa.LargeBinary),
        _moment("earlier_secret_until"),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("read_until", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        _moment("failing_since"),
        _moment("rests_until"),
        _moment("served_at"),
        sa.Column("lease_holder", sa.Uuid),
        _moment("leased_until"),
    )
    op.create_index(op.f("ix_webhooks_organization_id_id"), "webhooks", ["organization_id", "id"])
    _deliveries()


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("webhook_id", sa.Uuid, sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", JSONB, nullable=False),
        _moment("created_at", nullable=False),
        _moment("next_attempt_at"),
        _moment("ended_at"),
        sa.CheckConstraint("kind IN ('event', 'test', 'replay')", name=op.f("ck_webhook_deliveries_kind")),
        sa.CheckConstraint("status IN ('waiting', 'delivered', 'failed')", name=op.f("ck_webhook_deliveries_status")),
    )
    op.create_index(op.f("ix_webhook_deliveries_webhook_id_id"), "webhook_deliveries", ["webhook_id", "id"])
    waiting = sa.text("status = 'waiting'")
    columns = ["webhook_id", "next_attempt_at"]
    op.create_index("ix_webhook_deliveries_waiting", "webhook_deliveries", columns, postgresql_where=waiting)
    op.create_index(op.f("ix_webhook_deliveries_ended_at"), "webhook_deliveries", ["ended_at"])


def _moment(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
