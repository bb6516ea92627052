"""Since when nothing is sent to a webhook, its organization being suspended."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("suspended_at", sa.DateTime(timezone=True)))
    op.add_column("webhooks", sa.Column("resumed_at", sa.DateTime(timezone=True)))
