"""Browsers that have logged in by a page."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "browser_cookies",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_seconds", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_browser_cookies"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], ondelete="CASCADE", name="fk_browser_cookies_session_id"
        ),
    )
    op.create_index("ix_browser_cookies_session_id", "browser_cookies", ["session_id"])
